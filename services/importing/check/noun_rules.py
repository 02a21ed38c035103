"""What an import asks of each noun beyond the form: a past has its own dates and gaps."""

import functools
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.bulk.tag import Tag
from models.core.cached import cached
from models.core.mixins import Reviewed
from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract
from models.deals.invoice import Invoice
from models.registry import entity_of, importable
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from models.sales.stage import Stage, StageKind
from services.core.errors import Locked
from services.customers import duplicates
from services.importing.check import form_records, history_rows, line_matching, references, sums
from services.importing.check.finding import chunks
from services.importing.file.plan import Planned
from services.importing.file.write_order import waits
from services.records import records
from services.records.fields import Input, inputs_of
from services.records.records import SAVERS, Said, Saver
from services.rights.actor import may
from services.rights.call import Call

Found = Iterable[tuple[str, str, Any]]  # (field key, code, reason)
# What even the past is called by, and what is unique beside the key.
UNNAMED = {
    model.__noun__: entity.called[0]
    for model in importable()
    if (entity := entity_of(model)).called and entity.kind == "record"
}
MANAGED = {model.__noun__: entity_of(model).imports.unique for model in importable()}


class Judge:
    """Tells what is wrong with the values of a new record."""

    def __init__(self, call: Call, approval: str) -> None:
        """Judge for one run: approval is approved, submitted or draft."""
        self.call, self.approval = call, approval
        self.taken: dict[tuple[str, str, str], int] = {}
        self.doubles: dict[tuple[str, str], duplicates.Candidate] = {}
        self.lines: dict[int, int] = {}  # hash of what may not be twice → line: many fit
        self.there: set[tuple[str, str, str]] = set()
        self.till = sums.Till(call.session)

    @functools.cached_property
    def stages(self) -> dict[int, Stage]:
        """Return the stages by key."""
        return {stage.id: stage for stage in self.call.session.scalars(sa.select(Stage))}

    def asks(self, noun: str, key: str) -> bool:
        """Tell whether the texts of a field are looked up before the rows are judged."""
        return (noun == "customer" and key in duplicates.TYPED) or key in MANAGED.get(noun, ())

    def prefetch(self, model: Any, field: str, names: Iterable[str]) -> None:
        """Read which names and numbers, or what must be unique, are there already."""
        if model is not Customer:
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
        yield from self._tags(one)
        adds_up = [(key, "BAD_VALUE", reason) for key, reason in sums.new(one)]
        yield from adds_up
        if self.approval == "approved" and issubclass(one.model, Reviewed):
            yield from _historic(one, self.stages)
            yield from references.strange(self.call.session, one)
            return
        yield from self._required(one)
        yield from self._rules(one)

    def _required(self, one: Planned) -> Found:
        reviewed, past = issubclass(one.model, Reviewed), self.approval == "approved"
        asked = not past and (not reviewed or self.approval == "submitted")
        for key, field in inputs_of(one.model).items():
            needed = field.must or (field.facts.required and asked)
            needed = needed or (past and key == UNNAMED.get(one.target.noun))
            if needed and field.kind != "lines" and one.values.get(key) in {None, ""}:
                yield key, "REQUIRED", records.REQUIRED
        customer = one.values.get("customer_id")
        if asked and reviewed and waits(one):
            yield "customer_id", "WAITS", _("先存为草稿：所属的新客户通过审批后才能提交")
        if asked and one.model in {Opportunity, Contract} and isinstance(customer, int):
            shell = one.model(customer_id=customer)
            for key, reason in SAVERS[one.model].missing(self.call, shell, {}).items():
                yield key, "BAD_VALUE", reason

    def _rules(self, one: Planned) -> Found:
        """Ask the form's own rules; what has no key yet is beyond them."""
        of_money = list(self.till.against(one, self.approval))
        yield from of_money
        yield from references.strange(self.call.session, one)
        values = self._keyed(one.values | one.lines)
        values.pop("tags", None)
        blank = one.model()
        rules = SAVERS.get(one.model, Saver())
        wrong = dict(rules.check(self.call, blank, values))
        told = {key for key, _code, _reason in of_money}
        if one.model is Invoice:
            told.add("amount")  # the rules know nothing of the other invoices of the run
        for key, reason in wrong.items():
            if key in told:
                continue
            yield key, "BAD_VALUE", reason

    def warnings(self, one: Planned) -> list[Said]:
        """Return what the form would say of a sound record before it saves, none of a past's gaps.

        Of a new one all of its values, of one that is there what changes.
        """
        if one.record is None and self.approval == "approved" and issubclass(one.model, Reviewed):
            return []
        given = one.values | one.lines if one.record is None else one.changes
        values = self._keyed({key: value for key, value in given.items() if key != "tags"})
        return records.warnings(self.call, one.record or one.model(), values)

    @functools.cached_property
    def words(self) -> set[str]:
        """Return the tags that are there."""
        return set(self.call.session.scalars(sa.select(Tag.name)))

    def _tags(self, one: Planned) -> Found:
        """Refuse a word that is no tag yet from who may make none."""
        new = [name for name in one.values.get("tags") or () if name not in self.words]
        if new and not may(self.call.by, "tag:create"):
            yield "tags", "NOT_FOUND", _("没有这些标签：%(names)s", names="、".join(new))

    def change(self, one: Planned) -> Found:
        """Yield what the form's own rules have against the changes of a record that is there."""
        rules, record = SAVERS.get(one.model, Saver()), one.record
        yield from self._tags(one)
        yield from references.strange(self.call.session, one)
        values = self._keyed({key: value for key, value in one.changes.items() if key != "tags"})
        values |= history_rows.told_lines(values)
        values = rules.follow(self.call, record, values)
        if self.approval == "approved" and one.model not in form_records.MODELS:
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
        found: int | None = self.call.session.scalar(sa.select(sa.func.min(Product.id)))
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
            found["amount"] = line_matching.sum_of(found.pop("lines"))
        return found

    def hidden(self, one: Planned) -> Any:
        """Return what may be told of a customer of the same name that is out of sight."""
        key = duplicates.key_of("company", one.values.get("company"))
        double = self.doubles.get(("company", key or ""))
        if one.model is not Customer or double is None or double.visible:
            return None
        return _same(double, duplicates.REASONS["company"])

    def _unique(self, one: Planned) -> Found:
        for key in MANAGED.get(one.target.noun, ()):
            said = [one.values.get(part) for part in key.split("+")]
            text = "" if None in said else "\n".join(str(part).lower() for part in said)
            first = self.taken.setdefault((one.target.noun, key, text), one.line)
            if text and first != one.line:
                yield key.split("+")[-1], "KEY_TWICE", _("与第 %(line)s 行重复", line=first)
            elif (one.target.noun, key, text) in self.there:
                yield key, "KEY_TAKEN", _("「%(name)s」已存在", name=one.values[key])

    def _duplicate(self, one: Planned) -> Found:
        """Tell of the same name or number, further up in the file or in the database.

        Without a written reason that keeps a row out that is to be submitted.
        """
        reasoned = one.values.get("duplicate_note")
        for field, reason in duplicates.TYPED.items() if one.model is Customer else ():
            key = duplicates.key_of(reason, one.values.get(field))
            if key is None:
                continue
            mark = hash((reason, key))
            line, double = self.lines.get(mark), self.doubles.get((reason, key))
            code = "SIMILAR" if reasoned else "DUPLICATE"
            what = duplicates.REASONS[reason]
            if line is not None:
                yield field, code, _("与第 %(line)s 行的%(what)s相同", line=line, what=what)
            if double is not None:
                yield field, code, _same(double, what)
            self.lines.setdefault(mark, one.line)


