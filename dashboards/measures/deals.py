"""Opportunities by the day they were created, are expected or were closed.

By product the value is split by line subtotal, and an opportunity counts in each product that it
has; one without lines stands under none with its own amount. Totals count each of them once.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import ColumnElement

from dashboards.core import filters
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CUSTOMER, OPPORTUNITY, STAGE, STAMPS, Stamp
from dashboards.core.sql import DayOf, QuarterOf, total
from dashboards.measures.declared import Fact, Key, Measure, Relation
from dashboards.measures.dimensions import COMMON, product_of
from models.sales.opportunity import OpportunityLine
from models.sales.stage import StageHistory, StageKind
from services.rights.actor import Actor

LINE, HISTORY = OpportunityLine.__table__, StageHistory.__table__
_state: Any = OPPORTUNITY.c.state
ROWS = "opportunities?by=row"
AHEAD = frozenset({"expected", "forecast"})  # dates that may be days to come
JOINED: Any = OPPORTUNITY.outerjoin(CUSTOMER, CUSTOMER.c.id == OPPORTUNITY.c.customer_id).outerjoin(
    STAGE, STAGE.c.id == OPPORTUNITY.c.stage_id
)


def stamp(query: CockpitQuery) -> Stamp:
    """Return whose an opportunity is: by creation its creator's, else whoever closed it."""
    return STAMPS["created" if query.date in {"", "created"} else "closed"]


def where(actor: Actor, query: CockpitQuery) -> filters.Where:
    """Return which opportunities count: scope, date, filters, search."""
    date = query.date or "created"
    if date == "created":  # the raw instant keeps its index
        when = filters.instants(OPPORTUNITY.c.created_at, query.period)
    else:
        when = filters.days(_days()[date], query.period)
    if date == "forecast":
        when = sa.and_(when, _state != StageKind.lost)
    return [
        *filters.counted_opportunity(),
        when,
        *filters.narrow(actor, query, stamp(query)),
        *filters.by_stage(query),
        *_having_product(query),
        *_only(query),
        *filters.led_to(query),
        *filters.search(actor, query, OPPORTUNITY.c.name, code=OPPORTUNITY.c.code),
    ]


def _days() -> dict[str, Any]:
    """Return the day an opportunity counts by: a forecast is of what is won or expected."""
    open_ = _state == StageKind.open
    return {
        "created": DayOf(OPPORTUNITY.c.created_at),
        "expected": OPPORTUNITY.c.expected_on,
        "closed": OPPORTUNITY.c.closed_on,
        "forecast": sa.case((open_, OPPORTUNITY.c.expected_on), else_=OPPORTUNITY.c.closed_on),
    }


def _only(query: CockpitQuery) -> filters.Where:
    """Return what opportunities are cut down to, and the quarters they were closed in."""
    keys = query.keys
    clauses = {
        "open": _state == StageKind.open,
        "won": _state == StageKind.won,
        "lost": _state == StageKind.lost,
        "closed": _state != StageKind.open,
    }
    found = [clause for flag, clause in clauses.items() if flag in filters.only(query)]
    if "quarter" in keys:
        found.append(filters.among(QuarterOf(OPPORTUNITY.c.closed_on), keys["quarter"]))
    if "reached" in keys:
        found.append(sa.or_(*(_reached(stage) for stage in keys["reached"])))
    return found


def _reached(stage: int | str) -> ColumnElement[bool]:
    """Return whether an opportunity got at least to a stage, as the funnel counts."""
    goal, left = STAGE.alias(), STAGE.alias()
    named = goal.c.id == stage if isinstance(stage, int) else goal.c.code == stage
    wanted = sa.select(goal.c.ordinal).where(named).scalar_subquery()
    path = goal.c.kind != StageKind.lost
    first = sa.select(sa.func.min(goal.c.ordinal)).where(path).scalar_subquery()
    known = sa.select(left.c.ordinal).where(
        left.c.id == last_open_stage(), left.c.kind != StageKind.lost
    )
    got = sa.case(
        (_state == StageKind.open, STAGE.c.ordinal),
        else_=sa.func.coalesce(known.correlate(OPPORTUNITY).scalar_subquery(), first),
    )
    return sa.or_(_state == StageKind.won, got >= wanted)


