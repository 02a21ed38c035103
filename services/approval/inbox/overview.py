"""Who has how much to decide, for how long, and how quickly it goes: for those who lead others."""

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
from services.approval.inbox.decision_times import RECENT, mean_hours
from services.core.worktime import calendar

NEWEST = 500  # decisions the mean is taken of
MOST = 20_000  # decided tasks that a median is taken of
LONGEST = 12  # requests that are named
AGES = (1, 3, 7)  # days: up to 1, up to 3, up to 7, more


@dataclasses.dataclass(slots=True)
class ApproverLoad:
    """One approver. `ages` counts open tasks by days waited (≤1, ≤3, ≤7, more); hours elapsed."""

    user_id: int
    name: str
    open: int = 0
    overdue: int = 0
    ages: list[int] = dataclasses.field(default_factory=lambda: [0] * (len(AGES) + 1))
    oldest: dt.datetime | None = None
    decided: int = 0
    median_hours: float | None = None


def overview(session: Session, *, now: dt.datetime) -> tuple[list[ApproverLoad], float | None]:
    """Return the approvers of the requests the session's actor may see, the busiest first.

    With them the mean working hours of a decision. Three statements, through the read gate;
    median and mean are over what was decided in 30 days.
    """
    found: dict[int, ApproverLoad] = {}
    for key, name, created, due in session.execute(_open()):
        load = found.setdefault(key, ApproverLoad(key, name))
        load.open += 1
        load.overdue += due is not None and due < now
        days = (now - created) / dt.timedelta(days=1)
        load.ages[sum(days > age for age in AGES)] += 1
        load.oldest = created if load.oldest is None else min(load.oldest, created)
    hours: dict[int, list[float]] = {}
    rows = session.execute(_decided(now - RECENT)).all()
    for key, name, created, decided in rows:
        found.setdefault(key, ApproverLoad(key, name))
        hours.setdefault(key, []).append((decided - created) / dt.timedelta(hours=1))
    for key, spent in hours.items():
        found[key].decided = len(spent)
        found[key].median_hours = round(statistics.median(spent), 1)
    mean = mean_hours(((row[2], row[3]) for row in rows[:NEWEST]), calendar(session))
    return sorted(found.values(), key=lambda one: (-one.overdue, -one.open, one.user_id)), mean


def oldest(session: Session) -> list[tuple[ApprovalRequest, list[str]]]:
    """Return the requests that wait longest with whose they are now; what the actor may see."""
    request = ApprovalRequest
    query = sa.select(request).where(request.state == Approval.pending)
    query = query.options(selectinload(request.submitted_by))
    rows = session.scalars(query.order_by(request.submitted_at, request.id).limit(LONGEST)).all()
    names = waiting_for(session, [row.id for row in rows])
    return [(row, names.get(row.id, [])) for row in rows]


def _tasks(*columns: Any) -> Any:
    task, user = ApprovalTask, User
    return sa.select(user.id, user.name, task.created_at, *columns).join(
        user, user.id == task.assignee_id
    )


def _open() -> Any:
    task = ApprovalTask
    return _tasks(task.due_at).where(task.state == TaskState.open).order_by(task.id)


def _decided(since: dt.datetime) -> Any:
    task = ApprovalTask
    where = (task.state == TaskState.done, task.decided_at >= since)
    return _tasks(task.decided_at).where(*where).order_by(task.id.desc()).limit(MOST)
