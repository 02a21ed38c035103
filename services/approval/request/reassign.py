"""No open task belongs to somebody who cannot decide it (law 20 of product.md).

Whoever is deactivated, or loses the grant to decide by whatever door, has his open and waiting
tasks given on in the same transaction: `watch` sees every flush of people and roles. What slips by
(a submission that chose him at the same moment) is found by the worker's schedule.
"""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, UOWTransaction

from models.approval.flow import ApprovalStep, StepMode
from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.delivery.notification import NoticeKind
from models.people.role import Role
from models.people.user import User
from services.approval.flow.approvers import RIGHT
from services.approval.flow.barred import BARRING, barred
from services.approval.flow.flow import ordinal
from services.approval.flow.successors import Heir, Heirs
from services.approval.request.events import DEACTIVATED, NO_GRANT, kept
from services.core import clock
from services.core.settings import get_setting
from services.core.worktime import WorkCalendar, calendar
from services.delivery.notices import Notice, tell_many
from services.rights.access import actor_of
from services.rights.rules import APPROVAL

LIVE = (TaskState.open, TaskState.waiting)
PART = 200  # requests a round: what they hold is read and written together
REQUEST: Any = ApprovalRequest.__table__
TASK: Any = ApprovalTask.__table__
GIVEN_ON = "given_on"  # in a session: heir → number of tasks
KEPT = ("state", "assignee_id", "on_behalf_of_id", "after_id", "due_at", "needs_second")


@dataclasses.dataclass(slots=True)
class Held:
    """A live task as it is, and as it is to be; `heir`: the one that is opened in its place."""

    row: Any
    state: TaskState
    assignee_id: int
    on_behalf_of_id: int | None
    after_id: int | None
    due_at: dt.datetime | None
    needs_second: bool
    heir: Heir | None = None

    @property
    def changed(self) -> bool:
        """Tell whether anything of the task's own row is to be written."""
        return any(getattr(self, key) != getattr(self.row, key) for key in KEPT)


@dataclasses.dataclass(slots=True)
class Step:
    """The live tasks of a step of a request, who has signed in it, and its rules."""

    id: int
    title: str
    barred: set[int]
    mode: StepMode
    hours: float
    tasks: list[Held] = dataclasses.field(default_factory=list)
    signed: set[int] = dataclasses.field(default_factory=set)

    def live(self, but: Held) -> list[Held]:
        """Return the other tasks that still count."""
        return [t for t in self.tasks if t is not but and t.state in LIVE]


@dataclasses.dataclass(slots=True)
class Reassignment:
    """What one run knows, and what it did: (request, step, leaver, heir) and who opens next."""

    session: Session
    heirs: Heirs
    work: WorkCalendar
    now: dt.datetime
    moved: list[tuple[Step, Held, int, int]] = dataclasses.field(default_factory=list)
    told: dict[int, dict[int, Step]] = dataclasses.field(default_factory=dict)

    def until(self, step: Step) -> dt.datetime:
        """Return when a task of the step that opens now is due."""
        return self.work.add(self.now, step.hours)

    def tell(self, person: int, step: Step) -> None:
        """Note that a person has a task of the step now."""
        self.told.setdefault(person, {})[step.id] = step


def reassign_tasks_of(
    session: Session, people: Iterable[int] | None = None, *, now: dt.datetime
) -> int:
    """Give on the open and waiting tasks of those of the people who cannot decide (None: of all).

    Each leaves an event that says from whom, to whom and why, and everybody who got some is told
    once. Writes by statements, so that it can follow a flush. Returns how many tasks moved.
    """
    heirs, moved = Heirs(session, now=now), 0
    among = None if people is None else list(people)
    requests = list(session.execute(_stray(heirs.able, among)).scalars())
    if not requests:
        return 0
    found = Reassignment(session, heirs, calendar(session), now)
    for start in range(0, len(requests), PART):
        steps = _steps(found, requests[start : start + PART])
        for step in steps:
            for task in step.tasks:
                if task.state in LIVE and task.assignee_id not in heirs.able:
                    _give_on(found, step, task)
        _write(found, steps)
        moved += len(found.moved)
        _note(found)
        found.moved.clear()
    _tell(found)
    for row in list(session.identity_map.values()):
        if isinstance(row, ApprovalTask) and row not in session.dirty:
            session.expire(row)
    return moved


def _stray(able: Iterable[int], people: list[int] | None) -> Any:
    """Select the pending requests in which somebody holds a task who cannot decide."""
    mine = TASK.c.assignee_id.not_in(list(able))
    if people is not None:
        mine = sa.and_(mine, TASK.c.assignee_id.in_(people))
    return (
        sa.select(REQUEST.c.id)
        .join(TASK, TASK.c.request_id == REQUEST.c.id)
        .where(TASK.c.state.in_(LIVE), mine, REQUEST.c.state == Approval.pending)
        .distinct()
        .order_by(REQUEST.c.id)
    )


