"""The tasks of a step: opened for its approvers, handed on in order, closed when it is done."""

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable
from itertools import chain

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalStep, StepMode
from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.delivery.notification import NoticeKind
from services.approval.flow.agreed_before import agreed_before, collapses, share_is_met
from services.approval.flow.approvers import admins, approvers
from services.approval.flow.barred import barred
from services.approval.flow.flow import step_of
from services.approval.flow.forks import firsts, next_in_lane
from services.approval.flow.stand_ins import place
from services.approval.request.effects import announce
from services.approval.request.events import AGREED_BEFORE, kept, note
from services.core.errors import Locked
from services.core.settings import get_setting
from services.core.worktime import due_after

LIVE = (TaskState.open, TaskState.waiting)


def open_block(session: Session, request: ApprovalRequest, *, now: dt.datetime) -> list[int] | None:
    """Open the step a request stands in, or all branches that begin there; return whose turn it is.

    None where people who agreed already fulfil all of it.
    """
    found = [
        open_lane(session, request, first, now=now) for first in firsts(request.lanes, request.step)
    ]
    turns = [turn for turn in found if turn is not None]
    return list(dict.fromkeys(chain.from_iterable(turns))) if turns else None


def open_lane(
    session: Session, request: ApprovalRequest, first: int, *, now: dt.datetime
) -> list[int] | None:
    """Open the first step of a branch, from a place on, that is not fulfilled; None: all are."""
    at: int | None = first
    while at is not None:
        turn = _open_next(session, request, at, now)
        if turn is not None:
            return turn
        at = next_in_lane(request.lanes, at)
    return None


def _open_next(
    session: Session, request: ApprovalRequest, at: int, now: dt.datetime
) -> list[int] | None:
    """Open one step; None where people who agreed already fulfil it.

    Where the flow says so, who agreed in a step before is not asked again: his agreement is noted.
    """
    step, never = step_of(session, request, at), barred(request)
    signed = _signed(session, request, at) - never if collapses(step) else set()
    named = approvers(session, step, request.submitted_by_id, request.chosen) if signed else []
    found = agreed_before(step, named, signed, never)
    for person in found.people:
        _agree(session, request, at, person, now)
    return (
        None if found.whole else _open_tasks(session, request, (at, step), found.rest or None, now)
    )


def _signed(session: Session, request: ApprovalRequest, at: int) -> set[int]:
    """Return who approved a step before one since the request was last sent back."""
    query = _approvals(session, request).where(ApprovalTask.step < at)
    return set(session.scalars(query))


def _approvals(session: Session, request: ApprovalRequest) -> sa.Select[int]:
    """Select who approved a step since the request was last sent back."""
    task, event = ApprovalTask, ApprovalEvent
    sent_back = (event.request_id == request.id, event.decision == Decision.give_back)
    last = session.scalar(sa.select(sa.func.max(event.at)).where(*sent_back))
    query = sa.select(task.assignee_id)
    query = query.where(task.request_id == request.id, task.decision == Decision.approve)
    return query if last is None else query.where(task.decided_at > last)


def _agree(
    session: Session, request: ApprovalRequest, at: int, person: int, now: dt.datetime
) -> None:
    task = ApprovalTask(
        request_id=request.id,
        step=at,
        assignee_id=person,
        state=TaskState.done,
        decision=Decision.approve,
        created_at=now,
        decided_at=now,
    )
    session.add(task)
    why = kept(AGREED_BEFORE)
    note(session, request, Decision.approve, step=at, by=person, comment=why, now=now)


def _open_tasks(
    session: Session,
    request: ApprovalRequest,
    where: tuple[int, ApprovalStep],
    named: list[int] | None,
    now: dt.datetime,
) -> list[int]:
    """Create the tasks of a step at a place of the route; return whose turn it is.

    Without an approver the admins get it, and are told why. The submitter and the last editor are
    never asked, not as stand-ins either; where nobody else is left the only admin's task waits for
    a second person. Raises Locked where there is no admin either: nothing passes by itself.
    """
    at, step = where
    if named is None:
        named = approvers(session, step, request.submitted_by_id, request.chosen)
    found = cast(session, named, barred(request), now=now)
    if not found.people:
        raise Locked(_("没有可用的审批人，也没有在职的管理员"), code="NO_APPROVER")
    made = [
        ApprovalTask(
            request_id=request.id,
            step=at,
            assignee_id=person,
            on_behalf_of_id=principal,
            created_at=now,
            needs_second=found.second,
        )
        for person, principal in found.people.items()
    ]
    turn = _start(session, step, made, now=now)
    return _say_nobody(session, request, at, turn, now) if found.fallback else turn


@dataclasses.dataclass(frozen=True, slots=True)
class Cast:
    """Who gets a step: person → whose stand-in; the admins for want of approvers (`fallback`).

    `second`: only the barred admin himself is left, a second person has to decide.
    """

    people: dict[int, int | None]
    fallback: bool = False
    second: bool = False


