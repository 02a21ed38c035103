"""Asking for a change of an approved record, or for a contract to be voided."""

import datetime as dt
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate, records
from services.actor import Actor, may
from services.approval import change
from services.approval.claim import said
from services.approval.snapshot import attached
from services.approval.submit import open_request
from services.errors import Forbidden, Invalid, Locked


def ask_change(call: records.Call, record: Any, values: records.Values) -> None:
    """Open the change request of controlled fields. Raises Forbidden, Locked, Invalid."""
    session = call.session
    change.check(session, record, by=call.by)
    change.complete(session, record, values)
    payload = change.content(session, record, values)
    with gate.rule(session, "approval"):
        request = open_request(
            session, record, payload, action=m.FlowAction.change, by=call.by, now=call.now
        )
    session.info.setdefault(change.ASKED, []).append(request.id)


def voidable(contract: m.Contract, *, by: Actor) -> bool:
    """Tell whether the person may ask for this contract to be voided, as far as it shows itself."""
    stands = contract.approval is m.Approval.approved and contract.state is not m.ContractState.void
    return stands and may(by, "contract:submit") and gate.may_write(by, "edit", contract)


def ask_void(
    session: Session, contract: m.Contract, *, reason: str | None, by: Actor, now: dt.datetime
) -> m.ApprovalRequest:
    """Ask for an approved contract to be voided. Raises Forbidden, Locked, Invalid on comment."""
    change.check(session, contract, by=by)
    if not gate.may_write(by, "edit", contract):
        raise Forbidden
    if not voidable(contract, by=by):
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
        "files": attached(session, contract),
        "base": change.fingerprint(session, contract),
    }
    with gate.rule(session, "approval"):
        return open_request(
            session, contract, payload, action=m.FlowAction.void, by=by, now=now, comment=words
        )


records.DIVERSIONS.append(ask_change)
