"""Shaping a table: sorting with blanks last, totals over all rows, one page of records.

Grouped tables are small frames that pandas sorts and adds up; detail tables are paged and added
up by the database. Both come out as the same Table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from dashboards.core import names
from dashboards.core.columns import CHANGED, TableColumn, derive, missing
from dashboards.core.query import CockpitQuery
from dashboards.core.sql import frame, record

WHOLE = "whole"  # the key of a share's denominator
CHUNK = 1000  # records of an export in memory at a time
Record = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """One page of a summary: `records` hold raw values (分, dates, members) and hidden ids."""

    columns: tuple[TableColumn, ...]
    records: list[Record]
    count: int
    totals: Record
    query: CockpitQuery  # with the page brought back to the last one
    frame: pd.DataFrame  # of a grouped table all rows, for its charts


@dataclasses.dataclass(frozen=True, slots=True)
class Detail:
    """A table the database pages.

    `rows` selects every column, filtered but unsorted; `order` maps a sort key to its expression;
    `tie` is the primary key; `totals` selects one row with `count`. `ids`, where given, selects
    only the tie for the same rows: picking keys first and joining after is 10 times faster.
    """

    rows: Select[Any]
    order: dict[str, Any]
    tie: Any
    totals: Select[Any]
    ids: Select[Any] | None = None


def grouped(
    data: pd.DataFrame,
    columns: tuple[TableColumn, ...],
    query: CockpitQuery,
    tiles: tuple[TableColumn, ...] = (),
) -> Table:
    """Return the page of a grouped frame, which needs a column `id` as the tie-break.

    The totals are those of the columns and of the tiles as far as the frame has them.
    """
    query = fitted(query, len(data))
    ordered = in_order(data, columns, query)
    page = ordered.iloc[query.start : query.start + query.size]
    totals = {"count": len(data)} | added_up(data, (*tiles, *columns))
    return dataclasses.replace(shaped(page, columns, query, totals), count=len(data), frame=ordered)


def shaped(
    page: pd.DataFrame, columns: tuple[TableColumn, ...], query: CockpitQuery, totals: Record
) -> Table:
    """Return the table of a page's rows; `totals` say how many rows there are (`count`)."""
    return Table(
        columns=columns,
        records=told(page, columns),
        count=int(totals["count"]),
        totals=derive(totals, columns),
        query=query,
        frame=page,
    )


def told(data: pd.DataFrame, columns: tuple[TableColumn, ...]) -> list[Record]:
    """Return the rows of a frame as the viewer may read them."""
    return masked([derive(row, columns) for row in data.to_dict("records")], columns)


def in_order(
    data: pd.DataFrame, columns: tuple[TableColumn, ...], query: CockpitQuery
) -> pd.DataFrame:
    """Return the frame sorted by the query's column, blanks last both ways, then id downwards."""
    column = next(c for c in columns if c.key == query.sort_key)
    values = _changes(data, columns, column) if column.type in CHANGED else _values(data, column)
    keys = pd.DataFrame({"value": values, "tie": _tie(data)}, index=data.index)
    keys["blank"] = keys["value"].isna()
    keys = keys.sort_values(
        ["blank", "value", "tie"], ascending=[True, not query.down, False], kind="stable"
    )
    return data.loc[keys.index].reset_index(drop=True)


def _changes(
    data: pd.DataFrame, columns: tuple[TableColumn, ...], column: TableColumn
) -> pd.Series:
    needed = (*(c for c in columns if c.key in (column.of or ())), column)
    found = (derive(row, needed)[column.key] for row in data.to_dict("records"))
    return pd.Series(
        [None if one is None else float(one) for one in found], index=data.index, dtype="float64"
    )


def _values(data: pd.DataFrame, column: TableColumn) -> pd.Series:
    if not {*(column.of or (column.key,))} <= {*data}:  # nothing to compare with
        return pd.Series(index=data.index, dtype="float64")
    if column.of is not None:
        part, whole = (pd.to_numeric(data[key]) for key in column.of)
        return part / whole.where(whole != 0)
    if column.type == "enum":
        return data[column.key].map(_ordinal)
    if column.private and "opened" in data:
        return data[column.key].where(data["opened"].astype(bool))
    return pd.to_numeric(data[column.key]) if column.numeric else data[column.key]


