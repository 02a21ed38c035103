"""The link in the mail of a task: it leads to the panel of the request, after the log-in.

A link names a task, its reader and its last moment, signed. Opening it writes nothing, because
mail scanners open links: it is used up by the decision, as the task is then open no more. A task
that comes back is another task, with another mail.
"""

import dataclasses
import datetime as dt

import sqlalchemy as sa
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session

from models.approval.task import ApprovalTask, TaskState
from services.rights.actor import Actor

SALT = "task-mail"
LASTS = dt.timedelta(days=14)  # a task is reminded of and escalated long before
TASK = ApprovalTask.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class TaskLink:
    """What a link leads to: its request, and why it is over (`used` | `expired` | `none`).

    A used one leads to what its reader, who had the task, still sees; the others nowhere.
    """

    request_id: int | None
    over: str = ""


def link(
    session: Session, secret: str, base: str, request_id: int, reader: int, *, since: dt.datetime
) -> str | None:
    """Return the address in the mail of a reader's open task; None where he has none any more."""
    mine = sa.and_(TASK.c.request_id == request_id, TASK.c.assignee_id == reader)
    query = sa.select(TASK.c.id).where(mine, TASK.c.state == TaskState.open)
    task = session.execute(query.order_by(TASK.c.id).limit(1)).scalar()
    if task is None:
        return None
    signed = URLSafeSerializer(secret, SALT).dumps([task, reader, int((since + LASTS).timestamp())])
    return f"{base}/admin/inbox/mail/{signed}"


def opened(session: Session, secret: str, token: str, *, by: Actor, now: dt.datetime) -> TaskLink:
    """Return what a link shows to the person logged in; somebody else's is none at all."""
    try:
        task, reader, until = URLSafeSerializer(secret, SALT).loads(token)
    except (BadData, TypeError, ValueError):
        return TaskLink(None, "none")
    if reader != by.id:
        return TaskLink(None, "none")
    query = sa.select(TASK.c.request_id, TASK.c.state).where(
        TASK.c.id == task, TASK.c.assignee_id == reader
    )
    row = session.execute(query).first()
    if row is None or row.state is not TaskState.open:
        return TaskLink(row.request_id if row else None, "used")
    if now.timestamp() > until:
        return TaskLink(None, "expired")
    return TaskLink(row.request_id)
