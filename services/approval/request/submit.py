"""Submit: draft, rejected or withdrawn → pending; the payload is frozen, the number given."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow, ApprovalStep, FlowAction
from models.approval.request import ApprovalCopy, ApprovalEvent, ApprovalRequest, Decision
from models.core.mixins import Approval
from models.customers.customer import Customer
from services.approval.flow import chosen_approvers, chosen_copies
from services.approval.flow.approvers import readers
from services.approval.flow.barred import would_bar
from services.approval.flow.flow import applying, copied, in_force, place
from services.approval.flow.forks import block, lanes_of
from services.approval.request.effects import announce, summary
from services.approval.request.events import note
from services.approval.request.tasks import open_block
from services.core import numbers
from services.core.days import today
from services.core.errors import Forbidden, Invalid, Locked
from services.query.conditions import getter
from services.records import records
from services.records.fields import inputs_of
from services.records.snapshot import REVIEWED, digest, revive, snapshot
from services.rights import gate
from services.rights.actor import demand
from services.rights.call import Call
from services.rights.rules import movable

NO = (Decision.reject, Decision.give_back)
OPEN = (Approval.draft, Approval.rejected, Approval.withdrawn)


def submit(call: Call, record: Any, *, chosen: list[int] | None = None) -> ApprovalRequest:
    """Start the next round. Raises Forbidden, Locked, or Invalid naming every missing field.

    `chosen` are the approvers of a step that leaves them to the submitter.
    """
    submittable(call, record)
    lacking = records.missing(call, record, {})
    if lacking:
        raise Invalid(lacking)
    with gate.rule(call.session, "approval"):
        _to_pending(call, record)
        call.session.flush()
        payload = snapshot(call.session, record)
        return open_request(call, record, payload, action=FlowAction.create, chosen=chosen)


def submittable(call: Call, record: Any) -> None:
    """Raise Forbidden or Locked where the person or the state of the record forbids it."""
    demand(call.by, f"{record.__noun__}:submit")
    if call.by.id not in {record.created_by_id, record.owner_id}:
        raise Forbidden(_("只有创建人或销售员可以提交"))
    if record.approval not in OPEN:
        raise Locked(
            _("记录%(state)s，不能再次提交", state=record.standing), code="ALREADY_HANDLED"
        )


def _to_pending(call: Call, record: Any) -> None:
    if record.code is None:
        letter = (
            numbers.LETTERS[record.customer_class.name] if hasattr(record, "customer_class") else ""
        )
        record.code = numbers.allocate(
            call.session, record.__noun__, on=today(call.now), letter=letter
        )
    record.approval = Approval.pending
    record.submitted_at, record.submitted_by_id, record.decided_at = call.now, call.by.id, None
    record.revoked_at = None
    record.approval_round += 1
    if "incomplete" in movable(type(record)):
        record.incomplete = False


def open_request(
    call: Call,
    record: Any,
    payload: dict[str, Any],
    *,
    action: FlowAction,
    chosen: list[int] | None = None,
    comment: str | None = None,
) -> ApprovalRequest:
    """Open the next round of a record under the rule of the caller, with its tasks and event.

    Raises Invalid on `chosen` where a step leaves its approvers to the submitter, and on `cc`.
    """
    flow = in_force(call.session, type(record), action)
    told = (flow, type(record), asked(record, payload), place(call.by.id, call.now))
    steps = applying(*told)
    creation = action is FlowAction.create
    editor = record.last_editor_id if creation else call.by.id
    never = would_bar(record, call.by.id, action)
    picked = chosen_approvers.settle(call.session, steps, chosen, never, call.by.id)
    request = ApprovalRequest(
        noun=record.__noun__,
        record_id=record.id,
        round=record.approval_round if creation else _next_round(call.session, record),
        customer_id=record.id if isinstance(record, Customer) else _customer_of(record),
        title=str(record)[:200],
        action=action,
        flow_id=flow.id,
        route=[step.ordinal for step in steps],
        lanes=lanes_of(steps),
        chosen=picked,
        step=_first(call.session, flow, steps, record, action),
        steps=len(steps),
        seen_version=record.row_version,
        payload=payload,
        payload_hash=digest(payload),
        summary=summary(payload),
        submitted_by_id=call.by.id,
        last_editor_id=editor,
        submitted_at=call.now,
    )
    call.session.add(request)
    call.session.flush()
    note(
        call.session, request, Decision.submit, step=0, by=call.by.id, now=call.now, comment=comment
    )
    _copy(call, request, flow, copied(*told))
    turn = open_block(call.session, request, now=call.now) or []
    announce(call.session, request, turn, now=call.now)
    return request


def _first(
    session: Session, flow: ApprovalFlow, steps: list[ApprovalStep], record: Any, action: FlowAction
) -> int:
    """Return the step a request begins with: that which rejected it last, where the flow says so.

    The way has to be the same as it was then; branches that run at once all begin anew. A step
    whose approvers fill fields is never skipped: what they filled went with the round before.
    """
    request = ApprovalRequest
    before = session.scalar(
        sa.select(request)
        .where(request.noun == record.__noun__, request.record_id == record.id)
        .order_by(request.round.desc())
        .limit(1)
        .execution_options(system="approval")
    )
    route = [step.ordinal for step in steps]
    same = before is not None and (before.flow_id, before.route) == (flow.id, route)
    if before is None or not same or before.action is not action:
        return 1
    if before.state is not Approval.rejected:
        return 1
    no = _said_no(session, before)
    if not steps[no - 1].resume:
        return 1
    filling = (n for n, step in enumerate(steps[: no - 1], 1) if step.fills)
    return block(before.lanes, next(filling, no))[0]


def _said_no(session: Session, request: ApprovalRequest) -> int:
    """Return the step in which a rejected request was sent back to its submitter."""
    event = ApprovalEvent.__table__
    query = sa.select(event.c.step).where(
        event.c.request_id == request.id, event.c.decision.in_(NO)
    )
    return session.execute(query.order_by(event.c.id.desc()).limit(1)).scalar() or request.step


def _copy(
    call: Call, request: ApprovalRequest, flow: ApprovalFlow, steps: list[ApprovalStep]
) -> None:
    """Give a copy to everybody whom the flow or the submitter names for it. Raises Invalid."""
    picked = chosen_copies.settle(call.session, flow, call.by.id)
    people = {who for step in steps for who in readers(call.session, step, call.by.id)}
    for who in sorted(people.union(picked) - {call.by.id}):
        copy = ApprovalCopy(
            request_id=request.id,
            user_id=who,
            step=0,
            steps=request.steps,
            state=request.state or Approval.pending,
            actor_id=call.by.id,
            at=call.now,
            chosen=who in picked,
        )
        call.session.add(copy)


def _customer_of(record: Any) -> int | None:
    found: int | None = getattr(record, "customer_id", None)
    return found


def _next_round(session: Session, record: Any) -> int:
    request = ApprovalRequest.__table__
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


__all__ = ["OPEN", "REVIEWED", "submit", "submittable"]