def _steps(found: Reassignment, keys: list[int]) -> list[Step]:
    """Lock requests, as every decision does first, and return what they hold."""
    session, flow_step = found.session, ApprovalStep.__table__
    pending = REQUEST.c.state == Approval.pending
    rows = session.execute(
        sa.select(
            *REQUEST.c["id", "title", "flow_id", "route", "step"],
            *(REQUEST.c[name] for name in BARRING),
        )
        .where(REQUEST.c.id.in_(keys), pending)
        .order_by(REQUEST.c.id)
        .with_for_update()
    ).all()
    flows = {row.flow_id for row in rows}
    query = sa.select(flow_step).where(flow_step.c.flow_id.in_(flows))
    rules = {(one.flow_id, one.ordinal): one for one in session.execute(query)}
    usual = get_setting(session, "approval.due_hours")
    requests = {row.id: row for row in rows}
    held = sa.select(TASK).where(TASK.c.request_id.in_(requests))
    tasks = session.execute(held.order_by(TASK.c.id)).all()
    steps: dict[tuple[int, int], Step] = {}
    for task in tasks:
        row, place = requests[task.request_id], (task.request_id, task.step)
        if task.state in LIVE and place not in steps:
            one = rules[row.flow_id, ordinal(row, task.step)]
            hours = one.due_hours or usual
            steps[place] = Step(row.id, row.title, barred(row), one.mode, hours)
    for task in tasks:
        step = steps.get((task.request_id, task.step))
        if step is not None and task.state in LIVE:
            step.tasks.append(Held(task, *(getattr(task, key) for key in KEPT)))
        elif step is not None and task.state is TaskState.done:
            step.signed.add(task.assignee_id)
    return list(steps.values())


def _give_on(found: Reassignment, step: Step, task: Held) -> None:
    """Give one task to the nearest heir who has none in this step; it ends where all have one.

    Where one of several may decide and another one of them is still asked, the task ends too: he
    goes on with it. A waiting task changes hands; an open one is closed, its heir gets a new one.
    """
    leaver, others = task.assignee_id, step.live(task)
    held = {t.assignee_id for t in others} | {t.heir.person for t in step.tasks if t.heir}
    rest = [t for t in others if _suffices(found, step, t)]
    behind = any(t.after_id == task.row.id for t in others)
    if rest and step.mode is StepMode.any and task.row.added_by_id is None and not behind:
        found.moved.append((step, task, leaver, rest[0].assignee_id))
        found.tell(rest[0].assignee_id, step)
        _end(found, step, task)
        return
    choice = list(found.heirs.of(leaver, task.on_behalf_of_id, step.barred))
    fresh = [one for one in choice if one.person not in held]
    unsigned = [one for one in fresh if one.person not in step.signed]
    heir = next(iter((*unsigned, *fresh, *choice)), None)
    if heir is None:
        return  # no administrator at all: the schedule looks again
    found.moved.append((step, task, leaver, heir.person))
    if heir not in fresh:
        _end(found, step, task)
    elif task.state is TaskState.waiting:
        task.assignee_id, task.on_behalf_of_id = heir.person, heir.principal
        task.needs_second = heir.second
    else:
        task.state, task.heir = TaskState.cancelled, heir
    found.tell(heir.person, step)


def _suffices(found: Reassignment, step: Step, task: Held) -> bool:
    """Tell whether the decision of a task's person ends a step of which any one decides."""
    free = task.state is TaskState.open and task.row.added_by_id is None
    return free and task.assignee_id in found.heirs.able and task.assignee_id not in step.barred


def _end(found: Reassignment, step: Step, task: Held) -> None:
    """Take a task out of its step: what waited for it waits for what it waited for."""
    opens = task.state is TaskState.open
    task.state = TaskState.cancelled
    for other in step.live(task):
        if other.after_id != task.row.id:
            continue
        other.after_id = task.after_id
        if opens:
            other.state, other.due_at = TaskState.open, found.until(step)
            found.tell(other.assignee_id, step)


