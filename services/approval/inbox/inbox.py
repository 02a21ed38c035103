"""待我处理 as data: a page of tasks with their time left and warnings, and counts by type."""

import dataclasses
import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.cached import cached
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.people.user import User
from services.approval.inbox import subjects
from services.approval.inbox.current_assignees import waiting_for
from services.core.worktime import WorkCalendar, calendar
from services.rights.actor import Actor
from services.rights.pending_counts import repeated

# Made once: an alias copies every column of its table, 2 ms each time.
PRINCIPAL = User.__table__.alias("principal")
OTHER = Customer.__table__.alias("other")
REACHED = Contact.__table__.alias("reached")

TABS = ("open", "done", "moved")
SORTS = ("due", "waiting")


@dataclasses.dataclass(frozen=True, slots=True)
class QueueFilter:
    """What a person looks at: tab, type (`noun` or `noun:change`), submitter, sort, page.

    `words`: what was searched for, as clauses of request_search.py.
    """

    tab: str = "open"
    type: str = ""
    submitter: int | None = None
    sort: str = "due"
    page: int = 0
    size: int = 20
    words: tuple[Any, ...] = dataclasses.field(default=(), compare=False)


@dataclasses.dataclass(slots=True)
class QueueRow:
    """One line: the request, its submitter's name, working hours left (None: no due time).

    `beneath` are its customer and amount, where name and kind do not say them.

    Late is what is due before now: on a rest day no hours are left, yet nothing is late.
    `day` is how many hours a working day has.
    A handled or transferred one says what was done, when, to whom it went and who has it now.
    """

    request: ApprovalRequest
    submitter: str
    left: float | None = None
    late: bool = False
    day: float = 8
    flagged: bool = False
    behalf: str | None = None
    decision: Decision | None = None
    decided_at: dt.datetime | None = None
    target: str = ""
    waiting: list[str] = dataclasses.field(default_factory=list)
    beneath: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Return the type chip it counts for."""
        return kind_key(self.request.noun, self.request.action)


def kind_key(noun: str, action: FlowAction) -> str:
    """Return the key of a type: `noun` for what is new, else `noun:action`."""
    return noun if action is FlowAction.create else f"{noun}:{action.name}"


def mine(actor: Actor, tab: str, task: Any = ApprovalTask) -> Any:
    """Return the WHERE of the actor's tasks in a tab, over ApprovalTask or its columns."""
    own = task.assignee_id == actor.id
    if tab == "open":
        return sa.and_(own, task.state == TaskState.open)
    moved = task.decision == Decision.transfer
    return sa.and_(own, task.state == TaskState.done, moved if tab == "moved" else ~moved)


def of_type(wanted: str, request: Any = ApprovalRequest) -> Any:
    """Return the WHERE of a type chip over ApprovalRequest or its columns."""
    noun, _colon, action = wanted.partition(":")
    if not noun:
        return sa.true()
    if action in FlowAction.__members__:
        return sa.and_(request.noun == noun, request.action == FlowAction[action])
    return sa.and_(request.noun == noun, request.action == FlowAction.create)


@dataclasses.dataclass(slots=True)
class Tally:
    """What a tab holds: how many there are, how many of them late, whatever is searched.

    Of what is found: numbers by type and by submitter (id → name, number).
    """

    kinds: dict[str, int] = dataclasses.field(default_factory=dict)
    submitters: dict[int, tuple[str, int]] = dataclasses.field(default_factory=dict)
    every: int = 0
    late: int = 0

    def total(self, wanted: QueueFilter) -> int:
        """Return how many there are of what is wanted."""
        if wanted.submitter is not None:
            return self.submitters.get(wanted.submitter, ("", 0))[1]
        return self.kinds.get(wanted.type, 0) if wanted.type else sum(self.kinds.values())


