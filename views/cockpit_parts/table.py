"""The table: every cell with its text, its record, its drill and the filter it sets."""

import dataclasses
from typing import Any
from urllib.parse import parse_qsl

from flask import url_for
from flask_babel import gettext as _

from dashboards.charts import key_text
from dashboards.columns import Column, missing, shown
from dashboards.query import COMMON, ORDER, SIZES, CockpitQuery
from dashboards.table import Table as Found
from services.texts import yuan

CUT = 80  # characters of a long text that stand in the table


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """A column's head: the link that sorts by it, None where nothing can."""

    label: str
    help: str
    url: str | None
    order: str  # ascending, descending, none
    numeric: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """A cell; `url` opens a record or a summary, `narrow` sets (or removes) a filter."""

    text: str
    label: str
    numeric: bool
    exact: str = ""
    rest: str = ""  # a long text's whole
    url: str = ""
    narrow: str = ""
    on: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Heads, rows, totals and the pages around."""

    heads: list[Head]
    rows: list[list[Cell]]
    totals: list[Cell]
    label: str
    page: int
    last: int
    size: int
    previous: str
    following: str
    sizes: list[tuple[int, str]]


def stamp(query: CockpitQuery) -> str:
    """Return the moment of the page as a parameter, so that what it opens equals it."""
    return query.as_of.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def total_label(count: int) -> str:
    """Return what the totals row says it adds up."""
    return _("合计（全部筛选结果 %(n)s 条）", n=f"{count:,}")


def make(found: Found) -> Table:
    """Return the table of a page."""
    query, columns = found.query, found.columns
    last = max((found.count + query.size - 1) // query.size, 1)
    return Table(
        heads=[_head(column, query) for column in columns],
        rows=[[_cell(record, c, query) for c in columns] for record in found.records],
        totals=[_total(found.totals, c, query) for c in columns],
        label=total_label(found.count),
        page=query.page,
        last=last,
        size=query.size,
        previous=f"?{query.string(page=query.page - 1)}" if query.page > 1 else "",
        following=f"?{query.string(page=query.page + 1)}" if query.page < last else "",
        sizes=[(size, f"?{query.string(size=size, page=None)}") for size in SIZES],
    )


def _head(column: Column, query: CockpitQuery) -> Head:
    here = query.sort_key == column.key
    order = ("descending" if query.down else "ascending") if here else "none"
    # Numbers are asked for from the top, names from the start.
    first = f"-{column.key}" if column.numeric else column.key
    other = column.key if column.numeric else f"-{column.key}"
    sort = other if here and query.sort == first else first
    url = f"?{query.string(sort=sort, page=None)}" if column.sortable else None
    return Head(str(column.label), str(column.help), url, order, column.numeric)


def _cell(record: dict[str, Any], column: Column, query: CockpitQuery) -> Cell:
    value = record.get(column.key)
    text = shown(value, column, query.unit)
    long = column.type == "long" and len(text) > CUT
    narrow, on = _narrow(record, column, query)
    return Cell(
        text=f"{text[:CUT]}…" if long else text,
        label=str(column.label),
        numeric=column.numeric,
        exact=_exact(value, column, query),
        rest=text if long else "",
        url=_opens(record, column, query),
        narrow=narrow,
        on=on,
    )


def _total(totals: dict[str, Any], column: Column, query: CockpitQuery) -> Cell:
    value = totals.get(column.key)
    known = column.key in totals and (column.numeric or not missing(value))
    text = shown(value, column, query.unit) if known else ""
    return Cell(text, str(column.label), column.numeric, _exact(value, column, query))


def _exact(value: Any, column: Column, query: CockpitQuery) -> str:
    if column.type != "money" or missing(value) or query.unit == "yuan":
        return ""
    return f"{yuan(int(value))} {_('元')}"


def _opens(record: dict[str, Any], column: Column, query: CockpitQuery) -> str:
    """Return the address of the record or of the rows behind a number."""
    if column.link and not missing(record.get(column.link[1])):
        return url_for(f"{column.link[0]}.details_view", id=int(record[column.link[1]]))
    if not column.drill or missing(record.get("customer_id")) or not record.get(column.key):
        return ""
    key, _mark, wanted = column.drill.format(**record).partition("?")
    kept = {k: v for k, v in query.params.items() if k in COMMON and k != "size"}
    given = dict(parse_qsl(wanted))
    if "from" in given:
        kept.pop("preset", None)
    merged = kept | given | {"as_of": stamp(query)}
    state = "&".join(f"{k}={merged[k]}" for k in ORDER if k in merged)
    return f"{url_for('cockpit.page', key=key)}?{state}"


def _narrow(record: dict[str, Any], column: Column, query: CockpitQuery) -> tuple[str, bool]:
    """Return the address that filters by this cell, or no longer does, and whether it does."""
    if not column.narrow:
        return "", False
    name, key = column.narrow
    value = record.get(key)
    if missing(value) and column.key != "label":
        return "", False
    text = key_text(value)
    on = query.params.get(name) == text
    return f"?{query.string(**{name: None if on else text, 'page': None})}", on
