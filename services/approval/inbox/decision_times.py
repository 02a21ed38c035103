"""How quickly decisions are taken: the mean of the working hours from a task to its decision."""

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.task import ApprovalTask, TaskState
from services.core.worktime import WorkCalendar, calendar
from services.rights.actor import Actor

RECENT = dt.timedelta(days=30)
MOST = 500  # decisions a mean is taken of, the newest


def mean_hours(
    spans: Iterable[tuple[dt.datetime, dt.datetime]], work: WorkCalendar
) -> float | None:
    """Return the mean working hours of (given, decided), one decimal; None where there are none."""
    hours = [work.between(start, end).total_seconds() / 3600 for start, end in spans]
    return round(sum(hours) / len(hours), 1) if hours else None


def own_pace(session: Session, actor: Actor, *, now: dt.datetime) -> float | None:
    """Return the actor's own mean over what he decided in 30 days; two statements.

    Over Core tables: they are his own tasks.
    """
    task = ApprovalTask.__table__
    query = (
        sa.select(task.c.created_at, task.c.decided_at)
        .where(
            task.c.assignee_id == actor.id,
            task.c.state == TaskState.done,
            task.c.decided_at >= now - RECENT,
        )
        .order_by(task.c.decided_at.desc())
        .limit(MOST)
    )
    spans = [(row.created_at, row.decided_at) for row in session.execute(query)]
    return mean_hours(spans, calendar(session)) if spans else None
