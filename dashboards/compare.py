"""环比 and 同比 of a summary's tiles: the same totals over the period before and a year earlier.

What is due later in a period that runs (instalments, opportunities by the day they
are expected) is compared with nothing, nor is a period that is still to come.
"""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards.core import money, table
from dashboards.core.columns import TableColumn, changed, derive, missing, shown
from dashboards.core.period import Period
from dashboards.core.query import CockpitQuery
from dashboards.core.sql import record
from dashboards.measures.bases import bases
from dashboards.measures.comparison import comparable
from dashboards.measures.keyed import Ask, keyed
from dashboards.pages import Summary
from services.rights.actor import Actor


def changes(
    session: Session, actor: Actor, summary: Summary, query: CockpitQuery
) -> dict[str, Any]:
    """Return tile → what it says of each base: `text` and the base's own value and days."""
    if summary.timeless or query.period.start > query.today:
        return {}
    told = {one.column.key for one in summary.told if comparable(query, one)}
    tiles = [c for c in summary.tiles if not summary.told or c.key in told]
    if not tiles:
        return {}
    periods = bases(query)
    found = _totals(session, actor, summary, query, {"now": query.period} | periods)
    return {
        column.key: [
            _told(column, found["now"], found[name], name, periods[name]) for name in periods
        ]
        for column in tiles
    }


def _totals(
    session: Session,
    actor: Actor,
    summary: Summary,
    query: CockpitQuery,
    periods: dict[str, Period],
) -> dict[str, table.Record]:
    """Return the tiles' totals by period: they are those of every grain."""
    if summary.told:
        asks = [Ask(query.over(p), summary.told, f" {name}") for name, p in periods.items()]
        every = record(session, keyed(actor, asks, {}))
        parts = {
            name: {k.partition(" ")[0]: v for k, v in every.items() if k.endswith(f" {name}")}
            for name in periods
        }
    elif summary.detail is not None:
        parts = {
            name: record(session, summary.detail(actor, query.over(period)).totals)
            for name, period in periods.items()
        }
    else:
        raise AssertionError  # a summary has measures, a detail or both
    return {name: derive(totals, summary.tiles) for name, totals in parts.items()}


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
        points = money.points(value, base)
        return (
            _("%(n)s 个百分点", n=changed(points, "points")) if points is not None else money.DASH
        )
    rate = money.growth(value, base)
    return money.DASH if rate is None else changed(rate, "growth")