def tally(session: Session, actor: Actor, wanted: QueueFilter, *, now: dt.datetime) -> Tally:
    """Count a tab; the submitters are those of the type that is looked at. One statement.

    Over Core tables, since `mine` names the actor himself. Names come after the counting.
    """
    user, found = User.__table__, Tally()
    counted = _counted(actor, wanted, now).subquery()
    for noun, action, who, every, n, overdue, name in session.execute(
        sa.select(counted, user.c.name)
        .outerjoin(user, user.c.id == counted.c.submitted_by_id)
        .order_by(counted.c.noun, counted.c.action, user.c.name)
    ):
        found.every += every
        found.late += overdue
        if not n:
            continue
        kind = kind_key(noun, action)
        found.kinds[kind] = found.kinds.get(kind, 0) + n
        if wanted.type not in {"", kind}:
            continue
        if who is not None:
            found.submitters[who] = (name, found.submitters.get(who, ("", 0))[1] + n)
    return found


def _counted(actor: Actor, wanted: QueueFilter, now: dt.datetime) -> Any:
    """Return noun, action, submitter, number, number of what is found and of late ones of a tab.

    A request counts once, also where branches that run at once ask a person twice.
    """
    request, task = ApprovalRequest.__table__, ApprovalTask.__table__
    key = request.c["noun", "action", "submitted_by_id"]
    late = sa.func.count(sa.case((task.c.due_at < now, 1)))
    found = sa.case((sa.and_(sa.true(), *wanted.words), request.c.id))
    columns: list[Any] = [sa.func.count(), sa.func.count(found), late]
    once: sa.ColumnElement[bool] = sa.true()
    if wanted.tab == "open":
        once = task.c.id.not_in(repeated(actor.id))
    else:
        ids = (sa.func.count(sa.distinct(one)) for one in (request.c.id, found))
        columns = [*ids, sa.literal(0)]
    return (
        sa.select(
            *key, *(c.label(name) for c, name in zip(columns, ("n", "found", "late"), strict=True))
        )
        .join_from(task, request, task.c.request_id == request.c.id)
        .where(mine(actor, wanted.tab, task.c), once)
        .group_by(*key)
    )


def rows(
    session: Session, actor: Actor, wanted: QueueFilter, *, now: dt.datetime
) -> list[QueueRow]:
    """Return a page of lines; four statements, however many tasks are open.

    Past the read gate: the keys are those of the actor's own tasks, which is sight enough.
    """
    request, task, user = ApprovalRequest, ApprovalTask.__table__, User.__table__
    keys = _page(actor, wanted).subquery()
    found = session.execute(
        sa.select(
            *(request, task.c.due_at, user.c.name, PRINCIPAL.c.name),
            *task.c["decision", "decided_at"],
            *subjects.columns(),
        )
        .join(task, task.c.request_id == request.id)
        .join(keys, keys.c.id == task.c.id)
        .outerjoin(user, user.c.id == request.submitted_by_id)
        .outerjoin(PRINCIPAL, PRINCIPAL.c.id == task.c.on_behalf_of_id)
        .order_by(*_order(wanted, task.c, request)),
        execution_options={"system": "approval"},
    ).all()
    lines = [
        QueueRow(row[0], row[2] or "", behalf=row[3], decision=row[4], decided_at=row[5])
        for row in found
    ]
    for line, row in zip(lines, found, strict=True):
        line.beneath = subjects.beneath(line.request, subjects.Subject(*row[6:]))
    if wanted.tab != "open" and lines:
        _tell_now(session, actor, lines)
    if wanted.tab == "open" and lines:
        work = calendar(session)
        for line, row in zip(lines, found, strict=True):
            time_left(line, row[1], work, now)
        doubtful = flagged(session, [line.request.id for line in lines])
        for line in lines:
            line.flagged = line.request.id in doubtful
    return lines


def time_left(
    line: QueueRow, due_at: dt.datetime | None, work: WorkCalendar, now: dt.datetime
) -> None:
    """Put on a line how much working time is left until it is due."""
    if due_at is not None:
        line.left, line.late, line.day = hours(work, now, due_at), due_at < now, work.day_hours


