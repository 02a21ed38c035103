"""Asking for a change of an approved record, or for it to be voided or taken back."""

from typing import Any

from flask_babel import lazy_gettext as _

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.deals.contract import Contract, ContractState
from services.approval.request import change
from services.approval.request.request_lock import said
from services.approval.request.submit import open_request
from services.core.errors import Forbidden, Invalid, Locked
from services.core.texts import joined
from services.records import records
from services.records.snapshot import attached
from services.rights import gate
from services.rights.actor import Actor, may
from services.rights.call import Call


def ask_change(call: Call, record: Any, values: records.Values) -> None:
    """Open the change request of controlled fields. Raises Forbidden, Locked, Invalid."""
    session = call.session
    change.check(session, record, by=call.by)
    change.complete(session, record, values)
    payload = change.content(session, record, values)
    with gate.rule(session, "approval"):
        request = open_request(call, record, payload, action=FlowAction.change)
    session.info.setdefault(change.ASKED, []).append(request.id)


def voidable(record: Any, *, by: Actor) -> bool:
    """Tell whether the person may ask for this record to be voided, as far as it shows itself."""
    void = isinstance(record, Contract) and record.state is ContractState.void
    stands = record.approval is Approval.approved and not void
    noun = record.__noun__
    return stands and may(by, f"{noun}:submit") and gate.may_write(by, "edit", record)


def ask_void(call: Call, record: Any, *, reason: str | None) -> ApprovalRequest:
    """Ask for an approved contract to be voided, for another record to be no longer approved.

    Raises Forbidden, Locked, Invalid on comment: no reason, or what stands on the record.
    """
    change.check(call.session, record, by=call.by)
    if not gate.may_write(call.by, "edit", record):
        raise Forbidden
    if not voidable(record, by=call.by):
        raise Locked(_("只有已通过且未作废的记录可以这样申请"))
    words, held = said(reason), change.leaning(call.session, record)
    if words is None:
        raise Invalid({"comment": _("请填写原因")})
    if held:
        raise Invalid({"comment": joined(held)})
    payload: dict[str, Any] = {
        "noun": record.__noun__,
        "code": record.code,
        "values": {},
        "old": {},
        "names": {},
        "files": attached(call.session, record),
        "base": change.fingerprint(call.session, record),
    }
    with gate.rule(call.session, "approval"):
        return open_request(call, record, payload, action=FlowAction.void, comment=words)


records.DIVERSIONS.append(ask_change)
