"""The tiles of the home page, from the same statements as the summaries."""

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards import collections, money, opportunity_groups, performance
from dashboards.period import PRESETS, Period, elapsed_before
from dashboards.query import CockpitQuery
from dashboards.scope import CUSTOMER, OPPORTUNITY
from dashboards.sql import record, total
from models import StageKind
from services.actor import Actor
from services.numbers import today

Builder = Callable[[Actor, CockpitQuery, Any, Period], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """A number with its unit and what it compares with."""

    label: str
    value: str
    unit: str
    note: str


def tiles(session: Session, actor: Actor, *, now: dt.datetime) -> list[Tile]:
    """Return the five tiles of the month; four statements."""
    day = today(now)
    month, before = PRESETS["month"](day), elapsed_before(day)
    query = CockpitQuery(as_of=now, period=month, preset="month", by="owner", sort="label")
    sums = record(
        session,
        sa.select(
            *(
                _sum(build, key, actor, query, period).label(f"{key}_{name}")
                for build, key in ((performance.signed, "amount"), (performance.cash, "cash"))
                for name, period in (("now", month), ("before", before))
            )
        ),
    )
    return [
        _money(_("本月签约额"), sums["amount_now"], _compared(sums, "amount")),
        _money(_("本月回款"), sums["cash_now"], _compared(sums, "cash")),
        _overdue(session, actor, query),
        _open(session, actor, query),
        _win_rate(session, actor, query.over(PRESETS["90d"](day))),
    ]


def _sum(build: Builder, key: str, actor: Actor, query: CockpitQuery, period: Period) -> Any:
    rows = build(actor, query, CUSTOMER.c.id, period).subquery()
    return sa.select(total(rows.c[key])).scalar_subquery()


def _money(label: str, fen: Any, note: str) -> Tile:
    number, unit = money.scaled(int(fen))
    return Tile(label, number, str(money.UNITS[unit]), note)


def _compared(sums: dict[str, Any], key: str) -> str:
    """Tell the change against last month cut at the same elapsed days."""
    now, before = int(sums[f"{key}_now"]), int(sums[f"{key}_before"])
    if not before:
        return _("上月同期为 0")
    change = money.half_up(Decimal(now - before) / abs(before), money.RATIO)
    if not change:
        return _("与上月同期持平")
    word = _("▲ 增") if change > 0 else _("▼ 减")
    return _("%(word)s %(rate)s，较上月同期", word=word, rate=money.percent(abs(change)))


def _overdue(session: Session, actor: Actor, query: CockpitQuery) -> Tile:
    found = record(session, collections.ageing(actor, query))
    note = _("%(n)s 期 · 最长 %(days)s 天", n=found["overdue_lines"], days=found["longest"])
    return _money(_("应收逾期"), found["overdue"], note)


def _open(session: Session, actor: Actor, query: CockpitQuery) -> Tile:
    ever = Period(collections.FIRST, collections.LAST)
    statement = opportunity_groups.totals(actor, query.over(ever))
    found = record(session, statement.where(OPPORTUNITY.c.state == StageKind.open))
    number, unit = money.scaled(int(found["weighted"]))
    weighted = f"{number} {money.UNITS[unit]}"
    note = _("%(n)s 个 · 加权 %(amount)s", n=found["count"], amount=weighted)
    return _money(_("在谈商机"), found["amount"], note)


def _win_rate(session: Session, actor: Actor, query: CockpitQuery) -> Tile:
    closed = dataclasses.replace(query, date="closed")
    found = record(session, opportunity_groups.totals(actor, closed))
    rate = money.ratio(found["won"], found["closed"])
    shown = money.DASH if rate is None else str(money.half_up(rate * 100, Decimal("0.1")))
    note = _("%(won)s / %(all)s 已关闭", won=found["won"], all=found["closed"])
    return Tile(_("赢单率（近 90 天）"), shown, "" if rate is None else "%", note)
