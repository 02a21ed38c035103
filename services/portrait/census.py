"""How many customers are in which segment: now, by what they are, and moved since months before.

Every statement goes through the read gate; each number names the filter of the customers' grid
that opens exactly its rows.
"""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session, aliased

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.people.user import User
from models.portrait.customer_portrait import CustomerPortrait, PortraitMonth
from models.portrait.segment_rule import SegmentRule
from models.records.dictionary import DictionaryOption
from services.core import regions
from services.core.money import total

PROVINCE = 2  # digits of a region code
APPROVED = {"f.approval": "in:approved"}
MONTHS = 3  # how many months back the segments of before are asked for
NONE = 0  # the key of "no segment", of "not filled in"


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """One segment: customers, 分 within the window, mean health; `query` opens its customers."""

    key: int
    name: str
    customers: int
    money: int
    health: int | None
    query: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class CensusCell:
    """One number of a cross table and the filter that opens its customers."""

    count: int
    query: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Cross:
    """A cross table: captions of columns, rows as (name, cells in the order of the columns)."""

    columns: list[str]
    rows: list[tuple[str, list[CensusCell]]]


def segments(session: Session) -> dict[int, str]:
    """Return key → name of the segments, in their order."""
    rule = SegmentRule
    rows = session.scalars(sa.select(rule).order_by(rule.ordinal, rule.id))
    return {row.id: str(row) for row in rows}


def asked(key: int) -> dict[str, str]:
    """Return the filter of a segment, of none for 0."""
    return APPROVED | {"f.segment_id": f"in:{key}" if key else "empty"}


def shares(session: Session) -> list[Share]:
    """Return every segment with its customers, those without one last."""
    row, customer = CustomerPortrait, Customer
    found = session.execute(
        sa.select(
            row.segment_id, sa.func.count(), total(row.monetary), total(row.health),
            sa.func.count(row.health),
        )
        .join(customer, customer.id == row.customer_id)
        .where(customer.approval == Approval.approved)
        .group_by(row.segment_id)
    ).all()  # fmt: skip
    told = {key: rest for key, *rest in found if key is not None}
    kept = segments(session)
    shares_ = [_share(key, name, told[key]) for key, name in kept.items() if key in told]
    everybody = session.scalar(
        sa.select(sa.func.count(customer.id)).where(customer.approval == Approval.approved)
    )
    left = int(everybody or 0) - sum(one.customers for one in shares_)
    return [*shares_, Share(NONE, _("资料不足"), left, 0, None, asked(NONE))]


def _share(key: int, name: str, told: list[int]) -> Share:
    count, money, points, many = told
    return Share(key, name, count, money, round(points / many) if many else None, asked(key))


# Dimension → caption, key of the grid's filter. What is grouped by is in `_group`.
DIMENSIONS: dict[str, tuple[Any, str]] = {
    "level": (lazy_gettext("客户等级"), "f.level"),
    "industry": (lazy_gettext("行业"), "f.industry_id"),
    "region": (lazy_gettext("省份"), "f.region_code"),
    "source": (lazy_gettext("客户来源"), "f.source_id"),
    "owner": (lazy_gettext("销售员"), "f.owner_id"),
}


def _group(dimension: str) -> Any:
    if dimension == "region":
        return sa.func.substr(Customer.region_code, 1, PROVINCE)
    return getattr(Customer, dimension if dimension == "level" else f"{dimension}_id")


def by(session: Session, dimension: str) -> Cross:
    """Return the segments by what customers are; most customers first."""
    row, group = CustomerPortrait, _group(dimension)
    found = session.execute(
        sa.select(group, row.segment_id, sa.func.count())
        .select_from(Customer)
        .outerjoin(CustomerPortrait, row.customer_id == Customer.id)
        .where(Customer.approval == Approval.approved)
        .group_by(group, row.segment_id)
    ).all()
    counts: dict[Any, dict[int, int]] = {}
    for key, segment, number in found:
        counts.setdefault(key, {})[segment or NONE] = number
    names = _names(session, dimension, set(counts))
    kept = segments(session) | {NONE: _("资料不足")}
    order = sorted(counts, key=lambda key: (-sum(counts[key].values()), str(key)))
    return Cross(
        list(kept.values()),
        [
            (
                names[key],
                [
                    CensusCell(counts[key].get(one, 0), asked(one) | _where(dimension, key))
                    for one in kept
                ],
            )
            for key in order
        ],
    )


def _where(dimension: str, key: Any) -> dict[str, str]:
    name = DIMENSIONS[dimension][1]
    if key is None:
        return {name: "empty"}
    if dimension == "region":
        return {name: f"starts:{key}"}
    return {name: f"in:{getattr(key, 'name', key)}"}


def _names(session: Session, dimension: str, keys: set[Any]) -> dict[Any, str]:
    """Return what the keys are called."""
    blank = {None: _("未填写")} if dimension != "owner" else {None: _("公海")}
    known = keys - {None}
    if dimension == "level":
        return blank | {key: key.short for key in known}
    if dimension == "region":
        return blank | {key: regions.text_of(f"{key}0000") or key for key in known}
    model: Any = User if dimension == "owner" else DictionaryOption
    rows = session.scalars(sa.select(model).where(model.id.in_(known)))
    return {key: f"#{key}" for key in known} | blank | {row.id: str(row) for row in rows}


def months(session: Session) -> list[dt.date]:
    """Return the months whose segments are kept, the latest first."""
    month = PortraitMonth.__table__.c.month
    query = sa.select(month).distinct().order_by(month.desc()).limit(13)
    return list(session.scalars(query))


def moved(session: Session, back: int) -> Cross:
    """Return the customers by the segment of `back` months before and of the last month."""
    kept = months(session)
    names = segments(session)
    if not 0 < back < len(kept):
        return Cross([], [])
    before, now = PortraitMonth, aliased(PortraitMonth)
    found = session.execute(
        sa.select(before.segment_id, now.segment_id, sa.func.count())
        .join(now, now.customer_id == before.customer_id)
        .join(Customer, Customer.id == before.customer_id)
        .where(before.month == kept[back], now.month == kept[0])
        .where(Customer.approval == Approval.approved)
        .group_by(before.segment_id, now.segment_id)
    )
    counts = {(a, b): n for a, b, n in found}
    return Cross(
        list(names.values()),
        [
            (
                name,
                [
                    CensusCell(counts.get((a, b), 0), asked(b) | {f"f.segment_{back}": f"in:{a}"})
                    for b in names
                ],
            )
            for a, name in names.items()
        ],
    )


def as_of(session: Session) -> dt.date | None:
    """Return the day the portraits were drawn for, None before the first time."""
    day = CustomerPortrait.__table__.c.as_of
    return session.execute(sa.select(sa.func.max(day))).scalar()