def _write(found: Reassignment, steps: list[Step]) -> None:
    """Close what is closed, open the heirs' tasks, then let the others wait for those."""
    session = found.session
    changed = [(step, t) for step in steps for t in step.tasks if t.changed]
    closed = [t.row.id for _step, t in changed if t.state is TaskState.cancelled]
    ended = sa.update(TASK).where(TASK.c.id.in_(closed)).values(state=TaskState.cancelled)
    session.execute(ended, execution_options=APPROVAL)
    for _step, task in changed:
        if task.state is not TaskState.cancelled:
            values = {key: getattr(task, key) for key in KEPT}
            statement = sa.update(TASK).where(TASK.c.id == task.row.id).values(values)
            session.execute(statement, execution_options=APPROVAL)
    fresh = [(step, t) for step, t in changed if t.heir is not None]
    waited = {other.after_id for step, _t in fresh for other in step.tasks if other.state in LIVE}
    plain = [_opened(found, step, t) for step, t in fresh if t.row.id not in waited]
    if plain:
        session.execute(sa.insert(TASK), plain, execution_options=APPROVAL)
    for step, task in fresh:
        if task.row.id in waited:
            made = sa.insert(TASK).values(_opened(found, step, task)).returning(TASK.c.id)
            key = session.execute(made, execution_options=APPROVAL).scalar_one()
            follow = sa.update(TASK).where(TASK.c.after_id == task.row.id, TASK.c.state.in_(LIVE))
            session.execute(follow.values(after_id=key), execution_options=APPROVAL)


def _opened(found: Reassignment, step: Step, task: Held) -> dict[str, Any]:
    """Return the row of the task that an heir gets in the place of a closed one."""
    heir = task.heir or Heir(task.assignee_id)
    return {
        "request_id": step.id,
        "step": task.row.step,
        "assignee_id": heir.person,
        "on_behalf_of_id": heir.principal,
        "state": TaskState.open,
        "after_id": task.after_id,
        "added_by_id": task.row.added_by_id,
        "needs_second": heir.second,
        "created_at": found.now,
        "due_at": found.until(step),
    }


def _note(found: Reassignment) -> None:
    """Write an event a task: who had it, who has it, and why."""
    if not found.moved:
        return
    by, user = actor_of(found.session), User.__table__
    people = {leaver for _step, _task, leaver, _heir in found.moved}
    query = sa.select(user.c.id, user.c.active).where(user.c.id.in_(people))
    active: dict[int, bool] = dict(found.session.execute(query).all())
    words = {False: kept(DEACTIVATED), True: kept(NO_GRANT)}
    rows = [
        {
            "request_id": step.id,
            "step": task.row.step,
            "decision": Decision.reassign,
            "actor_id": by.id if by else None,
            "on_behalf_of_id": leaver,
            "target_id": heir,
            "comment": words[active[leaver]],
            "at": found.now,
        }
        for step, task, leaver, heir in found.moved
    ]
    found.session.execute(sa.insert(ApprovalEvent.__table__), rows, execution_options=APPROVAL)
    heirs = found.session.info.setdefault(GIVEN_ON, Counter())
    heirs.update(heir for _step, _task, _leaver, heir in found.moved)


def given_on(session: Session) -> tuple[int, list[str]]:
    """Return how many tasks this session gave on and to whom, most first; told once."""
    heirs: Counter[int] = session.info.pop(GIVEN_ON, Counter())
    if not heirs:
        return 0, []
    user = User.__table__.c
    rows = session.execute(sa.select(*user["id", "name"]).where(user.id.in_(heirs)))
    names: dict[int, str] = dict(rows.all())
    return heirs.total(), [names[key] for key, _n in heirs.most_common()]


def _tell(found: Reassignment) -> None:
    """Tell each new holder once, however many tasks he got."""
    notices = []
    for person, steps in found.told.items():
        first, number = next(iter(steps.values())), len(steps)
        key = f"reassign:{first.id}:{found.now:%Y%m%d%H%M%S%f}"
        url = f"/admin/inbox/?id={first.id}"
        about = first.id if number == 1 else None
        kind = NoticeKind.transfer
        notices.append(Notice(person, kind, first.title, url, key, about, number))
    tell_many(found.session, notices, now=found.now)


def install(factory: Any) -> None:
    """Let a session factory watch its flushes; a second call changes nothing."""
    if not sa.event.contains(factory, "after_flush", watch):
        sa.event.listen(factory, "after_flush", watch)


def watch(session: Session, _context: UOWTransaction) -> None:
    """Give tasks on after a flush in which people lost the grant (an `after_flush` hook)."""
    leavers = {row.id for row in session.dirty if isinstance(row, User) and _left(row)}
    cut = any(isinstance(row, Role) and _cut(row) for row in session.dirty)
    if leavers or cut:
        now = clock.of(session)
        reassign_tasks_of(session, None if cut else leavers, now=now)


def _left(user: User) -> bool:
    """Tell whether a person was deactivated or lost a role."""
    state: Any = sa.inspect(user).attrs
    off = state.active.history.has_changes() and not user.active
    return off or bool(state.roles.history.deleted)


def _cut(role: Role) -> bool:
    """Tell whether a role lost the grant to decide."""
    history: Any = sa.inspect(role).attrs.permissions.history
    return bool(history.deleted) and RIGHT in history.deleted[0] and RIGHT not in role.permissions
