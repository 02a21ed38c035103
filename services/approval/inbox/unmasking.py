"""What of a frozen content a person sees plainly: the rule of the grids, and the open task."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from services.approval.flow.approvers import RIGHT
from services.approval.request.request_lock import record_of
from services.records.fields import inputs_of
from services.records.snapshot import REVIEWED
from services.rights.access import unscoped
from services.rights.actor import Actor, may
from services.rights.masking import sees_sensitive


def plainly(
    session: Session, request: ApprovalRequest, *, by: Actor, mine: bool | None = None
) -> bool:
    """Tell whether a person sees mobile, landline, WeChat, QQ and e-mail of a request.

    Whoever sees them in the record does; whoever has to decide on the request does as long as it
    is his task. Before and after that he sees what everybody sees. `mine`: the caller has asked
    already whether he has an open task of the request.
    """
    if not _personal(request) or may(by, "sensitive:read"):
        return True
    pending = request.state is Approval.pending and may(by, RIGHT)
    if pending and (_holds(session, request, by) if mine is None else mine):
        return True
    record = record_of(session, request) if may(by, "sensitive:own") else None
    with unscoped(session, "approval"):
        return record is not None and sees_sensitive(by, record)


def _holds(session: Session, request: ApprovalRequest, by: Actor) -> bool:
    task = ApprovalTask.__table__
    mine = sa.select(task.c.id).where(
        task.c.request_id == request.id, task.c.assignee_id == by.id, task.c.state == TaskState.open
    )
    return session.execute(mine.limit(1)).first() is not None


def _personal(request: ApprovalRequest) -> bool:
    """Tell whether a request holds anything personal at all."""
    model: Any = REVIEWED.get(request.noun)
    values = request.payload.get("values", {})
    return model is not None and any(
        one.facts.sensitive and key in values for key, one in inputs_of(model).items()
    )
