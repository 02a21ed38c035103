"""What an import asks of each noun beyond the form: a past has its own dates and gaps."""

import functools
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import duplicates, records
from services.actor import Actor
from services.errors import Locked
from services.fields import Input, inputs_of
from services.importing import formed, lining, past, sums
from services.importing.finding import chunks
from services.importing.plan import Planned
from services.records import SAVERS, Call, Saver

Found = Iterable[tuple[str, str, Any]]  # (field key, code, reason)
# What even the past is called by, and what is unique beside the key.
UNNAMED = {
    model.__noun__: entity.called[0]
    for model in m.importable()
    if (entity := m.entity_of(model)).called and entity.kind == "record"
}
MANAGED = {model.__noun__: m.entity_of(model).imports.unique for model in m.importable()}


class Judge:
    """Tells what is wrong with the values of a new record."""

    def __init__(self, call: Call, approval: str) -> None:
        """Judge for one run: approval is approved, submitted or draft."""
        self.call, self.approval = call, approval
        self.taken: dict[tuple[str, str, str], int] = {}
        self.doubles: dict[tuple[str, str], duplicates.Candidate] = {}
        self.lines: dict[tuple[str, str], int] = {}
        self.there: set[tuple[str, str, str]] = set()

    @functools.cached_property
    def stages(self) -> dict[int, m.Stage]:
        """Return the stages by key."""
        return {stage.id: stage for stage in self.call.session.scalars(sa.select(m.Stage))}

    def asks(self, noun: str, key: str) -> bool:
        """Tell whether the texts of a field are looked up before the rows are judged."""
        return (noun == "customer" and key in duplicates.TYPED) or key in MANAGED.get(noun, ())

    def prefetch(self, model: Any, field: str, names: Iterable[str]) -> None:
        """Read which names and numbers, or what must be unique, are there already."""
        if model is not m.Customer:
            self._taken(model, field, names)
            return
        reason = duplicates.TYPED[field]
        keys = {key for name in names if (key := duplicates.key_of(reason, name))}
        self.doubles |= duplicates.known(self.call.session, {reason: keys}, by=self.call.by)

    def _taken(self, model: Any, field: str, names: Iterable[str]) -> None:
        table = model.__table__
        plain = sa.func.lower(table.c[field])
        for chunk in chunks(sorted({name.strip().lower() for name in names} - {""})):
            found = self.call.session.execute(sa.select(plain).where(plain.in_(chunk))).scalars()
            self.there |= {(model.__noun__, field, text) for text in found}

    def judge(self, one: Planned) -> Found:
        """Yield what is wrong with a new record."""
        yield from self._unique(one)
        yield from self._duplicate(one)
        adds_up = [(key, "BAD_VALUE", reason) for key, reason in sums.new(one)]
        yield from adds_up
        if self.approval == "approved" and issubclass(one.model, m.Reviewed):
            yield from _historic(one, self.stages)
            return
        yield from self._required(one)
        yield from self._rules(one)

    def _required(self, one: Planned) -> Found:
        reviewed = issubclass(one.model, m.Reviewed)
        asked = not reviewed or self.approval == "submitted"
        for key, field in inputs_of(one.model).items():
            needed = field.must or (field.facts.required and asked)
            if needed and field.kind != "lines" and one.values.get(key) in {None, ""}:
                yield key, "REQUIRED", records.REQUIRED
        customer = one.values.get("customer_id")
        if asked and one.model in {m.Opportunity, m.Contract} and isinstance(customer, int):
            shell = one.model(customer_id=customer)
            for key, reason in SAVERS[one.model].missing(self.call, shell, {}).items():
                yield key, "BAD_VALUE", reason

    def _rules(self, one: Planned) -> Found:
        """Ask the form's own rules; what has no key yet is beyond them."""
        values = self._keyed(one.values | one.lines)
        blank = one.model()
        rules = SAVERS.get(one.model, Saver())
        wrong = rules.check(self.call, blank, values)
        for key, reason in wrong.items():
            yield key, "BAD_VALUE", reason
        for said in [] if wrong else rules.warn(self.call, blank, values):
            yield said.field, said.code, said.message

    def change(self, one: Planned) -> Found:
        """Yield what the form's own rules have against the changes of a record that is there."""
        rules, record = SAVERS.get(one.model, Saver()), one.record
        values = self._keyed(one.changes)
        values |= past.told_lines(values)
        values = rules.follow(self.call, record, values)
        if self.approval == "approved" and one.model not in formed.MODELS:
            # a past that came in by import is corrected by import: but it stays whole
            for key, reason in rules.whole(self.call, record, values).items():
                yield key, "BAD_VALUE", reason
            return
        try:
            rules.still_open(self.call, record)
            for key, reason in rules.check(self.call, record, values).items():
                yield key, "BAD_VALUE", reason
        except Locked as problem:
            yield problem.field or "", "LOCKED", str(problem)

    @functools.cached_property
    def stand_in(self) -> int | None:
        """Return some product: those of the run have no key that the form's rules could look up."""
        found: int | None = self.call.session.scalar(sa.select(sa.func.min(m.Product.id)))
        return found

    def _keyed(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return what the form's rules can be asked of: nothing that has no key yet."""
        found = {key: value for key, value in values.items() if not isinstance(value, Planned)}
        for key, rows in found.items():
            if isinstance(rows, list):
                found[key] = [
                    {k: self.stand_in if isinstance(v, Planned) else v for k, v in row.items()}
                    for row in rows
                ]
        if self.stand_in is None and found.get("lines"):  # the first products come with this run
            found["amount"] = lining.sum_of(found.pop("lines"))
        return found

    def hidden(self, one: Planned) -> Any:
        """Return what may be told of a customer of the same name that is out of sight."""
        key = duplicates.key_of("company", one.values.get("company"))
        double = self.doubles.get(("company", key or ""))
        if one.model is not m.Customer or double is None or double.visible:
            return None
        return _same(double, duplicates.REASONS["company"])

    def _unique(self, one: Planned) -> Found:
        for key in MANAGED.get(one.target.noun, ()):
            text = str(one.values.get(key) or "").lower()
            first = self.taken.setdefault((one.target.noun, key, text), one.line)
            if text and first != one.line:
                yield key, "KEY_TWICE", _("与第 %(line)s 行重复", line=first)
            elif (one.target.noun, key, text) in self.there:
                yield key, "KEY_TAKEN", _("「%(name)s」已存在", name=one.values[key])

    def _duplicate(self, one: Planned) -> Found:
        """Tell of the same name or number, further up in the file or in the database.

        Without a written reason that keeps a row out that is to be submitted.
        """
        reasoned = one.values.get("duplicate_note")
        for field, reason in duplicates.TYPED.items() if one.model is m.Customer else ():
            key = duplicates.key_of(reason, one.values.get(field))
            if key is None:
                continue
            line, double = self.lines.get((reason, key)), self.doubles.get((reason, key))
            code = "SIMILAR" if reasoned else "DUPLICATE"
            what = duplicates.REASONS[reason]
            if line is not None:
                yield field, code, _("与第 %(line)s 行的%(what)s相同", line=line, what=what)
            if double is not None:
                yield field, code, _same(double, what)
            self.lines.setdefault((reason, key), one.line)


def _same(double: duplicates.Candidate, what: Any) -> Any:
    return _(
        "与「%(name)s」的%(what)s相同（%(owner)s，%(state)s）",
        name=double.company,
        what=what,
        owner=double.owner or _("公海"),
        state=double.approval.caption,
    )


def _historic(one: Planned, stages: dict[int, m.Stage]) -> Found:
    """Check what even the past must have: a name, sane amounts, closed deals with their date."""
    noun, values = one.target.noun, one.values
    name = UNNAMED.get(noun)
    if name and not values.get(name):
        yield name, "REQUIRED", records.REQUIRED
    if (values.get("amount") or 0) < 0:
        yield "amount", "BAD_VALUE", _("金额不能为负数")
    if noun == "opportunity":
        yield from _closed(values, stages)
    if noun == "contract":
        yield from _in_force(values)


def _closed(values: dict[str, Any], stages: dict[int, m.Stage]) -> Found:
    stage = stages.get(values.get("stage_id") or 0)
    if stage is None:
        yield "stage_id", "REQUIRED", records.REQUIRED
    elif stage.kind is m.StageKind.open and values.get("closed_on"):
        yield "closed_on", "BAD_VALUE", _("进行中的商机不能有关闭日期")
    elif stage.kind is not m.StageKind.open and not values.get("closed_on"):
        yield "closed_on", "REQUIRED", _("赢单或输单必须有关闭日期")


def _in_force(values: dict[str, Any]) -> Found:
    if values.get("customer_id") is None:
        yield "customer_id", "REQUIRED", records.REQUIRED
    if values.get("state") in m.IN_FORCE and not values.get("signed_on"):
        yield "signed_on", "REQUIRED", _("履行中或履行完毕的合同必须有签订日")


def complete(one: Planned) -> None:
    """Fill what follows from the row itself, as the form does."""
    if one.model is m.Contract and one.values.get("signer_id") is None:
        one.values["signer_id"] = one.values.get("owner_id")


def lacking(one: Planned) -> list[Input]:
    """Return what a submission would have asked for."""
    columns = one.model.__table__.c
    kept = {key for key in inputs_of(one.model) if key in columns and not columns[key].nullable}
    return [
        field
        for key, field in inputs_of(one.model).items()
        if field.facts.required and key not in kept and one.values.get(key) in {None, ""}
    ]


def defaults(session: Session, model: Any, *, by: Actor, now: Any) -> dict[str, Any]:
    """Return what a blank form would start with, for rows that say nothing."""
    found = records.defaults(session, model, by=by, now=now)
    return {key: value for key, value in found.items() if value is not None}
