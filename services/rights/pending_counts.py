"""What lies before a person: tasks, submissions under way, copies and notices not read yet."""

from typing import Any

import sqlalchemy as sa

from models.approval.request import ApprovalCopy, ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.delivery.notification import Notification


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
        "notices": (notice, notice.c.user_id == user_id, notice.c.read_at.is_(None)),
    }
    return {
        name: sa.select(sa.func.count()).select_from(table).where(*where).scalar_subquery()
        for name, (table, *where) in wanted.items()
    }