def last_open_stage() -> Any:
    """Return the stage a lost opportunity was in before it was lost."""
    to = STAGE.alias("to_stage")
    left = (
        sa.select(HISTORY.c.from_stage_id)
        .select_from(HISTORY.join(to, to.c.id == HISTORY.c.to_stage_id))
        .where(HISTORY.c.opportunity_id == OPPORTUNITY.c.id, to.c.kind == StageKind.lost)
        .order_by(HISTORY.c.at.desc(), HISTORY.c.id.desc())
        .limit(1)
        .correlate(OPPORTUNITY)
        .scalar_subquery()
    )
    return sa.case((_state == StageKind.lost, left))


def _having_product(query: CockpitQuery) -> filters.Where:
    wanted = query.keys.get("product", ())
    if not wanted:
        return []
    line = LINE.alias()
    having = sa.select(line.c.opportunity_id)
    found = OPPORTUNITY.c.id.in_(having.where(line.c.product_id.in_(wanted)))
    return [sa.or_(found, OPPORTUNITY.c.id.not_in(having)) if filters.NONE in wanted else found]


def probability() -> ColumnElement[Any]:
    """Return the win chance in percent; a blank one is the stage's."""
    return sa.func.coalesce(OPPORTUNITY.c.probability, STAGE.c.probability, 0)


def weighted(amount: Any = OPPORTUNITY.c.amount) -> ColumnElement[Any]:
    """Return (amount × probability + 50) // 100 of a row, in 分."""
    found: ColumnElement[Any] = (amount * probability() + 50) // 100
    return found


def _rows(actor: Actor, query: CockpitQuery, keys: frozenset[Key]) -> Relation:
    plain = Relation(
        source=JOINED,
        where=where(actor, query),
        stamp=stamp(query),
        day=_days()[query.date or "created"],
        row={"amount": OPPORTUNITY.c.amount},
    )
    return _by_product(plain, query) if product_of in keys else plain


def _by_product(plain: Relation, query: CockpitQuery) -> Relation:
    """Two lines of one product on one opportunity are one opportunity with both values."""
    share = (
        sa.select(LINE.c.opportunity_id, LINE.c.product_id, total(LINE.c.subtotal).label("amount"))
        .group_by(LINE.c.opportunity_id, LINE.c.product_id)
        .subquery("share")
    )
    amount = sa.case((share.c.opportunity_id.is_(None), OPPORTUNITY.c.amount), else_=share.c.amount)
    extra: filters.Where = []
    if "product" in query.keys:
        extra = [filters.among(share.c.product_id, query.keys["product"])]
    return dataclasses.replace(
        plain,
        source=JOINED.outerjoin(share, share.c.opportunity_id == OPPORTUNITY.c.id),
        where=[*plain.where, *extra],
        row={"amount": amount, "product": share.c.product_id},
    )


def _dated(date: str, caption: Any, whose: Any) -> Fact:
    """Return the opportunities by one date, whatever the page's switch says."""
    return Fact(
        f"{date}_deals",
        _("通过审批的商机"),
        whose,
        caption,
        lambda actor, query, keys: _rows(actor, dataclasses.replace(query, date=date), keys),
        COMMON | {"product", "stage"},
        ahead=lambda _query: date in AHEAD,
    )


DEALS = Fact(
    "deals",
    _("通过审批的商机"),
    _("按创建日期：创建时的销售员；按关闭或预计日期：关闭时的，未关闭的取创建时的"),
    _("所选的日期口径"),
    _rows,
    COMMON | {"product", "stage"},
    ahead=lambda query: query.date in AHEAD,
)
CREATED_DEALS = _dated("created", _("创建日期"), _("创建时的销售员"))
CLOSED_DEALS = _dated("closed", _("关闭日期"), _("关闭时的销售员"))
FORECAST_DEALS = _dated(
    "forecast", _("赢单按关闭日期，进行中按预计成交日"), _("关闭时的销售员，未关闭的取创建时的")
)
EXPECTED_DEALS = _dated("expected", _("预计成交日"), _("关闭时的销售员，未关闭的取创建时的"))


def _counted(key: str, caption: Any, when: Any = None, **more: Any) -> Measure:
    """Return a count of opportunities: one that stands in several products is one of them."""
    value = OPPORTUNITY.c.id if when is None else sa.case((when, OPPORTUNITY.c.id))
    return Measure(key, caption, fact=DEALS, value=lambda _r: value, how="distinct", **more)


