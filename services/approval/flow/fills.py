"""Fields whoever approves a step may fill: read, judged by the record's rules, put in the payload.

What was filled is part of what is hashed from then on, and lands in the record with the approval.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalStep, FlowAction
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from services.core.errors import Invalid
from services.records import records
from services.records.fields import Input, inputs_of
from services.records.parsing import parse
from services.records.snapshot import NOTHING, REVIEWED, digest, frozen, revive, stored, text_of
from services.rights.access import unscoped
from services.rights.actor import Actor
from services.rights.call import Call

FIELD = "fill-"  # what a form calls the field of an approver
KINDS = frozenset(
    {
        "text",
        "multiline",
        "int",
        "money",
        "percent",
        "share",
        "quantity",
        "date",
        "enum",
        "dictionary",
    }
)


def fillable(model: type[Any]) -> dict[str, Input]:
    """Return the fields of an entity that a step may leave to its approvers."""
    return {
        key: one
        for key, one in inputs_of(model).items()
        if one.kind in KINDS and "." not in key and not one.facts.sensitive
    }


def wanted(steps: Iterable[ApprovalStep], noun: str) -> dict[str, bool]:
    """Return field → whether it must be filled, for whoever approves these steps."""
    known = fillable(REVIEWED[noun]) if noun in REVIEWED else {}
    found: dict[str, bool] = {}
    for step in steps:
        for key in step.fills:
            if key in known:
                found[key] = found.get(key, False) or step.fills_needed
    return found


def fill(
    call: Call,
    request: ApprovalRequest,
    record: Any,
    steps: list[ApprovalStep],
    given: Mapping[str, str],
) -> dict[str, str]:
    """Put what an approver typed into a request. Returns field → text as the timeline tells it.

    Raises Invalid on `fill-` and the field. A blank one stays as it was submitted.
    """
    asked = {} if request.action is FlowAction.void else wanted(steps, request.noun)
    errors: dict[str, Any] = {
        FIELD + key[:40]: _("此步骤不能填写该字段") for key in given if key not in asked
    }
    values = _new(call.session, request, record, _read(call.session, request, asked, given, errors))
    if values and not errors:
        errors = _judged(call, request, record, values)
    if errors:
        raise Invalid(errors)
    return _put(call.session, request, record, values) if values else {}


def _read(
    session: Session,
    request: ApprovalRequest,
    asked: Mapping[str, bool],
    given: Mapping[str, str],
    errors: dict[str, Any],
) -> dict[str, Any]:
    """Return what was typed; complaints go to `errors`."""
    values: dict[str, Any] = {}
    inputs = inputs_of(REVIEWED[request.noun]) if asked else {}
    for key, needed in asked.items():
        try:
            value = parse(session, inputs[key], given.get(key, "")) if key in given else None
        except ValueError as problem:
            errors[FIELD + key] = problem.args[0]
            continue
        if value is not None:
            values[key] = value
        elif needed:
            errors[FIELD + key] = records.REQUIRED
    return values


def _new(
    session: Session, request: ApprovalRequest, record: Any, values: dict[str, Any]
) -> dict[str, Any]:
    """Return what is not there already: who leaves a field as he found it changes nothing."""
    inputs = inputs_of(REVIEWED[request.noun]) if values else {}
    held = stored(session, record, values.keys(), {}) | request.payload["values"] if values else {}
    return {k: v for k, v in values.items() if frozen(session, inputs[k], v, {}) != held.get(k)}


def _judged(
    call: Call, request: ApprovalRequest, record: Any, values: dict[str, Any]
) -> dict[str, Any]:
    """Return what the rules of the record say to the filled values, beside those submitted."""
    inputs = inputs_of(type(record))
    whole = dict(values)
    before = request.payload["values"] if "old" in request.payload else already(request.payload)
    for key, value in before.items():
        whole.setdefault(key, revive(inputs[key], value))
    rules = records.SAVERS.get(type(record), records.Saver())
    asking = Call(call.session, Actor(request.submitted_by_id), call.now)
    with unscoped(call.session, "approval"), call.session.no_autoflush:
        faults = records.faults_of(asking, rules, record, whole)
        if request.action is FlowAction.create:  # it would have to be submitted so
            lacks = records.missing(asking, record, {})
            found = records.missing(asking, record, whole)
            faults |= {key: text for key, text in found.items() if key not in lacks}
    first = next(iter(values))
    return {FIELD + (key if key in values else first): text for key, text in faults.items()}


def _put(
    session: Session, request: ApprovalRequest, record: Any, values: dict[str, Any]
) -> dict[str, str]:
    """Freeze the values into the payload: whoever saw the one before has to look again.

    `filled` keeps what was there before each filling, the newest last: one is taken out again.
    """
    inputs = inputs_of(REVIEWED[request.noun])
    payload = dict(request.payload)
    names, now = dict(payload.get("names", {})), dict(payload["values"])
    filled, told = _earlier(payload), {}
    before = stored(session, record, values.keys() - now.keys(), names) | now
    for key, value in values.items():
        filled[key] = [*filled.get(key, ()), before.get(key)]
        now[key] = frozen(session, inputs[key], value, names)
        told[key] = text_of(inputs[key], now[key], names, key)
    payload |= {"values": now, "names": names, "filled": filled}
    if "old" in payload:
        payload["old"] = {key: before.get(key) for key in values} | payload["old"]
    _seal(request, payload)
    return told


def take_out(request: ApprovalRequest, keys: Iterable[str]) -> None:
    """Undo the newest filling of fields: its approval was taken back."""
    payload = dict(request.payload)
    now, filled = dict(payload["values"]), _earlier(payload)
    for key in keys:
        *earlier, now[key] = filled.pop(key)
        filled |= {key: earlier} if earlier else {}
    if "old" in payload:  # a field that changes no more, or never did, is none of the change
        same = {k for k in keys if k not in filled and now[k] == payload["old"][k]}
        now = {k: value for k, value in now.items() if k not in same}
        payload["old"] = {k: value for k, value in payload["old"].items() if k not in same}
    _seal(request, payload | {"values": now, "filled": filled})


def _earlier(payload: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return field → what was there before each filling.

    A request of the version before kept the first alone; no fillable field holds a list.
    """
    found = payload.get("filled", {})
    return {key: one if isinstance(one, list) else [one] for key, one in found.items()}


