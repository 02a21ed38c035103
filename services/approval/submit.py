"""Submit: draft, rejected or withdrawn → pending; the payload is frozen, the number given."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate, numbers, records
from services.actor import Actor, demand
from services.approval.flow import current_flow, open_tasks
from services.approval.snapshot import REVIEWED, digest, snapshot
from services.errors import Forbidden, Invalid, Locked

OPEN = (m.Approval.draft, m.Approval.rejected, m.Approval.withdrawn)


def submit(session: Session, record: Any, *, by: Actor, now: dt.datetime) -> m.ApprovalRequest:
    """Start the next round. Raises Forbidden, Locked, or Invalid naming every missing field."""
    noun = record.__noun__
    demand(by, f"{noun}:submit")
    if by.id not in {record.created_by_id, record.owner_id}:
        raise Forbidden(_("只有录入人或销售员可以提交"))
    if record.approval not in OPEN:
        raise Locked(_("当前状态不能提交"), code="ALREADY_HANDLED")
    lacking = records.missing(session, record, by=by, now=now)
    if lacking:
        raise Invalid(lacking)
    with gate.rule(session, "approval"):
        _to_pending(session, record, by, now)
        session.flush()
        request = _open_request(session, record, by, now)
        session.add(request)
        session.flush()
        open_tasks(session, request, now=now)
        session.add(
            m.ApprovalEvent(
                request_id=request.id, step=0, decision=m.Decision.submit, actor_id=by.id, at=now
            )
        )
    return request


def _to_pending(session: Session, record: Any, by: Actor, now: dt.datetime) -> None:
    if record.code is None:
        letter = (
            numbers.LETTERS[record.customer_class.name] if hasattr(record, "customer_class") else ""
        )
        record.code = numbers.allocate(
            session, record.__noun__, on=numbers.today(now), letter=letter
        )
    record.approval = m.Approval.pending
    record.submitted_at, record.submitted_by_id, record.decided_at = now, by.id, None
    record.approval_round += 1
    record.incomplete = False


def _open_request(session: Session, record: Any, by: Actor, now: dt.datetime) -> m.ApprovalRequest:
    flow = current_flow(session, record.__noun__)
    payload = snapshot(session, record)
    steps = session.scalar(
        sa.select(sa.func.max(m.ApprovalStep.ordinal)).where(m.ApprovalStep.flow_id == flow.id)
    )
    is_customer = isinstance(record, m.Customer)
    return m.ApprovalRequest(
        noun=record.__noun__,
        record_id=record.id,
        round=record.approval_round,
        customer_id=record.id if is_customer else record.customer_id,
        title=str(record)[:200],
        flow_id=flow.id,
        step=1,
        steps=steps or 1,
        seen_version=record.row_version,
        payload=payload,
        payload_hash=digest(payload),
        submitted_by_id=by.id,
        last_editor_id=record.last_editor_id,
        submitted_at=now,
    )


__all__ = ["OPEN", "REVIEWED", "submit"]