def _order(wanted: QueueFilter, task: Any, request: Any) -> tuple[Any, ...]:
    if wanted.tab != "open":
        return (task.decided_at.desc(), task.request_id.desc())
    if wanted.sort == "due":
        return (task.due_at.is_(None), task.due_at, task.request_id)
    return (request.submitted_at, request.id)


def _page(actor: Actor, wanted: QueueFilter) -> Any:
    """Return the task ids of a page: an index tells them before a wide row is read.

    Over Core tables, since `mine` names the actor himself.
    """
    task, request = ApprovalTask.__table__, ApprovalRequest.__table__
    query = sa.select(task.c.id).where(mine(actor, wanted.tab, task.c))
    query = query.where(
        task.c.id.not_in(repeated(actor.id))
        if wanted.tab == "open"
        else task.c.id.in_(_newest(actor, wanted.tab))
    )
    if wanted.type or wanted.submitter is not None or wanted.sort != "due" or wanted.words:
        query = query.join(request, request.c.id == task.c.request_id)
        query = query.where(of_type(wanted.type, request.c), *wanted.words)
    if wanted.submitter is not None:
        query = query.where(request.c.submitted_by_id == wanted.submitter)
    query = query.order_by(*_order(wanted, task.c, request.c))
    return query.offset(wanted.page * wanted.size).limit(wanted.size)


def _newest(actor: Actor, tab: str) -> Any:
    """Return the newest task of each request in a tab: one may decide on a request twice."""
    task = ApprovalTask.__table__.alias()
    return (
        sa.select(sa.func.max(task.c.id))
        .where(mine(actor, tab, task.c))
        .group_by(task.c.request_id)
    )


def _tell_now(session: Session, actor: Actor, lines: list[QueueRow]) -> None:
    """Say on handled lines who has the request now and to whom the actor gave it."""
    keys = [line.request.id for line in lines]
    waiting = waiting_for(session, keys)
    event, user = ApprovalEvent.__table__, User.__table__
    given: dict[int, str] = dict(
        session.execute(
            sa.select(event.c.request_id, user.c.name)
            .join(user, user.c.id == event.c.target_id)
            .where(
                event.c.request_id.in_(keys),
                event.c.actor_id == actor.id,
                event.c.decision == Decision.transfer,
            )
            .order_by(event.c.id)
        ).all()
    )
    for line in lines:
        line.waiting = waiting.get(line.request.id, [])
        line.target = given.get(line.request.id, "")


def hours(work: Any, now: dt.datetime, due_at: dt.datetime) -> float:
    """Return the working hours left until an instant, negative when it is over."""
    left = work.between(now, due_at) if due_at >= now else -work.between(due_at, now)
    return float(left.total_seconds() / 3600)


def flagged(session: Session, ids: Collection[int]) -> set[int]:
    """Return which of these requests enter a customer that may be a duplicate; one statement."""
    rows = session.execute(_doubtful(), {"ids": list(ids)})
    return {key for (key,) in rows}


@cached  # put together once: half of what it takes is its making
def _doubtful() -> sa.Select[int]:
    """Return the statement, over Core tables: a duplicate out of one's scope is still one."""
    request, customer = ApprovalRequest.__table__, Customer.__table__
    contact = Contact.__table__
    same_name = sa.exists().where(
        OTHER.c.company_key == customer.c.company_key,
        OTHER.c.id != customer.c.id,
        OTHER.c.deleted_at.is_(None),
    )
    same_number = [
        sa.exists().where(
            contact.c.customer_id == customer.c.id,
            contact.c.is_primary,
            contact.c.deleted_at.is_(None),
            REACHED.c[key] == contact.c[key],
            REACHED.c.customer_id != customer.c.id,
            REACHED.c.deleted_at.is_(None),
        )
        for key in ("mobile_key", "landline_key")
    ]
    return (
        sa.select(request.c.id)
        .select_from(sa.join(request, customer, customer.c.id == request.c.record_id))
        .where(
            request.c.noun == "customer",
            request.c.action == FlowAction.create,
            request.c.id.in_(sa.bindparam("ids", expanding=True)),
            sa.or_(same_name, *same_number),
        )
    )
