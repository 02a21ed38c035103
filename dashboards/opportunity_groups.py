"""商机汇总: opportunities by owner, department, product or quarter of closing.

By product the value is split by line subtotal, and a win rate counts the opportunities that have
the line; an opportunity without lines stands under 未填写 with its own amount. Totals count every
opportunity once, whatever the grain.
"""

import datetime as dt
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, Select

from dashboards import charts, filters, money
from dashboards.columns import Column, missing
from dashboards.names import labelled
from dashboards.period import month_start
from dashboards.query import CockpitQuery
from dashboards.scope import CUSTOMER, OPPORTUNITY, STAGE, STAMPS
from dashboards.sql import QuarterOf, count_if, frame, sum_if, total
from models import OpportunityLine, StageKind
from services.actor import Actor

LINE = OpportunityLine.__table__
BY = {"owner": _("销售员"), "department": _("部门"), "product": _("产品"), "quarter": _("关闭季度")}
DATES = ("created", "expected", "closed")
COUNTS = ("count", "won", "lost", "closed")
MEASURES = (
    Column("count", _("商机数"), "int"),
    Column("amount", _("金额"), "money"),
    Column("weighted", _("加权金额"), "money", _("进行中的商机：金额 × 赢率，逐行四舍五入到分")),
    Column("won", _("赢单数"), "int"),
    Column("won_amount", _("赢单额"), "money"),
    Column("lost", _("输单数"), "int"),
    Column("win_rate", _("赢单率"), "ratio", _("赢单数 ÷（赢单数＋输单数）"), of=("won", "closed")),
)


def columns(by: str) -> tuple[Column, ...]:
    """Return the columns of a grain."""
    narrow = None if by == "quarter" else (by, "key")
    return (Column("label", BY[by], narrow=narrow), *MEASURES)


def default_sort(by: str) -> str:
    """Return the sort of a grain: quarters by time, the others by won value."""
    return "label" if by == "quarter" else "-won_amount"


def joined() -> Any:
    """Return the FROM clause of opportunities with customer and stage."""
    return OPPORTUNITY.outerjoin(CUSTOMER, CUSTOMER.c.id == OPPORTUNITY.c.customer_id).outerjoin(
        STAGE, STAGE.c.id == OPPORTUNITY.c.stage_id
    )


def where(actor: Actor, query: CockpitQuery) -> filters.Where:
    """Return which opportunities count: scope, date, filters, search."""
    when = {
        "created": lambda: filters.instants(OPPORTUNITY.c.created_at, query.period),
        "expected": lambda: filters.days(OPPORTUNITY.c.expected_on, query.period),
        "closed": lambda: filters.days(OPPORTUNITY.c.closed_on, query.period),
    }[query.date or "created"]()
    return [
        *filters.counted_opportunity(),
        when,
        *filters.narrow(actor, query, "opportunity"),
        *filters.by_stage(query),
        *_having_product(query),
        *filters.search(actor, query, OPPORTUNITY.c.name, code=OPPORTUNITY.c.code),
    ]


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
    return (amount * probability() + 50) // 100


def sums(amount: Any) -> list[Any]:
    """Return the counts and amounts of a group."""
    state = OPPORTUNITY.c.state
    return [
        sa.func.count().label("count"),
        total(amount).label("amount"),
        sum_if(state == StageKind.open, weighted(amount)).label("weighted"),
        count_if(state == StageKind.won).label("won"),
        sum_if(state == StageKind.won, amount).label("won_amount"),
        count_if(state == StageKind.lost).label("lost"),
        count_if(state != StageKind.open).label("closed"),
    ]


def totals(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the totals: each opportunity once."""
    return sa.select(*sums(OPPORTUNITY.c.amount)).select_from(joined()).where(*where(actor, query))


def rows(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
    """Return all groups with `key`, `label` and the measures, amounts in 分."""
    data = frame(session, _statement(actor, query))
    if query.by == "quarter":
        data["label"] = [gettext("未关闭") if missing(k) else k for k in data["key"]]
        data["id"] = data["label"]
        return data
    return labelled(session, data, query.by)


def _statement(actor: Actor, query: CockpitQuery) -> Select[Any]:
    if query.by == "product":
        return _by_product(actor, query)
    stamp = STAMPS["opportunity"]
    key = {
        "owner": stamp.owner,
        "department": stamp.department,
        "quarter": QuarterOf(OPPORTUNITY.c.closed_on),
    }[query.by]
    return (
        sa.select(key.label("key"), *sums(OPPORTUNITY.c.amount))
        .select_from(joined())
        .where(*where(actor, query))
        .group_by(key)
    )


def _by_product(actor: Actor, query: CockpitQuery) -> Select[Any]:
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
    return (
        sa.select(share.c.product_id.label("key"), *sums(amount))
        .select_from(joined().outerjoin(share, share.c.opportunity_id == OPPORTUNITY.c.id))
        .where(*where(actor, query), *extra)
        .group_by(share.c.product_id)
    )


def figures(data: pd.DataFrame, query: CockpitQuery) -> list[go.Figure]:
    """Return bars of won value (with the win rate in the label) and of all value."""
    records = data.to_dict("records")
    shown = data.assign(
        pick=[_pick(r["key"], query.by) for r in records],
        label=[
            f"{r['label']}　{money.percent(money.ratio(r['won'], r['closed']))}" for r in records
        ],
    )
    keys = ("amount", "won_amount", "count", "won")
    if query.by != "quarter":
        shown = charts.top(shown, "won_amount", keys)
    return [
        charts.bars(shown, [("won_amount", gettext("赢单额"))], gettext("赢单额（万元）与赢单率")),
        charts.bars(
            shown,
            [("count", gettext("商机数")), ("won", gettext("赢单数"))],
            gettext("商机数与赢单数"),
            scale=1,
        ),
    ]


def _pick(key: Any, by: str) -> list[str]:
    if by != "quarter":
        return charts.pick(by, key)
    if missing(key):
        return []
    start = dt.date(int(key[:4]), int(key[-1]) * 3 - 2, 1)
    return [*charts.days_pick(start, month_start(start, 3)), "date", "closed"]
