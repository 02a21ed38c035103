"""The numbers of a pivot: cells, subtotals and the grand total, each asked of the database.

No total is a sum of cells, so that ratios, distinct counts and what stands in two columns are right
in all of them. Keys beyond the top stand in one row or column 其他, which is asked for too.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards.core.charts import key_text
from dashboards.core.columns import TableColumn, derive, missing
from dashboards.core.sql import frame
from dashboards.measures.declared import Dimension, Key, Relation
from dashboards.measures.keyed import Ask, keyed
from dashboards.pivot.labels import labels
from dashboards.pivot.state import Pivot
from services.rights.actor import Actor

MOST_STEPS = 60  # keys of a dimension that goes by its order: five years of months
REST = "\0rest"  # the key of 其他
Record = dict[str, Any]
Cells = dict[tuple[str, str], Record]


@dataclasses.dataclass(frozen=True, slots=True)
class PivotLine:
    """A row or a column: its key as a text, its label, and the key that it stands for."""

    text: str
    label: str
    key: Any
    rest: bool = False
    opened: bool = True  # what cannot be opened has no link


@dataclasses.dataclass(frozen=True, slots=True)
class PivotTable:
    """Rows × columns; a place without a row, a column or both is a total."""

    rows: tuple[PivotLine, ...]
    cols: tuple[PivotLine, ...]
    columns: tuple[TableColumn, ...]  # one a measure
    cells: Mapping[tuple[str, str], Record]
    count: int  # keys of the rows, those of 其他 too

    def at(self, row: PivotLine | None, col: PivotLine | None) -> Record:
        """Return the numbers of a place."""
        return self.cells.get((row.text if row else "", col.text if col else ""), {})


def read(session: Session, actor: Actor, pivot: Pivot) -> PivotTable:
    """Return the table of a pivot."""
    return _Reading(session, actor, pivot).table()


class _Reading:
    def __init__(self, session: Session, actor: Actor, pivot: Pivot) -> None:
        self.session, self.actor, self.pivot = session, actor, pivot
        self.columns = tuple(one.named for one in pivot.measures)
        self.asks = [Ask(pivot.query, pivot.measures, whole=True)]

    def table(self) -> PivotTable:
        """Return the lines of both dimensions and the numbers of every place."""
        pivot = self.pivot
        cells = self._read((), ())
        rows, count = self._lines(pivot.rows, cells, lambda text: (text, ""))
        cols: tuple[PivotLine, ...] = ()
        if pivot.cols is not None:
            cols, _all = self._lines(pivot.cols, cells, lambda text: ("", text))
        if cols:
            cells |= self._read(rows, cols)
        return PivotTable(rows, cols, self.columns, cells, count)

    def _lines(
        self, dimension: Dimension, cells: Cells, place: Callable[[str], tuple[str, str]]
    ) -> tuple[tuple[PivotLine, ...], int]:
        """Return the keys of a dimension that are shown, with their labels, and how many are.

        Their totals go into the cells.
        """
        data = frame(self.session, keyed(self.actor, self.asks, {"key": dimension.column}))
        known = {row["key"]: self._derived(row) for row in data.to_dict("records")}
        cells |= {place(key_text(key)): row for key, row in known.items()}
        lines = self._shown(dimension, {k: v.get(self.columns[0].key) for k, v in known.items()})
        rest = len(known) - len(lines)
        if rest:
            lines.append(PivotLine(REST, _("其他（%(n)s 项）", n=rest), None, rest=True))
            both = (tuple(lines), ()) if place("x")[0] else ((), tuple(lines))
            cells |= self._read(*both)
        return tuple(lines), len(known)

    def _shown(self, dimension: Dimension, sizes: dict[Any, Any]) -> list[PivotLine]:
        """Return the largest by the first measure, in their own order where there is one."""
        keys = sorted(sizes, key=lambda k: (missing(sizes[k]), -(sizes[k] or 0), key_text(k)))
        keys = keys[: MOST_STEPS if dimension.ordered else self.pivot.top]
        known = labels(self.session, self.actor, dimension, keys)
        if dimension.ordered:
            keys.sort(key=lambda k: known[k].order)
        return [PivotLine(key_text(k), known[k].text, k, opened=known[k].opened) for k in keys]

    def _read(self, rows: tuple[PivotLine, ...], cols: tuple[PivotLine, ...]) -> Cells:
        """Return the cells, or the totals of rows or columns where only those are given."""
        pivot, keys, by = self.pivot, dict[str, Key](), []
        for name, lines, dimension in (("r", rows, pivot.rows), ("c", cols, pivot.cols)):
            if lines and dimension:
                keys |= _kept(name, dimension.column, lines)
                by.append(dimension.column)
        data = frame(self.session, keyed(self.actor, self.asks, keys, by))
        return {
            (_place(row, "r"), _place(row, "c")): self._derived(row)
            for row in data.to_dict("records")
        }

    def _derived(self, row: Record) -> Record:
        return derive(row, self.columns)


def _kept(name: str, column: Key, lines: tuple[PivotLine, ...]) -> dict[str, Key]:
    """Return the key, blank for 其他, and the mark that tells it from a blank key."""
    if not lines[-1].rest:
        return {name: column}
    keys = [line.key for line in lines[:-1]]

    def kept(relation: Relation) -> Any:
        found = column(relation).in_([key for key in keys if not missing(key)])
        return sa.or_(found, column(relation).is_(None)) if any(map(missing, keys)) else found

    return {
        name: lambda r: sa.case((kept(r), column(r))),
        f"{name}_rest": lambda r: sa.case((kept(r), 0), else_=1),
    }


def _place(row: Record, name: str) -> str:
    if name not in row:
        return ""
    return REST if row.get(f"{name}_rest") else key_text(row[name])
