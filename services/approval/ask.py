"""Asking for a change of an approved record, or for a contract to be voided."""

import datetime as dt
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate, records
from services.actor import Actor
from services.approval import change
from services.approval.claim import said
from services.approval.submit import open_request
from services.errors import Locked


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


def ask_void(
    session: Session, contract: m.Contract, *, reason: str | None, by: Actor, now: dt.datetime
) -> m.ApprovalRequest:
    """Ask for an approved contract to be voided. Raises Forbidden, Locked, Invalid on comment."""
    words = said(reason, needed=True)
    change.check(session, contract, by=by)
    if contract.approval is not m.Approval.approved or contract.state is m.ContractState.void:
        raise Locked(_("只有已通过且未作废的合同可以申请作废"))
    payload = {
        "noun": "contract",
        "code": contract.code,
        "values": {},
        "old": {},
        "names": {},
        "base": change.fingerprint(session, contract),
    }
    with gate.rule(session, "approval"):
        return open_request(
            session, contract, payload, action=m.FlowAction.void, by=by, now=now, comment=words
        )


records.DIVERSIONS.append(ask_change)