def _same(double: duplicates.Candidate, what: Any) -> Any:
    return _(
        "与「%(name)s」的%(what)s相同（%(owner)s，%(state)s）",
        name=double.company,
        what=what,
        owner=double.owner or _("公海"),
        state=double.standing,
    )


def _historic(one: Planned, stages: dict[int, Stage]) -> Found:
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


def _closed(values: dict[str, Any], stages: dict[int, Stage]) -> Found:
    stage = stages.get(values.get("stage_id") or 0)
    if stage is None:
        yield "stage_id", "REQUIRED", records.REQUIRED
    elif stage.kind is StageKind.open and values.get("closed_on"):
        yield "closed_on", "BAD_VALUE", _("进行中商机不能有关闭日期")
    elif stage.kind is not StageKind.open and not values.get("closed_on"):
        yield "closed_on", "REQUIRED", _("赢单或输单必须有关闭日期")


def _in_force(values: dict[str, Any]) -> Found:
    if values.get("customer_id") is None:
        yield "customer_id", "REQUIRED", records.REQUIRED
    if values.get("state") in IN_FORCE and not values.get("signed_on"):
        yield "signed_on", "REQUIRED", _("履行中或履行完毕的合同必须有签订日")


def complete(one: Planned) -> None:
    """Fill what follows from the row itself, as the form does."""
    if one.model is Contract and one.values.get("signer_id") is None:
        one.values["signer_id"] = one.values.get("owner_id")


def lacking(one: Planned) -> list[Input]:
    """Return what a submission would have asked for."""
    told = {"amount"} if sums.tells(one) else set()
    return [
        field
        for key, field in _asked(one.model)
        if key not in told and one.values.get(key) in {None, ""}
    ]


@cached
def _asked(model: type[Any]) -> list[tuple[str, Input]]:
    """Return the required inputs whose columns may lack a value."""
    columns = model.__table__.c
    return [
        (key, field)
        for key, field in inputs_of(model).items()
        if field.facts.required and (key not in columns or columns[key].nullable)
    ]


def defaults(call: Call, model: Any) -> dict[str, Any]:
    """Return what a blank form would start with, for rows that say nothing.

    A choice that may stay open stays open: that a customer is of level A is nobody's word.
    """
    found, columns = records.defaults(call, model), model.__table__.c
    known = {key: value for key, value in found.items() if value is not None}
    chosen = {k for k in known if k in columns and columns[k].nullable and columns[k].default}
    return {key: value for key, value in known.items() if key not in chosen}
