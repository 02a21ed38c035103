"""Create, change and delete any record from a payload; the nouns' own rules hang on SAVERS.

A payload is a dict: column keys (FK ids, enum members, 分, aware datetimes), `primary.*` on a
customer, `next_*` on a follow-up, line collections as lists of dicts. Nothing is written before
everything is checked; nothing is committed here.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.field import fields_of
from models.core.mixins import Approval, Reviewed, SoftDeleted
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.people.user import User
from services.core.errors import Invalid, Locked, Stale
from services.records.fields import Input, inputs_of
from services.records.owner_stamps import stamp_owner
from services.records.references import check_unreferenced, taken, unoffered, uses
from services.rights import gate
from services.rights.actor import Actor, demand
from services.rights.call import Call
from services.rights.rules import GRANT_OF

Values = dict[str, Any]
Offered = Callable[[Input, Any], Any]  # an input and a key → what stands against it, or None
REQUIRED = _("必填")


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
    # Whether `applied` puts the lines of a record in, as services/records/line_savers.py does.
    lines = False
    # Inputs whose change is judged record by record (None: all), not of many at once (many.py).
    singly: frozenset[str] | None = None
    # Reference → what a record must be for it: a look-up offers no other (ClauseElement).
    fits: Mapping[str, Any] = MappingProxyType({})

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

    def diverted(self, session: Session, record: Any, values: Values) -> set[str]:
        """Return inputs of an approved record that go through approval for what they change to."""
        del session, record, values
        return set()

    def still_open(self, call: Call, record: Any) -> None:
        """Raise Locked when the record can no longer be changed at all."""

    def editable(self, call: Call, record: Any) -> None:
        """Raise Locked or Forbidden when the record takes no more changes of its own fields."""
        self.still_open(call, record)

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

    def removed(self, call: Call, record: Any) -> None:
        """Do what follows once the record is gone, or in the recycle bin."""

    def restorable(self, call: Call, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what stands against taking a row of the table out of the recycle bin."""
        del call, row
        return {}

    def restored(self, call: Call, row: Mapping[str, Any]) -> None:
        """Do what follows once a row is out of the recycle bin, by a statement."""


SAVERS: dict[type[Any], Saver] = {}


def saver(model: type[Any]) -> Callable[[type[Saver]], type[Saver]]:
    """Register the rules of a noun."""

    def register(cls: type[Saver]) -> type[Saver]:
        SAVERS[model] = cls()
        return cls

    return register


def fitting(model: type[Any]) -> Mapping[str, Any]:
    """Return reference → the clause that what is looked up for it has to meet."""
    return SAVERS.get(model, Saver()).fits


def defaults(call: Call, model: type[Any]) -> Values:
    """Return the values a blank form starts with: the columns' defaults and the noun's own."""
    values: Values = {}
    _prepare(call, model, values)
    return values


def _prepare(call: Call, model: type[Any], values: Values) -> None:
    SAVERS.get(model, Saver()).prepare(call, values)
    for key in inputs_of(model).keys() & sa.inspect(model).columns.keys():
        default = getattr(sa.inspect(model).columns[key].default, "arg", None)
        if default is not None and not callable(default):
            values.setdefault(key, default)


def create(call: Call, model: type[Any], values: Values) -> Any:
    """Return a new record with its defaults and stamps. Raises Invalid, Forbidden."""
    demand(call.by, f"{GRANT_OF.get(model.__noun__, model.__noun__)}:create")
    rules = SAVERS.get(model, Saver())
    _prepare(call, model, values)
    record = model()
    _check(call, rules, record, values)
    with call.session.no_autoflush:
        put(record, values)
        stamp_owner(call.session, record)
        rules.applied(call, record, values)
        call.session.add(record)
    call.session.flush()
    rules.saved(call, record, values)
    call.session.flush()
    return record


def update(call: Call, record: Any, values: Values, *, seen: int | None) -> Any:
    """Change a record that is still as it was seen. Raises Invalid, Stale, Locked, Forbidden."""
    changeable(record, seen=seen, by=call.by)
    rules = SAVERS.get(type(record), Saver())
    values = rules.follow(call, record, without_unchanged(record, values))
    _check(call, rules, record, values)
    later = diverted(call.session, record, values)
    write(call, record, {k: v for k, v in values.items() if k not in later})
    for ask in DIVERSIONS if later else ():
        ask(call, record, {k: values[k] for k in later})
    return record


def changeable(record: Any, *, seen: int | None, by: Actor) -> None:
    """Raise Stale, Forbidden or Locked unless the person may change the record he saw."""
    if seen is not None and seen != getattr(record, "row_version", seen):
        raise Stale
    gate.demand_write(by, "edit", record)
    if isinstance(record, Reviewed) and record.approval is Approval.pending:
        raise Locked(_("审批中的记录不能修改，请先撤回"))


def open_to_change(call: Call, record: Any) -> None:
    """Raise Locked or Forbidden, with what to do instead, where no form should be opened."""
    SAVERS.get(type(record), Saver()).editable(call, record)


def write(call: Call, record: Any, values: Values) -> None:
    """Put checked values into a record, with what follows from them."""
    if not values:
        return
    rules = SAVERS.get(type(record), Saver())
    with call.session.no_autoflush:
        put(record, {k: v for k, v in values.items() if k not in rules.own_way})
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


