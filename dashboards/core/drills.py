"""From a number to its rows: the address with the filter of the row, of the measure, of the page.

A drill is the key of a summary with parameters, or `noun:` and those of a grid with {keys} of the
row: its customer, because what hangs on him is counted whoever did it, or all a row asks (targets).
"""

import datetime as dt
import string
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from dashboards.core.charts import key_text
from dashboards.core.columns import TableColumn, missing
from dashboards.core.parameters import MENU, ORDER
from dashboards.core.period import DAY, Period, month_start
from dashboards.core.query import CockpitQuery

Row = Mapping[str, str]
FIELDS = string.Formatter()
OF_THE_PAGE = frozenset({"by", "sort", "page", "size", "as_of", "view", *MENU})
COUNTED = frozenset({"money", "int", "days", "quiet"})  # 0 of these has no rows


def row_filter(by: str, record: Mapping[str, Any], query: CockpitQuery) -> Row | None:
    """Return the parameters that keep to a row of a grain; None where there are none."""
    if by in {"customer", "contract"}:
        key = record.get(f"{by}_id")
        return None if missing(key) else {by: key_text(key)}
    if by == "month":
        month = within(query.period, str(record.get("month", record.get("key"))))
        owner = {"owner": key_text(record["owner_id"])} if "owner_id" in record else {}
        return month | owner
    if by in {"row", "plan", "payment"}:
        return None
    return {parameter(by): key_text(record.get("key"))}


def cell_filter(column: TableColumn, record: Mapping[str, Any], query: CockpitQuery) -> Row | None:
    """Return the parameters that keep to the rows of a cell: those of a base are its own."""
    if column.over is None:
        return row_filter(query.by, record, query)
    back = query.over(column.over.period)
    if query.by != "month":
        row = row_filter(query.by, record, back)
    else:
        name = "month" if "month" in record else "key"
        month = dt.date.fromisoformat(f"{record[name]}-01")
        then = month_start(month, -(column.over.shift or 0))
        row = row_filter(query.by, {**record, name: f"{then:%Y-%m}"}, back)
    return None if row is None else total_filter(column) | dict(row)


def total_filter(column: TableColumn) -> dict[str, str]:
    """Return the parameters of a total: the days of its base, of the page's period none."""
    if column.over is None:
        return {}
    period = column.over.period
    return {"from": period.start.isoformat(), "to": period.last.isoformat()}


def parameter(by: str) -> str:
    """Return the parameter that keeps to a key of a grain: a department without those below it."""
    return "department_only" if by == "department" else by


def within(period: Period, month: str) -> dict[str, str]:
    """Return the days of a month such as 2026-11 that lie in the period."""
    start = dt.date.fromisoformat(f"{month}-01")
    first, end = max(start, period.start), min(month_start(start, 1), period.end)
    return {"from": first.isoformat(), "to": (end - DAY).isoformat()}


def follow(
    drill: str,
    query: CockpitQuery,
    row: Row,
    accepted: Collection[str],
    flags: Collection[str] = (),
) -> tuple[str, dict[str, str]]:
    """Return the key of the summary that a drill opens, and its parameters in canonical order.

    `accepted` are the filters of that summary and `flags` what its rows can be cut down to.
    """
    key, _mark, wanted = drill.partition("?")
    fixed = dict(parse_qsl(wanted)) | dict(row)
    gone = OF_THE_PAGE | query.idle
    kept = {k: v for k, v in query.params.items() if k in accepted and k not in gone}
    if "from" in fixed:
        kept.pop("preset", None)
    both = [*kept.pop("only", "").split(","), *fixed.pop("only", "").split(",")]
    cut = ",".join(dict.fromkeys(flag for flag in both if flag in flags))
    merged = kept | fixed | ({"only": cut} if cut else {})
    return key, {name: merged[name] for name in ORDER if name in merged}


def of_grid(drill: str, record: Mapping[str, Any], query: CockpitQuery) -> tuple[str, str] | None:
    """Return the noun and the query string of a drill into a grid, None where it is masked."""
    noun, _mark, wanted = drill.partition(":")
    days = {f"since_{n}": (query.today - DAY * (n - 1)).isoformat() for n in (30, 90)}
    known = dict(record) | days
    if any(name and missing(known.get(name)) for _text, name, *_how in FIELDS.parse(wanted)):
        return None
    return noun, urlencode(parse_qsl(wanted.format(**known)))


def has_rows(value: Any, column: TableColumn) -> bool:
    """Tell whether there is anything behind a number."""
    return not missing(value) and not (column.type in COUNTED and not value)
