"""The table: every cell with its text, its record, its drill and the filter it sets."""

import dataclasses
import functools
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus, urlencode

from flask import url_for
from flask_babel import gettext as _

from dashboards.core import drills
from dashboards.core.charts import key_text
from dashboards.core.columns import TableColumn, missing, shown
from dashboards.core.parameters import LOOKS
from dashboards.core.query import CockpitQuery
from dashboards.core.table import Table as Found
from dashboards.core.values import SIZES
from dashboards.files.lines import total_label
from dashboards.marks import Mark
from dashboards.pages import LONGEST_WAY, SUMMARIES
from services.core.texts import yuan

CUT = 80  # characters of a long text that stand in the table


@dataclasses.dataclass(frozen=True, slots=True)
class TableHead:
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
    share: int = 0  # of the largest on the page, in percent, where the column has bars
    mark: Mark | None = None  # the limit that it reaches

    @property
    def title(self) -> str:
        """Return what stands behind the number: all of it, and why it stands out."""
        return " · ".join(filter(None, (self.exact, self.mark.said if self.mark else "")))


@dataclasses.dataclass(frozen=True, slots=True)
class ShownTable:
    """Heads, rows, totals and the pages around."""

    heads: list[TableHead]
    rows: list[list[Cell]]
    totals: list[Cell]
    label: str
    page: int
    last: int
    size: int
    previous: str
    following: str
    sizes: list[tuple[int, str]]
    marks: dict[str, Mark]  # by the keys of their columns


@dataclasses.dataclass(frozen=True, slots=True)
class _Drawn:
    """What all cells of a table share, found once: captions are translated, the way back quoted."""

    query: CockpitQuery
    via: str
    labels: dict[str, str]
    most: dict[str, Any]  # of the columns with bars, the largest value on the page
    marks: dict[str, Mark]

    def mark(self, value: Any, column: TableColumn) -> Mark | None:
        """Return the limit of a column where a value reaches it."""
        found = self.marks.get(column.key)
        return found if found and found.reached(value) else None


