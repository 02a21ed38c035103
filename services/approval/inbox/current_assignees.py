"""Who has a request now."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.task import ApprovalTask, TaskState
from models.people.user import User


def waiting_for(session: Session, request_ids: Iterable[int]) -> dict[int, list[str]]:
    """Return request → names of the people whose open task it is."""
    task, user = ApprovalTask.__table__, User.__table__
    rows = session.execute(
        sa.select(task.c.request_id, user.c.name)
        .select_from(sa.join(task, user, user.c.id == task.c.assignee_id))
        .where(task.c.request_id.in_(list(request_ids)), task.c.state == TaskState.open)
        .group_by(task.c.request_id, user.c.id, user.c.name)
        .order_by(user.c.id)
    )
    found: dict[int, list[str]] = {}
    for key, name in rows:
        found.setdefault(key, []).append(name)
    return found
