"""A long queue: many open tasks of one reviewer, made by copying one in bulk."""

import datetime as dt

import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask
from models.core.base import db


def many(world, n):
    """Give the reviewer n open tasks, of two submitters, due and submitted at different times."""
    _key, request_id = world.submitted()
    reviewer = world.id_of("reviewer")
    people = [world.id_of(who) for who in ("sales", "sales2")]
    world.session.rollback()
    request, task = ApprovalRequest.__table__, ApprovalTask.__table__
    with db.engine.begin() as connection:
        row, mine = (
            dict(connection.execute(query).one()._mapping)
            for query in (
                sa.select(request).where(request.c.id == request_id),
                sa.select(task).where(task.c.assignee_id == reviewer),
            )
        )
        keys = range(request_id + 1, request_id + n)
        connection.execute(
            sa.insert(request),
            [
                {
                    **row, "id": k, "record_id": 10**6 + k, "submitted_by_id": people[k % 2],
                    "submitted_at": row["submitted_at"] - dt.timedelta(minutes=k * 7919 % 10_000),
                }
                for k in keys
            ],
        )  # fmt: skip
        connection.execute(
            sa.insert(task),
            [
                {
                    **mine, "id": 10**6 + k, "request_id": k,
                    "due_at": mine["due_at"] - dt.timedelta(minutes=k * 104_729 % 20_000),
                }
                for k in keys
            ],
        )  # fmt: skip
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("ANALYZE approval_request, approval_task"))
