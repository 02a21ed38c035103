"""Create, change and delete any record from a payload; the nouns' own rules hang on SAVERS.

A payload is a dict: column keys (FK ids, enum members, 分, aware datetimes), `primary.*` on a
customer, `next_*` on a follow-up, line collections as lists of dicts. Nothing is written before
everything is checked; nothing is committed here.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from models.field import fields_of
from services import gate
from services.actor import Actor, demand
from services.errors import Forbidden, Invalid, Locked, Stale
from services.fields import inputs_of
from services.references import check_unreferenced
from services.rules import GRANT_OF

Values = dict[str, Any]
REQUIRED = _("必填")


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """Who does it, when, in which session."""

    session: Session
    by: Actor
    now: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What people are to know before they save: it is told beside the field and forbids nothing.

    `code` is stable for programs; `mark` changes with what is told, so that somebody who knows of
    one thing is asked again about another.
    """

    field: str
    code: str
    message: Any
    mark: str


class Saver:
    """The rules of one noun around the generic save; the default has none."""

    # Inputs of a stored record that `saved` writes its own way.
    own_way: frozenset[str] = frozenset()

    def prepare(self, call: Call, values: Values) -> None:
        """Fill defaults of a new record into the payload."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Return what is wrong with the payload, key → message; the record is untouched yet."""
        del call, record, values
        return {}

    def follow(self, call: Call, record: Any, values: Values) -> Values:
        """Return the payload of a change with what follows from it, for people to see."""
        del call, record
        return values

    def whole(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Return what would not hold for the record with its lines under `values`.

        A part of `check`; a change request is asked it again when it is approved.
        """
        del call, record, values
        return {}

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Do what follows from the new values, before the flush."""

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Do what follows once the record has a key."""

    def still_open(self, call: Call, record: Any) -> None:
        """Raise Locked when the record can no longer be changed at all."""

    def warn(self, call: Call, record: Any, values: Values) -> list[Said]:
        """Return what somebody should know before these values are saved."""
        del call, record, values
        return []

    def missing(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Return what a submission still lacks beyond the plain required fields.

        `values` lie over the record: what a form gives that is not written yet.
        """
        del call, record, values
        return {}

    def removable(self, call: Call, record: Any) -> None:
        """Raise Locked when the record must stay."""

    def restorable(self, call: Call, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what stands against taking a row of the table out of the recycle bin."""
        del call, row
        return {}


SAVERS: dict[type[Any], Saver] = {}


def saver(model: type[Any]) -> Callable[[type[Saver]], type[Saver]]:
    """Register the rules of a noun."""

    def register(cls: type[Saver]) -> type[Saver]:
        SAVERS[model] = cls()
        return cls

    return register


def defaults(session: Session, model: type[Any], *, by: Actor, now: dt.datetime) -> Values:
    """Return the values a blank form starts with: the columns' defaults and the noun's own."""
    values: Values = {}
    _prepare(Call(session, by, now), model, values)
    return values


def _prepare(call: Call, model: type[Any], values: Values) -> None:
    SAVERS.get(model, Saver()).prepare(call, values)
    for key in inputs_of(model).keys() & sa.inspect(model).columns.keys():
        default = getattr(sa.inspect(model).columns[key].default, "arg", None)
        if default is not None and not callable(default):
            values.setdefault(key, default)


def create(
    session: Session, model: type[Any], values: Values, *, by: Actor, now: dt.datetime
) -> Any:
    """Return a new record with its defaults and stamps. Raises Invalid, Forbidden."""
    demand(by, f"{GRANT_OF.get(model.__noun__, model.__noun__)}:create")
    call, rules = Call(session, by, now), SAVERS.get(model, Saver())
    _prepare(call, model, values)
    record = model()
    _check(call, rules, record, values)
    with session.no_autoflush:
        _apply(record, values)
        _stamp_owner(call, record)
        rules.applied(call, record, values)
        session.add(record)
    session.flush()
    rules.saved(call, record, values)
    session.flush()
    return record


def update(  # the seen version is part of the law
    session: Session, record: Any, values: Values, *, seen: int | None, by: Actor, now: dt.datetime
) -> Any:
    """Change a record that is still as it was seen. Raises Invalid, Stale, Locked, Forbidden."""
    changeable(record, seen=seen, by=by)
    call, rules = Call(session, by, now), SAVERS.get(type(record), Saver())
    values = rules.follow(call, record, _without_unchanged(record, values))
    _check(call, rules, record, values)
    later = _diverted(session, record, values)
    write(call, record, {k: v for k, v in values.items() if k not in later})
    for ask in DIVERSIONS if later else ():
        ask(call, record, {k: values[k] for k in later})
    return record


def changeable(record: Any, *, seen: int | None, by: Actor) -> None:
    """Raise Stale, Forbidden or Locked unless the person may change the record he saw."""
    if seen is not None and seen != getattr(record, "row_version", seen):
        raise Stale
    if not gate.may_write(by, "edit", record):
        raise Forbidden
    if isinstance(record, m.Reviewed) and record.approval is m.Approval.pending:
        raise Locked(_("审批中的记录不能修改，请先撤回"))


def write(call: Call, record: Any, values: Values) -> None:
    """Put checked values into a record, with what follows from them."""
    if not values:
        return
    rules = SAVERS.get(type(record), Saver())
    with call.session.no_autoflush:
        _apply(record, {k: v for k, v in values.items() if k not in rules.own_way})
        rules.applied(call, record, values)
    call.session.flush()
    rules.saved(call, record, values)
    call.session.flush()


# Who takes the controlled fields of an approved record: the approval service registers here.
DIVERSIONS: list[Callable[[Call, Any, Values], None]] = []


def controlled(model: type[Any]) -> set[str]:
    """Return the inputs of a reviewed model that change only by a change request."""
    keys = {k for k, f in fields_of(model).items() if f.controlled}
    keys |= set(getattr(model, "__lines__", ()))
    return keys | {k for k in inputs_of(model) if k.startswith("primary.")}


def _diverted(session: Session, record: Any, values: Values) -> set[str]:
    """Return the keys that go through approval first; an import with the right writes at once."""
    approved = isinstance(record, m.Reviewed) and record.approval is m.Approval.approved
    if not approved or session.info.get("rule") == "import":
        return set()
    return controlled(type(record)) & values.keys()


def remove(session: Session, record: Any, *, seen: int | None, by: Actor, now: dt.datetime) -> None:
    """Delete: softly where the entity has a recycle bin. Raises Stale, Locked, Forbidden."""
    if seen is not None and seen != getattr(record, "row_version", seen):
        raise Stale
    if not gate.may_write(by, "delete", record):
        raise Forbidden
    call = Call(session, by, now)
    SAVERS.get(type(record), Saver()).removable(call, record)
    check_unreferenced(session, record)
    if isinstance(record, m.SoftDeleted):
        record.deleted_at = now
    else:
        session.delete(record)
    session.flush()


def missing(
    session: Session, record: Any, values: Values, *, by: Actor, now: dt.datetime
) -> dict[str, Any]:
    """Return what a submission of the record under `values` lacks: key → message, {} if nothing."""
    found: dict[str, Any] = {}
    for key, one in inputs_of(type(record)).items():
        if one.facts.required and one.kind != "lines" and given(record, values, key) in {None, ""}:
            found[key] = REQUIRED
    rules = SAVERS.get(type(record), Saver())
    lacking = dict(rules.missing(Call(session, by, now), record, values)) | found
    return in_order(type(record), lacking)


def faults(  # what was unreadable is left out of what hangs on it
    session: Session, record: Any, values: Values, *, submitting: bool, by: Actor, now: dt.datetime
) -> dict[str, Any]:
    """Return all that is wrong with a payload at once, what its submission would lack included.

    `record` is a blank one where a new one is to come. Nothing is written. Raises Locked.
    """
    call, rules, values = Call(session, by, now), SAVERS.get(type(record), Saver()), dict(values)
    if record.id is None:
        _prepare(call, type(record), values)
        values = rules.follow(call, record, values)
    else:
        values = rules.follow(call, record, _without_unchanged(record, values))
    found = _faults(call, rules, record, values)
    if submitting:
        found = missing(session, record, values, by=by, now=now) | found
    return in_order(type(record), found)


def warnings(
    session: Session, record: Any, values: Values, *, by: Actor, now: dt.datetime
) -> list[Said]:
    """Return what somebody should know before sound values are saved; nothing is written."""
    rules, given_ = SAVERS.get(type(record), Saver()), dict(values)
    if record.id is not None:
        given_ = _without_unchanged(record, given_)
    return rules.warn(Call(session, by, now), record, given_)


def in_order(model: type[Any], errors: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is wrong in the order in which a form shows its fields."""
    return {key: errors[key] for key in (*inputs_of(model), *errors) if key in errors}


def given(record: Any, values: Values, key: str) -> Any:
    """Return what an input holds once `values` lie over the record."""
    return values[key] if key in values else value_of(record, key)


def value_of(record: Any, key: str) -> Any:
    """Return the stored value behind an input key, `primary.*` included."""
    if key.startswith("primary."):
        contact = primary_of(record)
        return getattr(contact, key.removeprefix("primary."), None)
    return getattr(record, key, None)


def primary_of(customer: m.Customer) -> m.Contact | None:
    """Return the primary contact."""
    return next((c for c in customer.contacts if c.is_primary and c.deleted_at is None), None)


def _check(call: Call, rules: Saver, record: Any, values: Values) -> None:
    errors = _faults(call, rules, record, values)
    if errors:
        raise Invalid(errors)


def _faults(call: Call, rules: Saver, record: Any, values: Values) -> dict[str, Any]:
    """Return what is wrong with single fields, and what the noun's rules say to the others."""
    inputs = inputs_of(type(record))
    errors: dict[str, Any] = {key: _("没有这个字段") for key in values if key not in inputs}
    drafted = isinstance(record, m.Reviewed)
    for key, one in inputs.items():
        value = given(record, values, key)
        needed = one.must or (one.facts.required and not drafted)
        if needed and value in {None, ""} and one.kind != "lines":
            errors[key] = REQUIRED
    errors |= _refs(call.session, record, values)
    sound = {k: v for k, v in values.items() if k not in errors} if errors else values
    return in_order(type(record), dict(rules.check(call, record, sound)) | errors)


def _refs(session: Session, record: Any, values: Values) -> dict[str, Any]:
    """What a record points at must be visible to the actor, alive and offered."""
    errors: dict[str, Any] = {}
    for key, one in inputs_of(type(record)).items():
        value = values.get(key)
        if value is None or value == getattr(record, key, None):
            continue
        if one.kind == "ref":
            target = session.scalar(sa.select(one.target).where(one.target.id == value))
            if target is None:
                errors[key] = _("没有这条记录，或您无权查看")
            elif getattr(target, "active", True) is False:
                errors[key] = _("「%(name)s」已停用", name=str(target))
        if one.kind == "dictionary":
            option = session.get(m.DictionaryOption, value)
            if option is None or option.kind is not one.target or not option.active:
                errors[key] = _("选项不存在或已停用")
    return errors


def _without_unchanged(record: Any, values: Values) -> Values:
    """Drop what is as it was, so that an unchanged controlled field asks for nothing."""
    return {k: v for k, v in values.items() if not _same(record, k, v)}


def _same(record: Any, key: str, value: Any) -> bool:
    if not isinstance(value, list) or key not in getattr(record, "__lines__", ()):
        return bool(value_of(record, key) == value)
    lines = getattr(record, key)
    return len(lines) == len(value) and all(
        getattr(line, part) == given or (given is None and part in BLANKS)
        for line, row in zip(lines, value, strict=True)
        for part, given in row.items()
    )


BLANKS = frozenset({"discount_bp"})  # a blank one means its default


def _apply(record: Any, values: Values) -> None:
    columns = {p.key: p.columns[0] for p in sa.inspect(type(record)).column_attrs}
    for key, value in values.items():
        # A blank for a column that must not be NULL means "as it was" or its default.
        if key in columns and not (value is None and not columns[key].nullable):
            setattr(record, key, value)


def _stamp_owner(call: Call, record: Any) -> None:
    """Stamp the first owner and his department once (product.md section 5)."""
    if not isinstance(record, m.Owned):
        return
    record.created_owner_id = record.owner_id
    record.created_department_id = department_of(call.session, record.owner_id)


def department_of(session: Session, user_id: int | None) -> int | None:
    """Return the department a person is in now, for a stamp."""
    user = m.User.__table__
    return (
        session.execute(sa.select(user.c.department_id).where(user.c.id == user_id)).scalar()
        if user_id
        else None
    )


def editable(record: Any, *, changing: bool = False) -> dict[str, bool]:
    """Return for each input whether it may be changed now; `changing`: a change request is open."""
    locked = controlled(type(record)) if changing and isinstance(record, m.Reviewed) else set()
    return {key: key not in locked for key in inputs_of(type(record))}
