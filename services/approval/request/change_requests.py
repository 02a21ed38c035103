"""Asking for a change of an approved record, or for a contract to be voided."""

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


def voidable(contract: Contract, *, by: Actor) -> bool:
    """Tell whether the person may ask for this contract to be voided, as far as it shows itself."""
    stands = contract.approval is Approval.approved and contract.state is not ContractState.void
    return stands and may(by, "contract:submit") and gate.may_write(by, "edit", contract)


def ask_void(call: Call, contract: Contract, *, reason: str | None) -> ApprovalRequest:
    """Ask for an approved contract to be voided. Raises Forbidden, Locked, Invalid on comment."""
    change.check(call.session, contract, by=call.by)
    if not gate.may_write(call.by, "edit", contract):
        raise Forbidden
    if not voidable(contract, by=call.by):
        raise Locked(_("只有已通过且未作废的合同可以申请作废"))
    words = said(reason)
    if words is None:
        raise Invalid({"comment": _("请填写作废原因")})
    payload: dict[str, Any] = {
        "noun": "contract",
        "code": contract.code,
        "values": {},
        "old": {},
        "names": {},
        "files": attached(call.session, contract),
        "base": change.fingerprint(call.session, contract),
    }
    with gate.rule(call.session, "approval"):
        return open_request(call, contract, payload, action=FlowAction.void, comment=words)


records.DIVERSIONS.append(ask_change)
