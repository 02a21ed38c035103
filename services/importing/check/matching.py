"""Rows that are known already: found by key, compared, left alone or changed."""

import collections
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session, selectinload

from models.bulk.tag import Tagged
from models.core.keys import sorted_by
from models.core.mixins import Approval
from models.core.normal import name_key
from models.customers.customer import Customer
from models.registry import entity_of
from services.importing.check import line_matching, sums
from services.importing.check.finding import chunks
from services.importing.file.plan import FileRow, Planned, Values
from services.importing.file.problems import Problem
from services.importing.mapping.declared import inputs_for
from services.records import lookup
from services.records.records import value_of
from services.rights.actor import Actor
from services.rights.gate import may_write

NEVER = {"external_ref", "code", "owner_id", "created_at"}  # stamps, numbers, hand-overs
NEVER |= {"next_at", "next_kind", "next_content"}  # a plan is made with its follow-up


Spelling = Callable[[Any], str | None]


class Matcher:
    """The records of one entity that the keys of a file point at."""

    def __init__(self, session: Session, model: Any, by: Actor) -> None:
        """Start with nothing found."""
        self.session, self.model, self.by = session, model, by
        self.ids: dict[tuple[str, Any], int] = {}
        self.gone: set[int] = set()
        self.records: dict[int, Any] = {}

    def load(self, key: str, values: Iterable[Any]) -> None:
        """Find the records by one key, invisible ones too, and load what is seen.

        A deleted one is only met where its key stays taken: the schema lets it stand once, or the
        customer was merged into another. Otherwise it is made anew, as the form does.
        """
        if "+" in key:
            self._load_pairs(key, {v for v in values if v is not None})
            return
        table, found = self.model.__table__, set()
        free = not _stands_once(table.c[key])
        deleted = table.c.deleted_at if "deleted_at" in table.c else sa.null()
        for chunk in chunks(sorted({v for v in values if v is not None}, key=str)):
            near, spelt = _near(self.model, key, chunk)
            query = sa.select(table.c.id, table.c[key], deleted).where(near)
            rows = self._standing(self.session.execute(query).all(), free=free)
            for value, (ident, gone) in _met(rows, chunk, spelt).items():
                self.ids[key, value] = ident
                if gone:
                    self.gone.add(ident)
                found.add(ident)
        self.see(found)

    def see(self, found: set[int]) -> None:
        """Load records that are seen."""
        for part in chunks(sorted(found - self.records.keys())):
            query = sa.select(self.model).where(self.model.id.in_(part)).options(*self._loads())
            self.records |= {record.id: record for record in self.session.scalars(query)}

    def _load_pairs(self, key: str, values: set[tuple[Any, ...]]) -> None:
        """Find living records by several fields that are one key; names in any spelling."""
        table = self.model.__table__
        columns = [table.c[part] for part in key.split("+")]
        living = table.c.deleted_at.is_(None) if "deleted_at" in table.c else sa.true()
        spelt = {tuple(map(_spelling_or, value)): value for value in values}
        found = set()
        for part in chunks(sorted({value[0] for value in values}, key=str)):
            query = sa.select(table.c.id, *columns).where(columns[0].in_(part), living)
            for ident, *there in self.session.execute(query.order_by(table.c.id)):
                value = spelt.get(tuple(map(_spelling_or, there)))
                if value is not None:
                    self.ids.setdefault((key, value), ident)
                    found.add(ident)
        self.see(found)

    def _standing(self, rows: Iterable[Any], *, free: bool) -> list[tuple[Any, int, bool]]:
        """Return (value, record, whether it is deleted), the living first.

        A merged customer is the one that was kept. What is deleted is left out where its value is
        free for another.
        """
        rows = sorted(rows, key=lambda row: row[2] is not None)
        gone = [row[0] for row in rows if row[2] is not None]
        kept = lookup.kept_of(self.session, gone) if self.model is Customer else {}
        told = [
            (row[1], kept.get(row[0], row[0]), row[2] is not None and row[0] not in kept)
            for row in rows
        ]
        return [one for one in told if not (one[2] and free)]

    def _loads(self) -> list[Any]:
        keys = [key for key, one in inputs_for(self.model).items() if one.kind == "lines"]
        keys += ["contacts"] if self.model is Customer else []
        keys += ["tags"] if issubclass(self.model, Tagged) else []
        return [selectinload(getattr(self.model, key)) for key in keys]

    def find(self, keys: Iterable[str], values: dict[str, Any]) -> int | None:
        """Return the key of the record a row means, None for a new one."""
        hits = (self.ids.get((key, values.get(key))) for key in keys if values.get(key))
        return next((hit for hit in hits if hit is not None), None)


def _near(model: Any, key: str, values: Iterable[Any]) -> tuple[Any, Spelling]:
    """Return "it is one of these", and what two spellings of one share.

    A name has many, what may stand once but for its case (85123A) two, anything else one.
    """
    table = model.__table__
    by = sorted_by(table, key)
    if by != key:
        made = [table.c[by].info["derived"].make(value) for value in values]
        return table.c[by].in_([one for one in made if one]), _spelling
    if key in entity_of(model).imports.unique:
        return sa.func.lower(table.c[key]).in_([value.lower() for value in values]), str.lower
    return table.c[key].in_(values), lambda _value: None


