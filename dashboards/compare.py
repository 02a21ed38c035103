"""环比 and 同比 of a summary's tiles: the same totals over the period before and a year earlier.

A period that still runs is compared up to the same day. What is due later in it (the instalments of
回款汇总表, opportunities by the day they are expected) is then no like with like: only what came in
is compared there. A period that is still to come is compared with nothing.
"""

import dataclasses
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards.core import money, table
from dashboards.core.columns import TableColumn, derive, missing, shown
from dashboards.core.period import DAY, PRESETS, Period, year_before
from dashboards.core.query import CockpitQuery
from dashboards.core.sql import record
from dashboards.pages import Summary
from services.rights.actor import Actor

UNITS = {"week": "last_week", "month": "last_month", "quarter": "last_quarter", "year": "last_year"}
POINT = Decimal("0.01")
SHORT = ("industry", "owner")  # few rows of few statements: no tile tells of targets


def bases(query: CockpitQuery) -> dict[str, Period]:
    """Return what the period is compared with: `before`, the unit before, and `year`."""
    found = {"before": _before(query), "year": year_before(query.period)}
    return {name: _cut(base, query) for name, base in found.items()}


def _before(query: CockpitQuery) -> Period:
    """Return the calendar unit before, or as many days before where the period is none."""
    start, end = query.period.start, query.period.end
    if query.preset in UNITS:
        return PRESETS[UNITS[query.preset]](query.today)
    if query.preset.startswith("last_"):
        return PRESETS[query.preset](start)
    return Period(start - (end - start), start)


def runs(query: CockpitQuery) -> bool:
    """Tell whether days of the period are still to come."""
    return query.period.start <= query.today < query.period.end - DAY


def _cut(base: Period, query: CockpitQuery) -> Period:
    """Return the base up to the same elapsed days, clipped to its end."""
    if not runs(query):
        return base
    return Period(base.start, min(base.start + (query.today - query.period.start) + DAY, base.end))


def changes(
    session: Session, actor: Actor, summary: Summary, query: CockpitQuery
) -> dict[str, Any]:
    """Return tile → what it says of each base: `text` and the base's own value and days."""
    if summary.timeless or query.period.start > query.today:
        return {}
    open_end = query.date in summary.ahead and runs(query)
    tiles = [c for c in summary.tiles if not open_end or c.key == "cash"]
    if not tiles:
        return {}
    periods = bases(query)
    now = _totals(session, actor, summary, query)
    then = {k: _totals(session, actor, summary, query.over(p)) for k, p in periods.items()}
    return {
        column.key: [_told(column, now, then[name], name, periods[name]) for name in periods]
        for column in tiles
    }


def _totals(session: Session, actor: Actor, summary: Summary, query: CockpitQuery) -> table.Record:
    """Return the tiles' totals by the shortest way: they are those of every grain."""
    if summary.detail is not None:
        plain = dataclasses.replace(query, by="row")
        return derive(record(session, summary.detail(actor, plain).totals), summary.tiles)
    if summary.rows is None:
        raise AssertionError  # a summary has rows, detail or both
    by = next(grain for grain in SHORT if grain in summary.choices.grains)
    data = summary.rows(session, actor, dataclasses.replace(query, by=by))
    return derive(table.added_up(data, summary.tiles), summary.tiles)


def _told(
    column: TableColumn, now: table.Record, then: table.Record, name: str, period: Period
) -> dict[str, str]:
    word = _("环比") if name == "before" else _("同比")
    base = then.get(column.key)
    days = f"{period.start} – {period.last}"
    return {"text": f"{word} {_change(column, now.get(column.key), base)}",
            "title": f"{days}{_('：')}{shown(base, column)}"}  # fmt: skip


def _change(column: TableColumn, value: Any, base: Any) -> str:
    """Return (value − base) ÷ |base|, of a ratio the points between them; 「—」 without a base."""
    if missing(value) or missing(base):
        return money.DASH
    if column.type == "ratio":
        points = money.half_up((Decimal(value) - Decimal(base)) * 100, POINT)
        return _("%(n)s 个百分点", n=f"{points:+,.2f}")
    if not base:
        return money.DASH
    rate = money.half_up(Decimal(value - base) / abs(base), money.RATIO)
    arrow = "↑" if rate > 0 else "↓" if rate < 0 else ""
    return f"{arrow} {money.percent(abs(rate))}".strip() if rate else _("持平")
