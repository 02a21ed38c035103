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
    still = sa.select(sa.literal(1)).select_from(task).correlate_except(task)
    still = still.where(task.c.state == TaskState.open)
    # Each by the index that leads to few rows: `+ 0` keeps SQLite from all tasks of a person.
    single = still.where(
        task.c.request_id == notice.request_id, task.c.assignee_id + 0 == notice.user_id
    ).exists()
    many = still.where(task.c.assignee_id == notice.user_id, of_batch).exists()
    waits = sa.or_(
        notice.kind.not_in(TASKS),
        sa.and_(notice.request_id.is_not(None), single),
        sa.and_(notice.request_id.is_(None), notice.number > 1, many),
        sa.and_(notice.request_id.is_(None), notice.number == 1),  # told before it was known
    )
    return sa.and_(notice.read_at.is_(None), waits)


def repeated(person: Any) -> sa.Select[tuple[int]]:
    """Select a person's open tasks of requests in which he has an earlier one too.

    Branches that run at once may ask him twice; before him lies one request.
    """
    task, request = ApprovalTask.__table__, ApprovalRequest.__table__
    first = task.alias("first")
    earlier = sa.exists().where(
        first.c.request_id == task.c.request_id,
        first.c.assignee_id == person,
        first.c.state == TaskState.open,
        first.c.id < task.c.id,
    )
    forked = sa.select(request.c.id).where(
        request.c.lanes.is_not(None), request.c.state == Approval.pending
    )
    return sa.select(task.c.id).where(
        task.c.request_id.in_(forked),
        task.c.assignee_id == person,
        task.c.state == TaskState.open,
        earlier,
    )


def waiting_for_person(user_id: sa.ColumnElement[int]) -> dict[str, Any]:
    """Return inbox, created (pending), cc and notices (unread), each a scalar sub-select.

    Over Core tables: each names the person himself, so no wider gate is needed.
    """
    task, request = ApprovalTask.__table__, ApprovalRequest.__table__
    copy, notice = ApprovalCopy.__table__, Notification.__table__
    wanted: dict[str, tuple[Any, ...]] = {
        "inbox": (
            task,
            task.c.assignee_id == user_id,
            task.c.state == TaskState.open,
            task.c.id.not_in(repeated(user_id).correlate_except(task)),
        ),
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
