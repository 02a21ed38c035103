"""Counts for the side bar, and who has a request now."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models as m
from services.actor import Actor
from services.notices import unread_count


def counts(session: Session, actor: Actor) -> dict[str, int]:
    """Return inbox, created (pending), cc and notices (unread) in one statement.

    Over Core tables: each sub-select names the actor himself, so no wider gate is needed.
    """
    task, request = m.ApprovalTask.__table__, m.ApprovalRequest.__table__
    copy = m.ApprovalCopy.__table__
    number = sa.func.count()
    row = session.execute(
        sa.select(
            sa.select(number)
            .select_from(task)
            .where(task.c.assignee_id == actor.id, task.c.state == m.TaskState.open)
            .scalar_subquery()
            .label("inbox"),
            sa.select(number)
            .select_from(request)
            .where(request.c.submitted_by_id == actor.id, request.c.state == m.Approval.pending)
            .scalar_subquery()
            .label("created"),
            sa.select(number)
            .select_from(copy)
            .where(copy.c.user_id == actor.id, copy.c.read_at.is_(None))
            .scalar_subquery()
            .label("cc"),
            unread_count(actor).label("notices"),
        )
    ).one()
    return dict(row._mapping)  # noqa: SLF001 # the documented way to a dict


def waiting_for(session: Session, request_ids: Iterable[int]) -> dict[int, list[str]]:
    """Return request → names of the people whose open task it is."""
    task, user = m.ApprovalTask.__table__, m.User.__table__
    rows = session.execute(
        sa.select(task.c.request_id, user.c.name)
        .select_from(sa.join(task, user, user.c.id == task.c.assignee_id))
        .where(task.c.request_id.in_(list(request_ids)), task.c.state == m.TaskState.open)
        .order_by(user.c.id)
    )
    found: dict[int, list[str]] = {}
    for key, name in rows:
        found.setdefault(key, []).append(name)
    return found
