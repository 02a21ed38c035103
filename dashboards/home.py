"""The tiles of the home page, by the very builders of the summaries."""

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from dashboards import collections, opportunities
from dashboards.base import (
    Call, alive, contract, opportunity, payment, stamped, total,
)
from dashboards.money import percent, ratio, short
from dashboards.query import Query, period_of
from services.actor import Actor
from services.numbers import today


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """A number with its unit and what it compares with."""

    label: str
    value: str
    unit: str
    note: str


def tiles(session: Session, actor: Actor, *, now: dt.datetime) -> list[Tile]:
    """Return the five tiles; six statements."""
    day = today(now)
    start, _end = period_of("month", day)
    before = _month_before(start, day)
    made = [_signed(session, actor, now, s, e) for s, e in ((start, day), before)]
    got = [_collected(session, actor, now, s, e) for s, e in ((start, day), before)]
    return [
        _money(_("本月签约额"), made[0], _compared(*made)),
        _money(_("本月回款"), got[0], _compared(*got)),
        _late(session, actor, now), _open_deals(session, actor, now),
        _win_rate(session, actor, now),
    ]


def _month_before(start: dt.date, day: dt.date) -> tuple[dt.date, dt.date]:
    """Return last month cut at the same elapsed days, clipped to its end."""
    end = start - dt.timedelta(days=1)
    return end.replace(day=1), end.replace(day=min(day.day, end.day))


def _call(session: Session, actor: Actor, now: dt.datetime, start: Any, end: Any) -> Call:
    return Call(session, actor, Query(start=start, end=end, as_of=now, by="owner"))


def _signed(session: Session, actor: Actor, now: dt.datetime, start: Any, end: Any) -> int:
    call = _call(session, actor, now, start, end)
    return int(call.session.execute(
        sa.select(total(contract.c.amount)).where(
            *alive(contract), contract.c.state.in_(m.IN_FORCE), contract.c.signed_on >= start,
            contract.c.signed_on <= end,
            *stamped(call, contract.c.signer_id, contract.c.signer_department_id),
        )
    ).scalar_one())


def _collected(session: Session, actor: Actor, now: dt.datetime, start: Any, end: Any) -> int:
    call = _call(session, actor, now, start, end)
    return int(call.session.execute(
        sa.select(total(payment.c.amount))
        .select_from(sa.join(payment, contract, contract.c.id == payment.c.contract_id))
        .where(
            payment.c.state == m.PaymentState.confirmed, payment.c.deleted_at.is_(None),
            contract.c.state.in_(m.IN_FORCE), payment.c.paid_on >= start,
            payment.c.paid_on <= end,
            *stamped(call, payment.c.owner_id, payment.c.owner_department_id),
        )
    ).scalar_one())


def _money(label: str, fen: int, note: str) -> Tile:
    number, unit = short(fen)
    return Tile(label, number, f"{unit}{_('元')}", note)


def _compared(now: int, before: int) -> str:
    if not before:
        return _("上月同期为 0")
    change = (Decimal(now - before) / Decimal(abs(before))).quantize(Decimal("0.0001"))
    word = _("▲ 增") if change >= 0 else _("▼ 减")
    return _("%(word)s %(rate)s，较上月同期", word=word, rate=percent(abs(change)))


def _late(session: Session, actor: Actor, now: dt.datetime) -> Tile:
    lines = collections._lines(  # noqa: SLF001 # the same rows the summary ages
        _call(session, actor, now, today(now), today(now)), period=False
    )
    late = lines[lines["late"] > 0]
    longest = int(late["late_days"].max()) if len(late) else 0
    note = _("%(n)s 期 · 最长 %(days)s 天", n=len(late), days=longest)
    return _money(_("应收逾期"), int(late["late"].sum()) if len(late) else 0, note)


def _open_deals(session: Session, actor: Actor, now: dt.datetime) -> Tile:
    call = _call(session, actor, now, today(now), today(now))
    share = (opportunity.c.amount * opportunity.c.probability + 50) / 100
    row = call.session.execute(
        sa.select(
            sa.func.count(), total(opportunity.c.amount),
            total(sa.cast(sa.func.floor(share), sa.BigInteger)),
        ).where(
            *alive(opportunity), opportunity.c.state == m.StageKind.open,
            *stamped(call, opportunity.c.created_owner_id, opportunity.c.created_department_id),
        )
    ).one()
    number, unit = short(int(row[2]))
    note = _("%(n)s 个 · 加权 %(amount)s %(unit)s元", n=row[0], amount=number, unit=unit)
    return _money(_("在谈商机"), int(row[1]), note)


def _win_rate(session: Session, actor: Actor, now: dt.datetime) -> Tile:
    start, end = period_of("90d", today(now))
    call = Call(
        session, actor, Query(start=start, end=end, as_of=now, by="owner", date="closed")
    )
    found = opportunities.totals(opportunities.rows(call))
    won, lost = found["won_count"], found["lost_count"]
    rate = ratio(won, won + lost)
    shown = "—" if rate is None else f"{(rate * 100).quantize(Decimal('0.1'))}"
    note = _("%(won)s / %(all)s 已关闭", won=won, all=won + lost)
    return Tile(_("赢单率（近 90 天）"), shown, "%", note)