def _seal(request: ApprovalRequest, payload: dict[str, Any]) -> None:
    request.payload, request.payload_hash = payload, digest(payload)
    request.seen_version += 1


def already(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what approvers filled into a payload: field → frozen value."""
    return {key: payload["values"][key] for key in payload.get("filled", {})}


def filled(payload: Mapping[str, Any]) -> list[tuple[Any, str, str]]:
    """Return what approvers filled for people: [(caption, before, now)]."""
    inputs = inputs_of(REVIEWED[payload["noun"]])
    rows = []
    for key, earlier in _earlier(payload).items():
        one = inputs.get(key)
        if one is not None:
            pair = (earlier[0], payload["values"].get(key))
            texts = [_text(one, value, payload["names"], key) for value in pair]
            rows.append((one.facts.caption, *texts))
    return rows


def _text(one: Input, value: Any, names: dict[str, str], key: str) -> str:
    return NOTHING if value in {None, ""} else text_of(one, value, names, key)


def land(session: Session, request: ApprovalRequest, record: Any, *, now: dt.datetime) -> None:
    """Write what approvers filled into a record that was just approved."""
    inputs = inputs_of(type(record))
    values = {
        key: revive(inputs[key], value)
        for key, value in already(request.payload).items()
        if key in inputs
    }
    if values and record.approval is Approval.approved:
        session.flush()  # the database lets nobody touch a pending row
        call = Call(session, Actor(request.submitted_by_id), now)
        records.write(call, record, records.without_unchanged(record, values))