COUNT = _counted("deals", _("商机数"), drill=ROWS, name="count")
AMOUNT = Measure(
    "deal_amount",
    _("金额"),
    "money",
    fact=DEALS,
    value=lambda r: r.row["amount"],
    drill=ROWS,
    name="amount",
)
WEIGHTED = Measure(
    "weighted",
    _("加权金额"),
    "money",
    _("进行中商机：金额 × 赢率，逐行四舍五入到分"),
    DEALS,
    lambda r: sa.case((_state == StageKind.open, weighted(r.row["amount"])), else_=0),
    drill=f"{ROWS}&only=open",
)
WON = _counted(
    "deals_won", _("赢单数"), _state == StageKind.won, drill=f"{ROWS}&only=won", name="won"
)
WON_AMOUNT = Measure(
    "deals_won_amount",
    _("赢单额"),
    "money",
    fact=DEALS,
    value=lambda r: sa.case((_state == StageKind.won, r.row["amount"]), else_=0),
    drill=f"{ROWS}&only=won",
    name="won_amount",
)
FORECAST = Measure(
    "deals_forecast",
    _("预测成交额"),
    "money",
    _("赢单额 ＋ 加权金额"),
    DEALS,
    lambda r: sa.case(
        (_state == StageKind.won, r.row["amount"]),
        (_state == StageKind.open, weighted(r.row["amount"])),
        else_=0,
    ),
    drill=ROWS,
    name="forecast",
)
LOST = _counted(
    "deals_lost", _("输单数"), _state == StageKind.lost, drill=f"{ROWS}&only=lost", name="lost"
)
CLOSED = _counted("deals_closed", "", _state != StageKind.open, name="closed")
WIN_RATE = Measure(
    "deals_win_rate",
    _("赢单率"),
    "ratio",
    _("赢单数 ÷（赢单数＋输单数）"),
    of=(WON, CLOSED),
    drill=f"{ROWS}&only=closed",
    name="win_rate",
)
TILE = dataclasses.replace(COUNT, name="opportunities")
SWITCHED = (COUNT, AMOUNT, WEIGHTED, WON, WON_AMOUNT, LOST, WIN_RATE)


def _of(one: Measure, fact: Fact, date: str, **changes: Any) -> Measure:
    """Return a measure by one date: what it opens says which."""
    drill = f"{one.drill}&date={date}" if one.drill else ""
    return dataclasses.replace(one, fact=fact, drill=drill, **{"name": ""} | changes)


CREATED = _of(
    COUNT,
    CREATED_DEALS,
    "created",
    key="created",
    caption=_("新增商机数"),
    help=_("期内新建并通过审批的商机，计给创建时的销售员"),
)
CREATED_AMOUNT = _of(
    AMOUNT,
    CREATED_DEALS,
    "created",
    key="created_amount",
    caption=_("新增商机额"),
    help=_("期内新建并通过审批的商机的金额"),
)
WON_THEN = _of(WON, CLOSED_DEALS, "closed", key="won", help=_("期内关闭并赢单的商机"))
WON_AMOUNT_THEN = _of(
    WON_AMOUNT, CLOSED_DEALS, "closed", key="won_amount", help=_("期内关闭并赢单的商机的金额")
)
LOST_THEN = _of(LOST, CLOSED_DEALS, "closed", key="lost", help=_("期内关闭并输单的商机"))
CLOSED_THEN = _of(CLOSED, CLOSED_DEALS, "closed", key="closed")
WON_RATE = Measure(
    "win_rate",
    _("赢单率"),
    "ratio",
    _("期内关闭的商机：赢单数 ÷（赢单数＋输单数），计给关闭时的销售员"),
    of=(WON_THEN, CLOSED_THEN),
    drill=f"{ROWS}&date=closed",
)
EXPECTED = _of(
    WEIGHTED,
    EXPECTED_DEALS,
    "expected",
    key="expected_weighted",
    caption=_("预计加权金额"),
    help=_("预计在期内成交的进行中商机：金额 × 赢率，逐行四舍五入到分"),
)
FORECAST_THEN = _of(
    FORECAST,
    FORECAST_DEALS,
    "forecast",
    key="forecast",
    help=_("期内赢单的金额，加上预计在期内成交的进行中商机的加权金额"),
)
MEASURES = (
    CREATED, CREATED_AMOUNT, WON_THEN, WON_AMOUNT_THEN, LOST_THEN, WON_RATE, EXPECTED,
    FORECAST_THEN,
)  # fmt: skip
