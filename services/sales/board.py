"""The opportunity board: stages with counts, sums and weighted sums; the forecast by month."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.sales.opportunity import Opportunity
from models.sales.stage import Stage, StageKind
from services.core.days import today
from services.core.money import total
from services.records.related import attach

CARDS = 20  # of each stage; the rest is in the grid
MONTHS = 6


@dataclasses.dataclass(slots=True)
class Lane:
    """A stage with what lies in it; amounts in 分, weighted by each opportunity's probability."""

    stage: Stage
    count: int = 0
    amount: int = 0
    weighted: int = 0
    cards: list[tuple[Opportunity, int]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Month:
    """What is expected to close in a month; `first` is its first day, None what is overdue."""

    first: dt.date | None
    count: int
    amount: int
    weighted: int


def _weighted() -> Any:
    deal = Opportunity
    return total(deal.amount * sa.func.coalesce(deal.probability, 0))


def _open(owner: int | None, among: Any) -> list[Any]:
    deal = Opportunity
    where = [deal.approval == Approval.approved, deal.state == StageKind.open]
    where += [deal.owner_id == owner] if owner else []
    return where if among is None else [*where, deal.id.in_(among)]


def lanes(
    session: Session, *, owner: int | None, now: dt.datetime, among: Any = None
) -> list[Lane]:
    """Return the open stages with sums over all, and the cards that wait longest with their days.

    owner: only his opportunities; None for all the actor sees. among: a SELECT of keys that
    narrows it further.
    """
    deal = Opportunity
    stages = session.scalars(sa.select(Stage).order_by(Stage.ordinal))
    found = {s.id: Lane(s) for s in stages if s.kind is StageKind.open}
    sums = session.execute(
        sa.select(deal.stage_id, sa.func.count(deal.id), total(deal.amount), _weighted())
        .where(*_open(owner, among))
        .group_by(deal.stage_id)
    )
    for stage_id, count, amount, weighted in sums:
        lane = found.get(stage_id)
        if lane is not None:
            lane.count, lane.amount = count, amount
            lane.weighted = round(weighted / 100)
    place = sa.func.row_number().over(
        partition_by=deal.stage_id, order_by=(deal.stage_since.is_(None), deal.stage_since, deal.id)
    )
    ranked = sa.select(deal.id, place.label("place")).where(*_open(owner, among)).subquery()
    rows = session.scalars(
        sa.select(deal)
        .join(ranked, ranked.c.id == deal.id)
        .where(ranked.c.place <= CARDS)
        .order_by(ranked.c.place)
    ).all()
    attach(session, (rows, ["customer", "owner"]))
    for row in rows:
        if row.stage_id in found:
            since = row.stage_since or row.created_at
            found[row.stage_id].cards.append((row, (now - since).days))
    # A stage that was switched off stays while it holds anything.
    return [lane for lane in found.values() if lane.stage.active or lane.count]


def forecast(
    session: Session, *, owner: int | None, now: dt.datetime, among: Any = None
) -> list[Month]:
    """Return what is overdue, this month and the months after it, by the expected date."""
    deal, first = Opportunity, today(now).replace(day=1)
    year = sa.extract("year", deal.expected_on)
    month = sa.extract("month", deal.expected_on)
    rows = session.execute(
        sa.select(year, month, sa.func.count(deal.id), total(deal.amount), _weighted())
        .where(*_open(owner, among), deal.expected_on.is_not(None))
        .group_by(year, month)
    )
    sums = {
        dt.date(int(y), int(n), 1): (count, amount, round(weighted / 100))
        for y, n, count, amount, weighted in rows
    }
    late = [values for day, values in sums.items() if day < first]
    found = [Month(None, *(sum(column) for column in zip(*late, strict=True)))] if late else []
    for n in range(MONTHS):
        ahead = first.month - 1 + n
        day = dt.date(first.year + ahead // 12, ahead % 12 + 1, 1)
        found.append(Month(day, *sums.get(day, (0, 0, 0))))
    return found
