"""The tiles of the home page, from the same statements as the summaries."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards import targets
from dashboards.core import money
from dashboards.core.period import PRESETS, Period, elapsed_before
from dashboards.core.query import CockpitQuery
from dashboards.core.sql import record
from dashboards.measures import lines
from dashboards.measures.contracts import AMOUNT
from dashboards.measures.keyed import Ask, keyed
from dashboards.measures.payments import CASH
from dashboards.summaries import opportunity_groups
from services.core.days import today
from services.rights.actor import Actor

MONTH = ("performance", {"preset": "month", "by": "owner"})
OPEN = ("", {"state": "open", "approval": "approved"})


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """A number with its unit and what it compares with."""

    label: str
    value: str
    unit: str
    note: str
    summary: str  # whose rows it adds up ("": the grid of opportunities), and how that is asked
    asked: Mapping[str, str]


def tiles(session: Session, actor: Actor, *, now: dt.datetime) -> list[Tile]:
    """Return the tiles of the month, five and one where there is a target; three statements."""
    day = today(now)
    month, before = PRESETS["month"](day), elapsed_before(day)
    query = CockpitQuery(as_of=now, period=month, preset="month", by="owner", sort="label")
    asked = (AMOUNT, CASH)
    now_and_before = [Ask(query, asked, "_now"), Ask(query.over(before), asked, "_before")]
    signed = keyed(actor, now_and_before, {}).subquery("signed")
    sums = record(
        session, sa.select(signed, targets.whole(actor, query.over(month)).label("target"))
    )
    return [
        _money(_("本月签约额"), sums["amount_now"], _compared(sums, "amount"), *MONTH),
        *_completion(int(sums["amount_now"]), int(sums["target"])),
        _money(_("本月到账"), sums["cash_now"], _compared(sums, "cash"), *MONTH),
        _overdue(session, actor, query),
        *_deals(session, actor, query, day),
    ]


def _money(label: str, fen: Any, note: str, summary: str, asked: Mapping[str, str]) -> Tile:
    number, unit = money.scaled(int(fen))
    return Tile(label, number, str(money.UNITS[unit]), note, summary, asked)


def _completion(amount: int, target: int) -> list[Tile]:
    """Return how much of the month's target is signed; nothing where nobody set one."""
    if not target:
        return []
    number, unit = money.scaled(target)
    note = _("本月目标 %(amount)s %(unit)s", amount=number, unit=str(money.UNITS[unit]))
    done = money.half_up(Decimal(amount * 100) / target, Decimal("0.1"))
    return [Tile(_("本月完成率"), str(done), "%", note, *MONTH)]


def _compared(sums: dict[str, Any], key: str) -> str:
    """Tell the change against last month cut at the same elapsed days."""
    now, before = int(sums[f"{key}_now"]), int(sums[f"{key}_before"])
    if not before:
        return _("上月同期为 0")
    change = money.half_up(Decimal(now - before) / abs(before), money.RATIO)
    if not change:
        return _("与上月同期持平")
    word = _("↑") if change > 0 else _("↓")
    return _("较上月同期 %(word)s %(rate)s", word=word, rate=money.percent(abs(change)))


def _overdue(session: Session, actor: Actor, query: CockpitQuery) -> Tile:
    found = record(session, lines.ageing(actor, query))
    note = _("逾期 %(n)s 期，最长 %(days)s 天", n=found["overdue_lines"], days=found["longest"])
    until = {"from": f"{lines.FIRST}", "to": f"{query.today}"}
    asked = until | {"by": "plan", "only": "overdue"}
    return _money(_("应收逾期"), found["overdue"], note, "collections", asked)


def _deals(session: Session, actor: Actor, query: CockpitQuery, day: dt.date) -> list[Tile]:
    """Return what is open and how much of what closed was won, in one statement."""
    ever = Period(lines.FIRST, lines.LAST)
    still = dataclasses.replace(query.over(ever), keys={"only": ("open",)})
    ended = dataclasses.replace(query.over(PRESETS["90d"](day)), date="closed")
    a, b = (
        opportunity_groups.totals(actor, one).subquery(name)
        for one, name in ((still, "still"), (ended, "ended"))
    )
    told = (a.c.count, a.c.amount, a.c.weighted, b.c.won, b.c.closed)
    sums = record(session, sa.select(*told).select_from(a.join(b, sa.true())))
    return [_open(sums), _win_rate(sums)]


def _open(sums: dict[str, Any]) -> Tile:
    number, unit = money.scaled(int(sums["weighted"]))
    weighted = f"{number} {money.UNITS[unit]}"
    note = _("%(n)s 个 · 加权 %(amount)s", n=sums["count"], amount=weighted)
    return _money(_("进行中商机"), sums["amount"], note, *OPEN)


def _win_rate(sums: dict[str, Any]) -> Tile:
    rate = money.ratio(sums["won"], sums["closed"])
    shown = money.DASH if rate is None else str(money.half_up(rate * 100, Decimal("0.1")))
    note = _("赢单 %(won)s / 已关闭 %(all)s", won=sums["won"], all=sums["closed"])
    asked = {"preset": "90d", "date": "closed", "by": "owner"}
    unit = "" if rate is None else "%"
    return Tile(_("赢单率（近 90 天）"), shown, unit, note, "opportunities", asked)