def cast(
    session: Session, named: list[int], barred: Collection[int | None], *, now: dt.datetime
) -> Cast:
    """Return who gets a step whose approvers are named; writes nothing."""
    people = [key for key in named if key not in barred]
    if people:
        return Cast(place(session, people, barred, now=now))
    known = admins(session)
    people = [key for key in known if key not in barred]
    if not people:
        return Cast(dict.fromkeys(known), fallback=True, second=True)
    return Cast(place(session, people, barred, now=now), fallback=True)


def _say_nobody(
    session: Session, request: ApprovalRequest, at: int, people: list[int], now: dt.datetime
) -> list[int]:
    """Write into the timeline that nobody was found, and tell the admins so; nobody is left to."""
    for person in people:
        note(session, request, Decision.no_approver, step=at, by=None, target=person, now=now)
    announce(session, request, people, now=now, kind=NoticeKind.no_approver)
    return []


def _start(
    session: Session, step: ApprovalStep, made: list[ApprovalTask], *, now: dt.datetime
) -> list[int]:
    """Open them all, or in turn only the first; the others wait each for the one before."""
    until = deadline(session, step, now)
    in_turn = step.mode is StepMode.turn
    before: ApprovalTask | None = None
    for task in made:
        waits = in_turn and before is not None
        task.state = TaskState.waiting if waits else TaskState.open
        task.after_id = before.id if waits and before else None
        task.due_at = None if waits else until
        session.add(task)
        if in_turn:
            session.flush()
        before = task
    session.flush()
    return [task.assignee_id for task in made if task.state is TaskState.open]


def deadline(session: Session, step: ApprovalStep, now: dt.datetime) -> dt.datetime:
    """Return when a task that opens now is due."""
    return due_after(session, now, step.due_hours or get_setting(session, "approval.due_hours"))


def live(session: Session, request_id: int, at: int | None = None) -> list[ApprovalTask]:
    """Return the tasks that are open or wait their turn, as they are in the database now.

    `at`: those of one step; more than one has some where branches run at once.
    """
    task = ApprovalTask
    query = sa.select(task).where(task.request_id == request_id, task.state.in_(LIVE))
    if at is not None:
        query = query.where(task.step == at)
    query = query.order_by(task.id).execution_options(populate_existing=True)
    return list(session.scalars(query))


def hand_on(
    session: Session, request: ApprovalRequest, task: ApprovalTask, *, now: dt.datetime
) -> tuple[bool, list[int]]:
    """Go on after an approved task: (the step is complete, whose turn it is now).

    Any: the others' tasks end with the first approval of one of the step's own approvers; by share,
    with that which makes it. Whoever was added after him, or is next in turn, still has to agree.
    """
    step = step_of(session, request, task.step)
    rest = live(session, request.id, task.step)
    if task.added_by_id is None and _is_enough(session, request, (task, step), rest):
        kept = _behind(rest, task.id)
        cancel(rest, but=kept, now=now)
        rest = [t for t in rest if t.id in kept]
    turn = [t for t in rest if t.after_id == task.id and t.state is TaskState.waiting]
    if turn:
        _open(session, request, step, (turn, rest), now)
    return not rest, [t.assignee_id for t in turn]


def _is_enough(
    session: Session,
    request: ApprovalRequest,
    where: tuple[ApprovalTask, ApprovalStep],
    rest: list[ApprovalTask],
) -> bool:
    """Tell whether the approvals of a step's own approvers end it before all have decided."""
    here, step = where
    if step.mode is not StepMode.share:
        return step.mode is StepMode.any
    task = ApprovalTask
    own = _approvals(session, request).where(task.step == here.step, task.added_by_id.is_(None))
    agreed = len(set(session.scalars(own)))
    asked = agreed + sum(one.added_by_id is None for one in rest)
    return share_is_met(step, agreed, asked)


def _open(
    session: Session,
    request: ApprovalRequest,
    step: ApprovalStep,
    tasks: tuple[list[ApprovalTask], list[ApprovalTask]],
    now: dt.datetime,
) -> None:
    """Open tasks whose turn it is; who is away by now has his stand-in asked."""
    turn, rest = tasks
    until = deadline(session, step, now)
    held = {t.assignee_id for t in rest}
    never = barred(request) | held
    for follower in turn:
        follower.state, follower.due_at = TaskState.open, until
        for person, principal in place(session, [follower.assignee_id], never, now=now).items():
            if principal is not None:
                follower.assignee_id, follower.on_behalf_of_id = person, principal
        never.add(follower.assignee_id)
    session.flush()


def _behind(tasks: list[ApprovalTask], first: int) -> set[int]:
    """Return the keys of the tasks that wait, directly or not, for one."""
    found: set[int] = set()
    grown = {first}
    while grown:
        grown = {t.id for t in tasks if t.after_id in grown} - found
        found |= grown
    return found


def cancel(tasks: Iterable[ApprovalTask], *, but: Iterable[int] = (), now: dt.datetime) -> None:
    """End tasks undecided; the time tells which decision ended them."""
    kept = set(but)
    for task in tasks:
        if task.id not in kept:
            task.state, task.decided_at = TaskState.cancelled, now