def _tie(data: pd.DataFrame) -> pd.Series:
    numbers = data["id"].map(lambda v: isinstance(v, int)).all()
    return pd.to_numeric(data["id"]) if numbers and len(data) else data["id"].map(str)


def added_up(data: pd.DataFrame, columns: tuple[TableColumn, ...]) -> Record:
    """Return the totals over all rows: sums, maxima, and the sums that ratios are made of."""
    found: Record = {}
    for column in columns:
        if not {*(column.of or (column.key,))} <= {*data}:
            continue
        if column.summing == "sum":
            found[column.key] = _sum(data, column.key)
        elif column.summing == "max":
            found[column.key] = _largest(data, column.key) or 0
        elif column.summing == "known":
            found[column.key] = _known(data, column.key)
        for key in column.of or ():
            # `whole` stands in every row: it is the sum already.
            found.setdefault(key, _largest(data, key) if key.startswith(WHOLE) else _sum(data, key))
    return found


def _largest(data: pd.DataFrame, key: str) -> Any:
    return max((v for v in data[key] if not missing(v)), default=None)


def _known(data: pd.DataFrame, key: str) -> int | None:
    """Return the sum of what is known, None where nothing is."""
    return None if all(map(missing, data[key])) else _sum(data, key)


def _sum(data: pd.DataFrame, key: str) -> int:
    return int(sum(v for v in data[key] if not missing(v)))


def paged(
    session: Session, detail: Detail, columns: tuple[TableColumn, ...], query: CockpitQuery
) -> Table:
    """Return the page of a detail table: one statement for the totals, one for the rows."""
    totals = record(session, detail.totals)
    query = fitted(query, int(totals["count"]))
    return shaped(frame(session, _page(detail, query)), columns, query, totals)


def _page(detail: Detail, query: CockpitQuery) -> Select[Any]:
    order = order_by(detail, query)
    if detail.ids is None:
        return detail.rows.order_by(*order).limit(query.size).offset(query.start)
    picked = detail.ids.order_by(*order).limit(query.size).offset(query.start).subquery()
    return detail.rows.where(detail.tie.in_(sa.select(picked.c[0]))).order_by(*order)


def order_by(detail: Detail, query: CockpitQuery) -> list[Any]:
    """Return ORDER BY with blanks last both ways, written out, and the key downwards as tie."""
    value = detail.order[query.sort_key]
    return [
        sa.case((value.is_(None), 1), else_=0),
        value.desc() if query.down else value.asc(),
        detail.tie.desc(),
    ]


def streamed(
    session: Session, detail: Detail, columns: tuple[TableColumn, ...], query: CockpitQuery
) -> Iterator[Record]:
    """Yield all filtered records of a detail table, a thousand in memory at a time."""
    statement = detail.rows.order_by(*order_by(detail, query))
    options = {"yield_per": CHUNK}
    result = session.connection().execute(statement, execution_options=options)
    for part in result.mappings().partitions():
        yield from masked([derive(dict(row), columns) for row in part], columns)


def masked(records: list[Record], columns: tuple[TableColumn, ...]) -> list[Record]:
    """Hide name, contact and link of customers the viewer can no longer open; figures stay."""
    private = [column for column in columns if column.private]
    hidden = {column.link[1] for column in columns if column.link}
    for row in records:
        if row.get("opened", True):
            continue
        for column in private:
            row[column.key] = names.hidden(row, column.key) if column.type == "text" else None
        for key in hidden:
            row[key] = None
    return records


def fitted(query: CockpitQuery, count: int) -> CockpitQuery:
    """Return the query on the last page when the asked one lies beyond it."""
    last = max((count + query.size - 1) // query.size, 1)
    return query if query.page <= last else dataclasses.replace(query, page=last)


def _ordinal(value: Any) -> int | None:
    """Return the place of a member in its enum: what enums are sorted by."""
    if missing(value):
        return None
    return [*value.__class__].index(value)
