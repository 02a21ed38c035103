"""How quickly decisions are taken: the working hours from a task to its decision."""

import datetime as dt
import statistics
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.request import Decision
from models.approval.task import ApprovalTask, TaskState
from services.core.worktime import WorkCalendar, calendar
from services.rights.actor import Actor

RECENT = dt.timedelta(days=30)
MOST = 500  # decisions a mean is taken of, the newest


def working_hours(given: dt.datetime, decided: dt.datetime, work: WorkCalendar) -> float:
    """Return what a decision took: the one definition, whatever adds it up."""
    return work.between(given, decided).total_seconds() / 3600


def taken(task: Any = ApprovalTask) -> sa.ColumnElement[bool]:
    """Return the clause "somebody decided", over ApprovalTask or its columns.

    What a rule of the flow took as agreed to was decided by nobody, and took no time.
    """
    decided = (task.state == TaskState.done, task.decision != Decision.transfer)
    return sa.and_(*decided, task.due_at.is_not(None))


def own_pace(session: Session, actor: Actor, *, now: dt.datetime) -> float | None:
    """Return the actor's own mean over what he decided in 30 days; two statements.

    One decimal, None where there is nothing. Over Core tables: they are his own tasks.
    """
    task = ApprovalTask.__table__
    query = (
        sa.select(task.c.created_at, task.c.decided_at)
        .where(task.c.assignee_id == actor.id, taken(task.c), task.c.decided_at >= now - RECENT)
        .order_by(task.c.decided_at.desc())
        .limit(MOST)
    )
    spans = session.execute(query).all()
    if not spans:
        return None
    work = calendar(session)
    return round(statistics.fmean(working_hours(*span, work) for span in spans), 1)
