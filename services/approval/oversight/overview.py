"""Who has how much to decide, for how long, and how quickly it goes: for those who lead others.

Each number counts requests, by the clauses of the monitor, which opens exactly them.
"""

import dataclasses
import datetime as dt
import statistics
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.people.user import User
from services.approval.inbox.current_assignees import waiting_for
from services.approval.inbox.decision_times import RECENT, taken, working_hours
from services.approval.oversight.monitor import Waiting
from services.core.worktime import calendar

MOST = 5_000  # decisions that times are taken of, the newest
LONGEST = 12  # requests that are named


@dataclasses.dataclass(slots=True)
class ApproverLoad:
    """One approver: his requests by how long they wait, what he decided, in working hours."""

    user_id: int
    name: str
    open: int = 0
    overdue: int = 0
    ages: dict[Waiting, int] = dataclasses.field(default_factory=lambda: dict.fromkeys(Waiting, 0))
    oldest: dt.datetime | None = None
    decided: int = 0
    median_hours: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """The approvers, the busiest first; how many requests wait, how many are late; the mean."""

    loads: list[ApproverLoad]
    open: int
    overdue: int
    mean_hours: float | None


def overview(session: Session, *, now: dt.datetime) -> Overview:
    """Return the approvers of the requests the session's actor may see, through the read gate.

    Median and mean are working hours over what was decided in 30 days. Four statements.
    """
    found: dict[int, ApproverLoad] = {}
    since: dict[int, dt.datetime] = {}
    late: set[int] = set()
    held = session.execute(_open()).all()
    for _key, _name, request, created, due in held:
        since[request] = min(since.get(request, created), created)
        late |= {request} if due is not None and due < now else set()
    for key, name, request, _created, _due in held:
        load = found.setdefault(key, ApproverLoad(key, name))
        load.open += 1
        load.overdue += request in late
        load.ages[Waiting.of(now - since[request])] += 1
        load.oldest = min(load.oldest or now, since[request])
    for key, name, number in session.execute(_decided(now, _number()).group_by(User.id, User.name)):
        found.setdefault(key, ApproverLoad(key, name)).decided = number
    hours: dict[int, list[float]] = {}
    times = (ApprovalTask.created_at, ApprovalTask.decided_at)
    newest = _decided(now, *times).order_by(ApprovalTask.id.desc()).limit(MOST)
    spans = session.execute(newest).all()
    work = calendar(session)
    for key, _name, created, decided in spans:
        hours.setdefault(key, []).append(working_hours(created, decided, work))
    for key, spent in hours.items():
        found[key].median_hours = round(statistics.median(spent), 1)
    every = [one for spent in hours.values() for one in spent]
    mean = round(statistics.fmean(every), 1) if every else None
    loads = sorted(found.values(), key=lambda one: (-one.overdue, -one.open, one.user_id))
    return Overview(loads, len(since), len(late), mean)


def oldest(session: Session) -> list[tuple[ApprovalRequest, list[str]]]:
    """Return the requests that wait longest with whose they are now; what the actor may see."""
    request = ApprovalRequest
    query = sa.select(request).where(request.state == Approval.pending)
    query = query.options(selectinload(request.submitted_by))
    rows = session.scalars(query.order_by(request.submitted_at, request.id).limit(LONGEST)).all()
    names = waiting_for(session, [row.id for row in rows])
    return [(row, names.get(row.id, [])) for row in rows]


def _number() -> Any:
    return sa.func.count(sa.distinct(ApprovalTask.request_id))


def _tasks(*columns: Any) -> Any:
    task, user = ApprovalTask, User
    return sa.select(user.id, user.name, *columns).join(task, user.id == task.assignee_id)


def _open() -> Any:
    task = ApprovalTask
    query = _tasks(task.request_id, task.created_at, task.due_at)
    return query.where(task.state == TaskState.open).order_by(task.id)


def _decided(now: dt.datetime, *columns: Any) -> Any:
    return _tasks(*columns).where(taken(), ApprovalTask.decided_at >= now - RECENT)