def _met(
    rows: list[tuple[Any, int, bool]], values: Iterable[Any], same: Spelling
) -> dict[Any, tuple[int, bool]]:
    """Return value → the record that has exactly it, else the one that has it otherwise spelt."""
    exact: dict[Any, tuple[int, bool]] = {}
    spelt: dict[Any, tuple[int, bool]] = {}
    for value, ident, gone in rows:
        exact.setdefault(value, (ident, gone))
        if isinstance(value, str):
            spelt.setdefault(same(value), (ident, gone))
    known = {value: exact.get(value) or spelt.get(same(value) or value) for value in values}
    return {value: found for value, found in known.items() if found is not None}


def _spelling(value: Any) -> str | None:
    return name_key(value) if isinstance(value, str) else None


def _spelling_or(value: Any) -> Any:
    return _spelling(value) or value


def _stands_once(column: Any) -> bool:
    """Tell whether the schema keeps a value of the column to one row, deleted ones included."""
    single = [index.columns.keys() for index in column.table.indexes if index.unique]
    return bool(column.unique) or [column.key] in single


def compare(one: Planned, record: Any, *, by: Actor, historic: bool) -> None:
    """Note on a planned record what differs from the one that is there, and what stands against it.

    A blank cell changes nothing, and no line that the file does not name is dropped.
    """
    one.id, one.version, one.record = record.id, getattr(record, "row_version", 1), record
    given = {k: v for k, v in one.values.items() if v is not None}
    if one.notes:
        given["remark"] = noted(one, record.remark)
    one.changes |= _differing(record, given)
    owner = given.get("owner_id")
    if owner is not None and owner != getattr(record, "owner_id", owner):
        one.blame("owner_id", "KEPT", _("销售员不随导入更换"), fatal=False)
    for key, rows in one.lines.items():
        _lines(one, record, key, rows)
    sums.follow(one, record)
    if one.changes:
        _against(one, record, by, historic=historic)


def _differing(record: Any, given: Values) -> Values:
    """Return what a record does not say yet; tags are added to those it has."""
    found = {k: v for k, v in given.items() if k not in NEVER and value_of(record, k) != v}
    if "tags" in given:
        had = {tag.name for tag in record.tags}
        found["tags"] = tuple(sorted(had.union(given["tags"])))
        if had.issuperset(given["tags"]):
            del found["tags"]
    return found


def noted(one: Planned, there: str | None = None) -> str:
    """Return the remark of a record with the bad cells it is to tell of, each of them once."""
    remark = one.values.get("remark") or there or ""
    new = [f"{caption}：{text}" for caption, text in one.notes]
    return "；".join(filter(None, (remark, *(text for text in new if text not in remark))))


def _lines(one: Planned, record: Any, key: str, rows: list[Values]) -> None:
    told = one.told[key]
    if key == "allocations":
        _shares(one, record, told)
        return
    there = [] if sums.is_own_plan(record, key) else getattr(record, key)
    met = line_matching.meet(key, there, rows, told[0].target.existing)
    for n in met.unclear:
        reason = _("已有多行与此行相近：请在列对应文件中用 existing 写明是增加还是替换")
        line_matching.blame(told[n], key, line_matching.TOLD_BY[key], reason, "LINES_UNCLEAR")
    if met.added or met.changed:
        one.changes[key] = met.rows
        reason = _("明细：新增 %(a)s 行，更改 %(b)s 行", a=met.added, b=met.changed)
        caption = inputs_for(one.model)[key].facts.caption
        row = told[0]
        row.problems.append(Problem(row.line, str(caption), "", "LINES", reason, fatal=False))


def _shares(one: Planned, record: Any, told: list[FileRow]) -> None:
    """Refuse more on a day than a payment settles there; what it names no day for may too."""
    left = collections.Counter[Any]()
    for part in record.allocations:
        left[part.plan.due_on] += part.amount
    for row, line in zip(told, one.lines["allocations"], strict=True):
        left[line.get("due_on")] -= line.get("amount") or 0
        if left[line.get("due_on")] < 0:
            reason = _("已登记的回款不能改变分摊")
            line_matching.blame(row, "allocations", "amount", reason, "LOCKED")


def _against(one: Planned, record: Any, by: Actor, *, historic: bool) -> None:
    if getattr(record, "approval", None) is Approval.pending:
        one.blame("", "LOCKED", _("审批中的记录不能修改，请先撤回"))
        return
    if historic and (by.system or getattr(record, "external_ref", None)):
        return  # a past that came in by import is corrected by import, under the same right
    if not by.system and not may_write(by, "edit", record):
        one.blame("", "FORBIDDEN", _("您没有修改此记录的权限"))
    # controlled fields of an approved record become a change request