def stamp(query: CockpitQuery) -> str:
    """Return the moment of the page as a parameter, so that its charts equal it."""
    return query.as_of.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def make(found: Found) -> ShownTable:
    """Return the table of a page."""
    query = found.query
    columns = SUMMARIES[query.summary].shown(query)
    drawn = _Drawn(
        query=query,
        via=quote_plus(way_back(query)),
        labels={column.key: str(column.label) for column in columns},
        most={key: _most(found, key) for key in query.bars},
        marks={mark.column.key: mark for mark in query.marks},
    )
    last = max((found.count + query.size - 1) // query.size, 1)
    return ShownTable(
        heads=[_head(column, query) for column in columns],
        rows=[[_cell(record, c, drawn) for c in columns] for record in found.records],
        totals=[_total(found.totals, c, drawn) for c in columns],
        label=total_label(found.count),
        page=query.page,
        last=last,
        size=query.size,
        previous=f"?{query.string(page=query.page - 1)}" if query.page > 1 else "",
        following=f"?{query.string(page=query.page + 1)}" if query.page < last else "",
        sizes=[(size, f"?{query.string(size=size, page=None)}") for size in SIZES],
        marks=drawn.marks,
    )


def _head(column: TableColumn, query: CockpitQuery) -> TableHead:
    here = query.sort_key == column.key
    order = ("descending" if query.down else "ascending") if here else "none"
    # Numbers are asked for from the top, names from the start.
    first = f"-{column.key}" if column.numeric else column.key
    other = column.key if column.numeric else f"-{column.key}"
    sort = other if here and query.sort == first else first
    url = f"?{query.string(sort=sort, page=None)}" if column.sortable else None
    return TableHead(str(column.label), str(column.help), url, order, column.numeric)


def _most(found: Found, key: str) -> Any:
    """Return the largest value of a column on the page."""
    values = [record.get(key) for record in found.records]
    return max((v for v in values if not missing(v) and isinstance(v, int | Decimal)), default=0)


def _share(value: Any, most: Any) -> int:
    if missing(value) or not most or not isinstance(value, int | Decimal):
        return 0
    return max(int(value * 100 / most), 0)


def _cell(record: dict[str, Any], column: TableColumn, drawn: _Drawn) -> Cell:
    value, query = record.get(column.key), drawn.query
    text = shown(value, column, query.unit)
    long = column.type == "long" and len(text) > CUT
    narrow, on = _narrow(record, column, query)
    return Cell(
        text=f"{text[:CUT]}…" if long else text,
        label=drawn.labels[column.key],
        numeric=column.numeric,
        exact=_exact(value, column, query),
        rest=text if long else "",
        url=_opens(record, column, query, drawn.via),
        narrow=narrow,
        on=on,
        share=_share(value, drawn.most.get(column.key, 0)),
        mark=drawn.mark(value, column),
    )


def _total(totals: dict[str, Any], column: TableColumn, drawn: _Drawn) -> Cell:
    value, query = totals.get(column.key), drawn.query
    known = column.key in totals and (column.numeric or not missing(value))
    text = shown(value, column, query.unit) if known else ""
    there = known and column.drill and drills.has_rows(value, column)
    url = (
        drilled(column, query, drills.total_filter(column))
        if there and ":" not in column.drill
        else ""
    )
    exact, mark = _exact(value, column, query), drawn.mark(value, column)
    return Cell(text, str(column.label), column.numeric, exact, url=url, mark=mark)


def _exact(value: Any, column: TableColumn, query: CockpitQuery) -> str:
    if column.type != "money" or missing(value) or query.unit == "yuan":
        return ""
    return f"{yuan(int(value))} {_('元')}"


def _opens(record: dict[str, Any], column: TableColumn, query: CockpitQuery, via: str = "") -> str:
    """Return the address of the record or of the rows behind a number."""
    if column.link and not missing(record.get(column.link[1])):
        return url_for(f"{column.link[0]}.details_view", id=int(record[column.link[1]]))
    if not column.drill or not drills.has_rows(record.get(column.key), column):
        return ""
    if ":" in column.drill:
        found = drills.of_grid(column.drill, record, query)
        return f"{url_for(f'{found[0]}.index_view')}?{found[1]}" if found else ""
    row = drills.cell_filter(column, record, query)
    return "" if row is None else drilled(column, query, row, via)


def way_back(query: CockpitQuery) -> str:
    """Return the page as the value of `via`, with its own way back as long as there is room."""
    gone = dict.fromkeys(("page", "as_of", "view"))
    states = (query.string(**gone), query.string(**gone, via=None))
    state = next((text for text in states if len(text) <= LONGEST_WAY), "")
    return f"{query.summary}?{state}"


def drilled(column: TableColumn, query: CockpitQuery, row: drills.Row, via: str = "") -> str:
    """Return the address of the rows behind a number; none where they are those of the page.

    `via` is the way back, quoted: whoever makes many addresses of one page finds it once.
    """
    key = column.drill.partition("?")[0]
    key, params = drills.follow(
        column.drill, query, row, _accepted(key), SUMMARIES[key].choices.only
    )
    here = {
        k: v for k, v in query.params.items() if k not in drills.OF_THE_PAGE | {"via"} | query.idle
    }
    there = {k: v for k, v in params.items() if k != "by"}
    same = here == there and params.get("by", query.by) == query.by
    if same and key == query.summary and not row:
        return ""
    address = url_for("cockpit.page", key=key)
    return f"{address}?{urlencode(params)}&via={via or quote_plus(way_back(query))}"


@functools.cache
def _accepted(key: str) -> frozenset[str]:
    """Return the parameters that a summary takes over from where one comes from."""
    target = SUMMARIES[key]
    dates = {"date"} if target.choices.dates else set()
    return frozenset({*target.accepted, *LOOKS, "preset", "from", "to", "q"} | dates)


def _narrow(record: dict[str, Any], column: TableColumn, query: CockpitQuery) -> tuple[str, bool]:
    """Return the address that filters by this cell, or no longer does, and whether it does."""
    if not column.narrow:
        return "", False
    name, key = column.narrow
    value = record.get(key)
    if missing(value) and (column.key != "label" or not record["id"]):
        return "", False
    text = key_text(value)
    on = query.params.get(name) == text
    return f"?{query.string(**{name: None if on else text, 'page': None})}", on
