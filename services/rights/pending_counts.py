"""What lies before a person: tasks, submissions under way, copies and notices not read yet."""

from typing import Any

import sqlalchemy as sa

from models.approval.request import ApprovalCopy, ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.delivery.notification import TASKS, NoticeKind, Notification


def unread(notice: Any) -> Any:
    """Return "not read, and what it tells of still waits": a task that is handled tells nothing.

    `notice`: the columns of the table, or the mapped class.
    """
    task = ApprovalTask.__table__
    last = sa.func.coalesce(notice.until, notice.created_at)
    of_batch = sa.and_(
        task.c.created_at <= last,
        sa.or_(notice.kind != NoticeKind.task, task.c.created_at >= notice.created_at),
    )
    about = sa.or_(
        task.c.request_id == notice.request_id, sa.and_(notice.request_id.is_(None), of_batch)
    )
    still = sa.select(sa.literal(1)).select_from(task)
    still = still.where(task.c.assignee_id == notice.user_id, task.c.state == TaskState.open, about)
    known = sa.or_(notice.request_id.is_not(None), notice.number > 1)  # else told before it was
    waits = sa.or_(notice.kind.not_in(TASKS), sa.not_(known), still.correlate_except(task).exists())
    return sa.and_(notice.read_at.is_(None), waits)


def waiting_for_person(user_id: sa.ColumnElement[int]) -> dict[str, Any]:
    """Return inbox, created (pending), cc and notices (unread), each a scalar sub-select.

    Over Core tables: each names the person himself, so no wider gate is needed.
    """
    task, request = ApprovalTask.__table__, ApprovalRequest.__table__
    copy, notice = ApprovalCopy.__table__, Notification.__table__
    wanted = {
        "inbox": (task, task.c.assignee_id == user_id, task.c.state == TaskState.open),
        "created": (
            request,
            request.c.submitted_by_id == user_id,
            request.c.state == Approval.pending,
        ),
        "cc": (copy, copy.c.user_id == user_id, copy.c.read_at.is_(None)),
        "notices": (notice, notice.c.user_id == user_id, unread(notice.c)),
    }
    return {
        name: sa.select(sa.func.count()).select_from(table).where(*where).scalar_subquery()
        for name, (table, *where) in wanted.items()
    }
