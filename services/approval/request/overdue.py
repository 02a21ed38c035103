"""What a step's time brings about: a reminder, later the superior; each once, with its event.

Every run may come twice or late: a task is marked by the statement that finds it unmarked.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalStep
from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.delivery.notification import NoticeKind
from services.approval.flow.flow import ordinal
from services.core.settings import get_setting
from services.core.worktime import calendar
from services.delivery.notices import Notice, tell_many
from services.rights.rules import APPROVAL

MOST = 5000
MOST_ESCALATED = 200  # a run; the rest waits for the next one

Steps = dict[tuple[int, int], ApprovalStep]


def remind(session: Session, *, now: dt.datetime) -> int:
    """Remind assignees whose step is past its time. Returns how many were told.

    A task without a time of its own has `approval.due_hours` working hours from its opening.
    """
    late = [row for row, _due in _past(session, now) if row.reminded_at is None]
    return _remind(session, late, now) if late else 0


def ripe(session: Session, *, now: dt.datetime) -> list[int]:
    """Return the tasks that were reminded of in vain, for `escalate`: one transaction each.

    The time runs from the reminder: however late the worker came, the person had it.

    A decision locks its request first and its tasks then; so does a hand-up, of one request.
    """
    past = (row for row, _due in _past(session, now))
    found = [row for row in past if row.escalated_at is None and row.reminded_at is not None]
    if not found:
        return []
    times, hours = calendar(session), get_setting(session, "approval.due_hours")
    steps = _steps(session, {row.flow_id for row in found})
    return [
        row.id
        for row in found
        if (step := steps.get(_place_of(row))) is not None
        and times.add(row.reminded_at, step.escalate_hours or step.due_hours or hours) < now
    ][:MOST_ESCALATED]


def _past(session: Session, now: dt.datetime) -> list[tuple[Any, dt.datetime]]:
    """Return (task, when it was due) of what is late and not settled."""
    rows = _late(session, now)
    if not rows:
        return []
    times, hours = calendar(session), get_setting(session, "approval.due_hours")
    due = [(row, row.due_at or times.add(row.created_at, hours)) for row in rows]
    return [(row, at) for row, at in due if at < now]


def _late(session: Session, now: dt.datetime) -> list[Any]:
    """Return what is past its time and not settled, what nobody was told of first."""
    task, request = ApprovalTask, ApprovalRequest
    return list(
        session.execute(
            sa.select(
                task.id,
                task.request_id,
                task.step,
                task.assignee_id,
                task.on_behalf_of_id,
                task.created_at,
                task.due_at,
                task.reminded_at,
                task.escalated_at,
                request.flow_id,
                request.route,
                request.title,
            )
            .join(request, request.id == task.request_id)
            .where(task.state == TaskState.open, request.state == Approval.pending)
            .where(sa.or_(task.due_at.is_(None), task.due_at < now))
            .where(sa.or_(task.reminded_at.is_(None), task.escalated_at.is_(None)))
            .order_by(task.reminded_at.is_not(None), task.request_id, task.id)
            .limit(MOST)
        ).all()
    )


def _steps(session: Session, flows: Iterable[int | None]) -> Steps:
    step = ApprovalStep
    found = session.scalars(sa.select(step).where(step.flow_id.in_([f for f in flows if f])))
    return {(one.flow_id, one.ordinal): one for one in found}


def _place_of(row: Any) -> tuple[int, int]:
    return row.flow_id, ordinal(row)


def _remind(session: Session, rows: list[Any], now: dt.datetime) -> int:
    """Mark, note and tell in a few statements, however many there are.

    What somebody decides on at this moment is left alone: the next run sees what came of it.
    """
    task = ApprovalTask.__table__
    keys = [row.id for row in rows]
    free = sa.select(task.c.id).where(task.c.id.in_(keys)).with_for_update(skip_locked=True)
    marked = set(
        session.execute(
            sa.update(task)
            .where(
                task.c.id.in_(session.execute(free).scalars().all()),
                task.c.state == TaskState.open,
                task.c.reminded_at.is_(None),
            )
            .values(reminded_at=now)
            .returning(task.c.id),
            execution_options=APPROVAL,
        ).scalars()
    )
    won = [row for row in rows if row.id in marked]
    if not won:
        return 0
    session.execute(
        sa.insert(ApprovalEvent.__table__),
        [
            {
                "request_id": row.request_id,
                "step": row.step,
                "decision": Decision.remind,
                "target_id": row.assignee_id,
                "at": now,
            }
            for row in won
        ],
        execution_options=APPROVAL,
    )
    return tell_many(session, [_reminder(row) for row in won], now=now)


def _reminder(row: Any) -> Notice:
    url = f"/admin/inbox/?id={row.request_id}"
    key = f"overdue:{row.id}"
    return Notice(row.assignee_id, NoticeKind.overdue, row.title, url, key, row.request_id)
