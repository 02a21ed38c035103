"""Rows that are sums by a key of many values: sorted, paged and added up by the database.

A page reads its own rows and one row of totals, whatever lies behind it; a frame of all rows costs
Python as much as the company has customers. Names are joined to the rows of the page alone, except
where the page is sorted by one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from dashboards.core.columns import CHANGED, TableColumn
from dashboards.core.query import BASE, CockpitQuery
from dashboards.core.sql import count_if, total, whole
from dashboards.core.table import CHUNK, WHOLE, Record, Table, fitted, shaped, told

ID = "id"  # the key of a row; 0 is what lies beside the rows
BESIDE = "beside"  # among the totals: how many such rows there are
ADDED = "added "  # before the names of totals in a row


def _as_they_are(_session: Session, data: pd.DataFrame) -> pd.DataFrame:
    return data


@dataclasses.dataclass(frozen=True, slots=True)
class PagedGroups:
    """Sums by key.

    `sums` selects the key as `id` and the parts of measures; `names` adds to rows of it what they
    are called, and whether the viewer may open them (`opened`). `share_of` is the column whose
    total is the whole of shares. `finish` gives a page what no statement knows.
    """

    sums: Select[Any]
    names: Callable[[Any], Select[Any]]
    share_of: str = ""
    finish: Callable[[Session, pd.DataFrame], pd.DataFrame] = _as_they_are


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    """The sums as a CTE, and how they are sorted."""

    groups: PagedGroups
    sums: Any
    columns: Mapping[str, TableColumn]
    query: CockpitQuery

    def order(self, rows: Any) -> list[Any]:
        """Return ORDER BY with blanks last both ways, written out, and the key downwards."""
        value, tie = self._value(rows, self.query.sort_key), rows.c[ID].desc()
        if value is None:
            return [tie]
        blank = sa.case((value.is_(None), 1), else_=0)
        return [blank, value.desc() if self.query.down else value.asc(), tie]

    def _value(self, rows: Any, key: str) -> Any:
        """Return what a column is sorted by; None where nothing is there to compare with."""
        column = self.columns.get(key)
        if key in (WHOLE, f"{WHOLE}{BASE}"):
            return self._whole(key.removeprefix(WHOLE))
        if column is not None and column.of is not None:
            part, of = (self._value(rows, one) for one in column.of)
            return None if part is None or of is None else _derived(column, part, of)
        if key not in rows.c:
            return None
        return rows.c[key] if column is None else _plain(rows, column)

    def _whole(self, end: str) -> Any:
        name = f"{self.groups.share_of}{end}"
        if name not in self.sums.c:
            return None
        return sa.select(total(self.sums.c[name])).scalar_subquery()

    def sortable(self) -> bool:
        """Tell whether the sums alone know the order."""
        column = self.columns[self.query.sort_key]
        return column.of is not None or (column.key in self.sums.c and not column.private)

    def picked(self, rows: Any) -> Select[Any]:
        """Return the rows of the page."""
        start, size = self.query.start, self.query.size
        return sa.select(rows).order_by(*self.order(rows)).limit(size).offset(start)

    def page(self) -> Any:
        """Return the rows of the page with their names."""
        if self.sortable():
            return self.groups.names(self.picked(self.sums).cte("picked")).cte("page")
        return self.picked(self.groups.names(self.sums).cte("named")).cte("page")


def _derived(column: TableColumn, part: Any, of: Any) -> Any:
    if column.type == "points":
        return part - of
    if column.type in CHANGED:
        return sa.cast(part - of, sa.Float) / sa.func.nullif(sa.func.abs(of), 0)
    return sa.cast(part, sa.Float) / sa.func.nullif(of, 0)


def _plain(rows: Any, column: TableColumn) -> Any:
    """Return a column as it is sorted: enums by their order, hidden names as blanks."""
    value = rows.c[column.key]
    if column.type == "enum":
        members = [*value.type.enum_class]
        return sa.case(*((value == member, place) for place, member in enumerate(members)))
    return sa.case((rows.c.opened, value)) if column.private else value


def read(
    session: Session,
    groups: PagedGroups,
    columns: tuple[TableColumn, ...],
    query: CockpitQuery,
    tiles: tuple[TableColumn, ...] = (),
) -> Table:
    """Return a page with the totals of its columns and of the tiles: one statement."""
    asked = _Asked(groups, groups.sums.cte("sums"), {c.key: c for c in columns}, query)
    added = _added(asked, (*tiles, *columns)).cte("added")
    page = asked.page()
    both = sa.select(added, page).select_from(added.outerjoin(page, sa.true()))
    found = session.connection().execute(both.order_by(*asked.order(page))).mappings().all()
    totals = {k.removeprefix(ADDED): v for k, v in found[0].items() if k.startswith(ADDED)}
    asked_for = fitted(query, int(totals["count"]))
    if asked_for.page != query.page:
        return read(session, groups, columns, asked_for, tiles)
    names = [key for key in found[0] if not key.startswith(ADDED)]
    rows = [tuple(row[key] for key in names) for row in found if row[ID] is not None]
    data = _finished(session, groups, pd.DataFrame(rows, columns=names, dtype=object), totals)
    return shaped(data, columns, asked_for, totals)


def _finished(
    session: Session, groups: PagedGroups, data: pd.DataFrame, totals: Record
) -> pd.DataFrame:
    for key in (WHOLE, f"{WHOLE}{BASE}"):
        if key in totals:
            data[key] = pd.Series([totals[key]] * len(data), index=data.index, dtype=object)
    return groups.finish(session, data)


def _added(asked: _Asked, columns: tuple[TableColumn, ...]) -> Select[Any]:
    """Return one row: how many rows there are, and the totals of the columns that have some."""
    sums = asked.sums
    found: dict[str, Any] = {"count": sa.func.count(), BESIDE: count_if(sums.c[ID] == 0)}
    for column in columns:
        if column.of is None and column.key in sums.c and column.summing in {"sum", "max"}:
            one = sums.c[column.key]
            found[column.key] = total(one) if column.summing == "sum" else whole(sa.func.max(one))
        for key in column.of or ():
            if key in sums.c:
                found.setdefault(key, total(sums.c[key]))
    share = asked.groups.share_of
    for end in ("", BASE):
        if share and f"{share}{end}" in sums.c:
            found[f"{WHOLE}{end}"] = total(sums.c[f"{share}{end}"])
    return sa.select(*(one.label(f"{ADDED}{key}") for key, one in found.items()))


def streamed(
    session: Session, groups: PagedGroups, columns: tuple[TableColumn, ...], query: CockpitQuery
) -> Iterator[Record]:
    """Yield all records, a thousand in memory at a time."""
    asked = _Asked(groups, groups.sums.cte("sums"), {c.key: c for c in columns}, query)
    added = session.connection().execute(_added(asked, columns)).mappings().one()
    totals = {key.removeprefix(ADDED): value for key, value in added.items()}
    named = groups.names(asked.sums).cte("named")
    statement = sa.select(named).order_by(*asked.order(named))
    result = session.connection().execute(statement, execution_options={"yield_per": CHUNK})
    for part in result.partitions():
        rows = pd.DataFrame(part, columns=list(result.keys()), dtype=object)
        yield from told(_finished(session, groups, rows, totals), columns)


def greatest(
    session: Session, groups: PagedGroups, found: Table, key: str, most: int
) -> tuple[pd.DataFrame, int]:
    """Return the rows with the most of a sum, and how many rows there are, without those beside.

    A page that shows them is not read again.
    """
    count = found.count - int(found.totals.get(BESIDE, 0))
    own = found.frame[found.frame[ID].map(bool)]
    query, known = found.query, len(found.frame) == found.count
    if known or (query.page == 1 and query.sort == f"-{key}" and query.size >= most):
        ranked = own.assign(rank=pd.to_numeric(own[key])).sort_values(
            "rank", ascending=False, kind="stable"
        )
        return ranked.iloc[:most], count
    sums = groups.sums.cte()
    order = [sums.c[key].desc(), sums.c[ID].desc()]
    picked = sa.select(sums).where(sums.c[ID] != 0).order_by(*order).limit(most).cte("picked")
    named = groups.names(picked).cte()
    ordered = sa.select(named).order_by(named.c[key].desc(), named.c[ID].desc())
    result = session.connection().execute(ordered)
    data = pd.DataFrame(result.all(), columns=list(result.keys()), dtype=object)
    return groups.finish(session, data), count
