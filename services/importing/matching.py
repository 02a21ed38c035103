"""Rows that are known already: found by key, compared, left alone or changed."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session, selectinload

import models as m
from services.actor import Actor
from services.gate import may_write
from services.importing import lining, sums
from services.importing.finding import chunks
from services.importing.mapping import inputs_for
from services.importing.plan import Planned, Values
from services.importing.problems import Problem
from services.records import value_of

NEVER = {"external_ref", "code", "owner_id", "created_at"}  # stamps, numbers, hand-overs
NEVER |= {"next_at", "next_kind", "next_content"}  # a plan is made with its follow-up


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
        table = self.model.__table__
        free = not _stands_once(table.c[key])
        deleted = table.c.deleted_at if "deleted_at" in table.c else sa.null()
        found: set[int] = set()
        for chunk in chunks(sorted({v for v in values if v is not None}, key=str)):
            query = sa.select(table.c.id, table.c[key], deleted).where(table.c[key].in_(chunk))
            rows = self.session.execute(query).all()
            for ident, value, when in sorted(rows, key=lambda row: row[2] is None):  # alive wins
                if when is not None and free and not self._merged(ident):
                    continue
                self.ids[key, value] = ident
                if when is not None:
                    self.gone.add(ident)
                found.add(ident)
        for part in chunks(sorted(found - self.records.keys())):
            query = sa.select(self.model).where(self.model.id.in_(part)).options(*self._loads())
            self.records |= {record.id: record for record in self.session.scalars(query)}

    def _merged(self, ident: int) -> bool:
        merge: Any = m.CustomerMerge.__table__
        mine = sa.select(merge.c.id).where(merge.c.dropped_id == ident).limit(1)
        return self.model is m.Customer and self.session.execute(mine).first() is not None

    def _loads(self) -> list[Any]:
        keys = list(getattr(self.model, "__lines__", ()))
        keys += ["contacts"] if self.model is m.Customer else []
        return [selectinload(getattr(self.model, key)) for key in keys]

    def find(self, keys: Iterable[str], values: dict[str, Any]) -> int | None:
        """Return the key of the record a row means, None for a new one."""
        hits = (self.ids.get((key, values.get(key))) for key in keys if values.get(key))
        return next((hit for hit in hits if hit is not None), None)


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
    for key, value in given.items():
        if key not in NEVER and value_of(record, key) != value:
            one.changes[key] = value
    owner = given.get("owner_id")
    if owner is not None and owner != getattr(record, "owner_id", owner):
        one.blame("owner_id", "KEPT", _("销售员不随导入更换"), fatal=False)
    for key, rows in one.lines.items():
        _lines(one, record, key, rows)
    sums.follow(one, record)
    if one.changes:
        _against(one, record, by, historic=historic)


def _lines(one: Planned, record: Any, key: str, rows: list[Values]) -> None:
    told = one.told[key]
    there = [] if sums.is_own_plan(record, key) else getattr(record, key)
    met = lining.meet(key, there, rows, told[0].target.existing)
    for n in met.unclear:
        reason = _("已有多行与此行相近：请在映射中用 existing 写明是增加还是替换")
        lining.blame(told[n], key, lining.TOLD_BY[key], reason, "LINES_UNCLEAR")
    if met.added or met.changed:
        one.changes[key] = met.rows
        reason = _("明细：新增 %(a)s 行，更改 %(b)s 行", a=met.added, b=met.changed)
        caption = inputs_for(one.model)[key].facts.caption
        row = told[0]
        row.problems.append(Problem(row.line, str(caption), "", "LINES", reason, fatal=False))


def _against(one: Planned, record: Any, by: Actor, *, historic: bool) -> None:
    if getattr(record, "approval", None) is m.Approval.pending:
        one.blame("", "LOCKED", _("审批中的记录不能修改，请先撤回"))
        return
    if historic and (by.system or getattr(record, "external_ref", None)):
        return  # a past that came in by import is corrected by import, under the same right
    if not by.system and not may_write(by, "edit", record):
        one.blame("", "FORBIDDEN", _("您没有修改此记录的权限"))
    # controlled fields of an approved record become a change request
