"""Submit: draft, rejected or withdrawn → pending; the payload is frozen, the number given."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate, numbers, records
from services.actor import Actor, demand
from services.approval import choice
from services.approval.effects import announce, summary
from services.approval.events import note
from services.approval.flow import applying, in_force, place
from services.approval.snapshot import REVIEWED, digest, revive, snapshot
from services.approval.tasks import open_tasks
from services.conditions import getter
from services.errors import Forbidden, Invalid, Locked
from services.fields import inputs_of

OPEN = (m.Approval.draft, m.Approval.rejected, m.Approval.withdrawn)


def submit(
    session: Session, record: Any, *, by: Actor, now: dt.datetime, chosen: list[int] | None = None
) -> m.ApprovalRequest:
    """Start the next round. Raises Forbidden, Locked, or Invalid naming every missing field.

    `chosen` are the approvers of a step that leaves them to the submitter.
    """
    noun = record.__noun__
    demand(by, f"{noun}:submit")
    if by.id not in {record.created_by_id, record.owner_id}:
        raise Forbidden(_("只有录入人或销售员可以提交"))
    if record.approval not in OPEN:
        raise Locked(_("当前状态不能提交"), code="ALREADY_HANDLED")
    lacking = records.missing(session, record, {}, by=by, now=now)
    if lacking:
        raise Invalid(lacking)
    with gate.rule(session, "approval"):
        _to_pending(session, record, by, now)
        session.flush()
        payload = snapshot(session, record)
        return open_request(
            session, record, payload, action=m.FlowAction.create, by=by, now=now, chosen=chosen
        )


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


def open_request(  # noqa: PLR0913 # a request is made of these
    session: Session,
    record: Any,
    payload: dict[str, Any],
    *,
    action: m.FlowAction,
    by: Actor,
    now: dt.datetime,
    chosen: list[int] | None = None,
    comment: str | None = None,
) -> m.ApprovalRequest:
    """Open the next round of a record under the rule of the caller, with its tasks and event.

    Raises Invalid on `chosen` where a step leaves its approvers to the submitter.
    """
    flow = in_force(session, type(record), action)
    steps = applying(flow, type(record), asked(record, payload), place(by.id, now))
    creation = action is m.FlowAction.create
    editor = record.last_editor_id if creation else by.id
    picked = choice.settle(session, steps, chosen, {by.id, editor})
    request = m.ApprovalRequest(
        noun=record.__noun__,
        record_id=record.id,
        round=record.approval_round if creation else _next_round(session, record),
        customer_id=record.id if isinstance(record, m.Customer) else _customer_of(record),
        title=str(record)[:200],
        action=action,
        flow_id=flow.id,
        route=[step.ordinal for step in steps],
        chosen=picked,
        step=1,
        steps=len(steps),
        seen_version=record.row_version,
        payload=payload,
        payload_hash=digest(payload),
        summary=summary(payload),
        submitted_by_id=by.id,
        last_editor_id=editor,
        submitted_at=now,
    )
    session.add(request)
    session.flush()
    note(session, request, m.Decision.submit, step=0, by=by.id, now=now, comment=comment)
    turn = open_tasks(session, request, now=now)
    announce(session, request, turn, now=now)
    return request


def _customer_of(record: Any) -> int | None:
    found: int | None = getattr(record, "customer_id", None)
    return found


def _next_round(session: Session, record: Any) -> int:
    request = m.ApprovalRequest.__table__
    last = session.execute(
        sa.select(sa.func.max(request.c.round)).where(
            request.c.noun == record.__noun__, request.c.record_id == record.id
        )
    ).scalar()
    return (last or 0) + 1


def asked(record: Any, payload: dict[str, Any]) -> Callable[[str], Any]:
    """Return what a flow's condition sees: the record as it would be after the request."""
    stored = getter(record)
    inputs = inputs_of(type(record))

    def get(key: str) -> Any:
        if key in payload["values"]:
            return revive(inputs[key], payload["values"][key])
        return stored(key)

    return get


__all__ = ["OPEN", "REVIEWED", "submit"]
