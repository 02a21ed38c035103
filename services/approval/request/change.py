"""Changes to approved records: the live row stays, a request holds old and new, approval applies.

`records.update` hands over the controlled fields of an approved record, so form, inline edit, bulk
edit and import all end here.
"""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.sales.opportunity import Opportunity
from services.core.errors import Invalid, Locked, Refused
from services.core.texts import joined, lowered
from services.customers import duplicates
from services.records import records
from services.records.fields import inputs_of
from services.records.snapshot import REVIEWED, attached, digest, frozen, revive, stored
from services.rights import gate
from services.rights.actor import Actor, demand
from services.rights.call import Call
from services.sales.opportunity import check_stage

ASKED = "changes_asked"  # session.info: the requests this session opened, for the screen to tell


def pending(session: Session, noun: str, record_id: int) -> ApprovalRequest | None:
    """Return the open request of an approved record, if any."""
    request = ApprovalRequest
    return session.scalar(
        sa.select(request)
        .where(
            request.noun == noun, request.record_id == record_id, request.state == Approval.pending
        )
        .execution_options(system="approval")
    )


def asked(session: Session) -> list[int]:
    """Return the change requests this session opened since it was last asked."""
    found: list[int] = session.info.pop(ASKED, [])
    return found


def content(session: Session, record: Any, values: records.Values) -> dict[str, Any]:
    """Return the payload of a change: old and new values, a digest of all that is controlled."""
    names: dict[str, str] = {}
    inputs = inputs_of(type(record))
    old = stored(session, record, values.keys(), names)
    new = {key: frozen(session, inputs[key], value, names) for key, value in values.items()}
    note: dict[str, Any] = {}
    if values.keys() & duplicates.TYPED.keys():  # it is saved at once: no controlled field
        note = {"duplicate_note": getattr(record, "duplicate_note", None)}
    return note | {
        "noun": record.__noun__,
        "code": record.code,
        "values": new,
        "old": old,
        "names": names,
        "files": attached(session, record),
        "base": fingerprint(session, record),
    }


def fingerprint(session: Session, record: Any) -> str:
    """Return the digest of the controlled fields as they are now."""
    return digest(stored(session, record, records.controlled(type(record)), {}))


def check(session: Session, record: Any, *, by: Actor) -> None:
    """Raise unless the person may ask for a change of the record now."""
    demand(by, f"{record.__noun__}:submit")
    if pending(session, record.__noun__, record.id) is not None:
        raise Locked(_("已有变更申请在审批中，请等待审批或先撤回"))


def complete(session: Session, record: Any, values: records.Values) -> None:
    """Raise Invalid where a change would leave a required field blank."""
    del session
    errors = {
        key: records.REQUIRED
        for key, one in inputs_of(type(record)).items()
        if key in values and one.facts.required and values[key] in {None, ""}
    }
    if errors:
        raise Invalid(errors)


def check_files(session: Session, request: ApprovalRequest, record: Any) -> None:
    """Raise Refused (CONTENT_CHANGED) where a file that was submitted is not there any more.

    A file that came since was not part of what is decided; the record of a new entry takes none.
    """
    there = {(one["id"], one["sha256"]) for one in attached(session, record)}
    if any((one["id"], one["sha256"]) not in there for one in request.payload.get("files", ())):
        raise Refused(_("提交后附件有变化，请驳回后由提交人重新提交"), code="CONTENT_CHANGED")


def apply(session: Session, request: ApprovalRequest, record: Any, *, now: dt.datetime) -> None:
    """Put an approved change into its record.

    Raises Refused: CONTENT_CHANGED when the record moved, NO_LONGER_WHOLE when what must hold for
    it would not, because of what hangs on it or because the request is older than the rule.
    """
    if record.deleted_at is not None or _moved(session, record, request.payload):
        raise Refused(_("原记录已变化，请驳回后由提交人重新提交"), code="CONTENT_CHANGED")
    inputs = inputs_of(REVIEWED[request.noun])
    values = {key: revive(inputs[key], value) for key, value in request.payload["values"].items()}
    call = Call(session, Actor(request.submitted_by_id), now)
    _stand(call, record, values)
    with gate.rule(session, "approval"):
        records.write(call, record, values)


def _moved(session: Session, record: Any, payload: dict[str, Any]) -> bool:
    """Tell whether what is controlled, or what the change gives an old value of, is another now."""
    now = stored(session, record, payload["old"].keys(), {})
    same = fingerprint(session, record) == payload["base"]
    return not same or digest(now) != digest(payload["old"])


STANDS_ON = ((Customer, "customer_id"), (Opportunity, "opportunity_id"))


def leaning(session: Session, record: Any) -> list[Any]:
    """Return a sentence for what was approved, or is in approval, on the ground of a record."""
    told = []
    for model in (Opportunity, Contract):
        table: Any = model.__table__
        key = next((k for of, k in STANDS_ON if isinstance(record, of) and k in table.c), None)
        if key is None:
            continue
        alive = sa.and_(
            table.c[key] == record.id,
            table.c.deleted_at.is_(None),
            table.c.approval.in_((Approval.approved, Approval.pending)),
        )
        number = session.execute(sa.select(sa.func.count()).where(alive)).scalar()
        if number:
            what = lowered(model.__caption__)
            told.append(_("还有 %(n)s 个%(what)s已通过或在审批中", n=number, what=what))
    return told


def revoke(session: Session, request: ApprovalRequest, record: Any, now: dt.datetime) -> None:
    """Let an approved record be as if it had been withdrawn. Raises Refused for what stands on it.

    Its next submission is the round after this request.
    """
    held = leaning(session, record)
    if held:
        raise Refused(joined(held), code="NO_LONGER_WHOLE")
    record.approval, record.decided_at, record.revoked_at = Approval.withdrawn, None, now
    record.approval_round = request.round


def _stand(call: Call, record: Any, values: records.Values) -> None:
    rules = records.SAVERS.get(type(record), records.Saver())
    faults = dict(rules.whole(call, record, values))
    if isinstance(record, Opportunity):
        faults |= check_stage(call, record, values)
    for field, reason in faults.items():
        told = _("%(reason)s，请驳回后由提交人重新提交", reason=reason)
        raise Refused(told, field=field, code="NO_LONGER_WHOLE")