def diverted(session: Session, record: Any, values: Values) -> set[str]:
    """Return the keys that go through approval first; an import with the right writes at once."""
    approved = isinstance(record, Reviewed) and record.approval is Approval.approved
    if not approved or session.info.get("rule") == "import":
        return set()
    own = SAVERS.get(type(record), Saver()).diverted(session, record, values)
    return (controlled(type(record)) | own) & values.keys()


def remove(call: Call, record: Any, *, seen: int | None) -> None:
    """Delete: softly where the entity has a recycle bin. Raises Stale, Locked, Forbidden."""
    if seen is not None and seen != getattr(record, "row_version", seen):
        raise Stale
    removable(call, record)
    check_unreferenced(call.session, record)
    if isinstance(record, SoftDeleted):
        record.deleted_at = call.now
    else:
        call.session.delete(record)
    call.session.flush()
    SAVERS.get(type(record), Saver()).removed(call, record)


def removable(call: Call, record: Any) -> None:
    """Raise Forbidden or Locked where the record itself says that it stays."""
    gate.demand_write(call.by, "delete", record)
    SAVERS.get(type(record), Saver()).removable(call, record)


def missing(call: Call, record: Any, values: Values) -> dict[str, Any]:
    """Return what a submission of the record under `values` lacks: key → message, {} if nothing."""
    found: dict[str, Any] = {}
    for key, one in inputs_of(type(record)).items():
        if one.facts.required and one.kind != "lines" and given(record, values, key) in {None, ""}:
            found[key] = REQUIRED
    rules = SAVERS.get(type(record), Saver())
    lacking = dict(rules.missing(call, record, values)) | found
    return in_order(type(record), lacking)


def faults(call: Call, record: Any, values: Values, *, submitting: bool) -> dict[str, Any]:
    """Return all that is wrong with a payload at once, what its submission would lack included.

    `record` is a blank one where a new one is to come. Nothing is written. Raises Locked.
    """
    rules, values = SAVERS.get(type(record), Saver()), dict(values)
    if record.id is None:
        _prepare(call, type(record), values)
        values = rules.follow(call, record, values)
    else:
        values = rules.follow(call, record, without_unchanged(record, values))
    found = faults_of(call, rules, record, values)
    if submitting:
        found = missing(call, record, values) | found
    return in_order(type(record), found)


def warnings(call: Call, record: Any, values: Values) -> list[Said]:
    """Return what somebody should know before sound values are saved; nothing is written."""
    rules, given_ = SAVERS.get(type(record), Saver()), dict(values)
    if record.id is not None:
        given_ = without_unchanged(record, given_)
    return [*rules.warn(call, record, given_), *_switched_off(call.session, record, given_)]


def _switched_off(session: Session, record: Any, values: Values) -> list[Said]:
    """Say what still uses a record that is not to be chosen any more; a person has work instead."""
    if record.id is None or values.get("active") is not False or isinstance(record, User):
        return []
    used = "、".join(f"{caption} {n}" for caption, n in uses(session, record))
    told = _("仍在使用：%(what)s。停用后不能再选用，已有的记录不变", what=used)
    return [Said("active", "IN_USE", told, used)] if used else []


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


def primary_of(customer: Customer) -> Contact | None:
    """Return the primary contact."""
    return next((c for c in customer.contacts if c.is_primary and c.deleted_at is None), None)


def _check(call: Call, rules: Saver, record: Any, values: Values) -> None:
    errors = faults_of(call, rules, record, values)
    if errors:
        raise Invalid(errors)


def faults_of(
    call: Call, rules: Saver, record: Any, values: Values, offered: Offered | None = None
) -> dict[str, Any]:
    """Return what is wrong with single fields, and what the noun's rules say to the others.

    `offered` says what stands against a reference; one that remembers serves many records.
    """
    alone, offered = offered is None, offered or functools.partial(unoffered, call.session)
    inputs = inputs_of(type(record))
    errors: dict[str, Any] = {key: _("没有这个字段") for key in values if key not in inputs}
    drafted = isinstance(record, Reviewed)
    for key, one in inputs.items():
        needed = (one.must or (one.facts.required and not drafted)) and one.kind != "lines"
        if needed and given(record, values, key) in {None, ""}:
            errors[key] = REQUIRED
    errors |= _refs(record, values, offered)
    sound = {k: v for k, v in values.items() if k not in errors} if errors else values
    again = taken(call.session, record, sound) if alone else {}
    return in_order(type(record), again | dict(rules.check(call, record, sound)) | errors)


def _refs(record: Any, values: Values, offered: Offered) -> dict[str, Any]:
    """What a record points at must be visible to the actor, alive and offered."""
    errors: dict[str, Any] = {}
    for key, one in inputs_of(type(record)).items():
        value = values.get(key)
        if value is None or value == getattr(record, key, None):
            continue
        problem = offered(one, value) if one.kind in {"ref", "dictionary"} else None
        if problem is not None:
            errors[key] = problem
    return errors


def without_unchanged(record: Any, values: Values) -> Values:
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


def put(record: Any, values: Values) -> None:
    """Put values into the columns of a record."""
    columns = {p.key: p.columns[0] for p in sa.inspect(type(record)).column_attrs}
    for key, value in values.items():
        # A blank for a column that must not be NULL means "as it was" or its default.
        if key in columns and not (value is None and not columns[key].nullable):
            setattr(record, key, value)


def editable(record: Any, *, changing: bool = False) -> dict[str, bool]:
    """Return for each input whether it may be changed now; `changing`: a change request is open."""
    locked = controlled(type(record)) if changing and isinstance(record, Reviewed) else set()
    return {key: key not in locked for key in inputs_of(type(record))}
