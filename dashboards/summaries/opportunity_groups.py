"""商机汇总: opportunities by owner, department, product or quarter of closing.

By product the value is split by line subtotal, and a win rate counts the opportunities that have
the line; an opportunity without lines stands under 未填写 with its own amount. Totals count every
opportunity once, whatever the grain.
"""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, Select

from dashboards.core import charts, drills, filters, money
from dashboards.core.columns import TableColumn, missing
from dashboards.core.names import labelled
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CUSTOMER, OPPORTUNITY, STAGE, STAMPS, Stamp
from dashboards.core.sql import QuarterOf, count_if, frame, sum_if, total
from models.sales.opportunity import OpportunityLine
from models.sales.stage import StageHistory, StageKind
from services.rights.actor import Actor

LINE, HISTORY = OpportunityLine.__table__, StageHistory.__table__
BY = {"owner": _("销售员"), "department": _("部门"), "product": _("产品"), "quarter": _("关闭季度")}
DATES = ("created", "expected", "closed")
COUNTS = ("count", "won", "lost", "closed")
ROWS = "opportunities?by=row"
WEIGHTED = _("进行中商机：金额 × 赢率，逐行四舍五入到分")
MEASURES = (
    TableColumn("count", _("商机数"), "int", drill=ROWS),
    TableColumn("amount", _("金额"), "money", drill=ROWS),
    TableColumn("weighted", _("加权金额"), "money", WEIGHTED, drill=f"{ROWS}&only=open"),
    TableColumn("won", _("赢单数"), "int", drill=f"{ROWS}&only=won"),
    TableColumn("won_amount", _("赢单额"), "money", drill=f"{ROWS}&only=won"),
    TableColumn("lost", _("输单数"), "int", drill=f"{ROWS}&only=lost"),
    TableColumn(
        "win_rate",
        _("赢单率"),
        "ratio",
        _("赢单数 ÷（赢单数＋输单数）"),
        of=("won", "closed"),
        drill=f"{ROWS}&only=closed",
    ),
)


def columns(by: str) -> tuple[TableColumn, ...]:
    """Return the columns of a grain."""
    return (TableColumn("label", BY[by], narrow=(drills.parameter(by), "key")), *MEASURES)


def default_sort(by: str) -> str:
    """Return the sort of a grain: quarters by time, the others by won value."""
    return "label" if by == "quarter" else "-won_amount"


def joined() -> Any:
    """Return the FROM clause of opportunities with customer and stage."""
    return OPPORTUNITY.outerjoin(CUSTOMER, CUSTOMER.c.id == OPPORTUNITY.c.customer_id).outerjoin(
        STAGE, STAGE.c.id == OPPORTUNITY.c.stage_id
    )


def stamp(query: CockpitQuery) -> Stamp:
    """Return whose an opportunity is: by creation its creator's, else whoever closed it."""
    return STAMPS["created" if query.date in {"", "created"} else "closed"]


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
        *filters.narrow(actor, query, stamp(query)),
        *filters.by_stage(query),
        *_having_product(query),
        *_only(query),
        *filters.led_to(query),
        *filters.search(actor, query, OPPORTUNITY.c.name, code=OPPORTUNITY.c.code),
    ]


def _only(query: CockpitQuery) -> filters.Where:
    """Return what opportunities are cut down to, and the quarters they were closed in."""
    state, keys = OPPORTUNITY.c.state, query.keys
    clauses = {
        "open": state == StageKind.open,
        "won": state == StageKind.won,
        "lost": state == StageKind.lost,
        "closed": state != StageKind.open,
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
    state = OPPORTUNITY.c.state
    got = sa.case(
        (state == StageKind.open, STAGE.c.ordinal),
        else_=sa.func.coalesce(known.correlate(OPPORTUNITY).scalar_subquery(), first),
    )
    return sa.or_(state == StageKind.won, got >= wanted)


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
        data["label"] = [gettext("进行中") if missing(k) else k for k in data["key"]]
        data["id"] = data["label"]
        return data
    return labelled(session, data, query.by)


def _statement(actor: Actor, query: CockpitQuery) -> Select[Any]:
    if query.by == "product":
        return _by_product(actor, query)
    whose = stamp(query)
    key = {
        "owner": whose.owner,
        "department": whose.department,
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
        pick=[charts.picks(drills.row_filter(query.by, r, query)) for r in records],
        tail=[f"　{money.percent(money.ratio(r['won'], r['closed']))}" for r in records],
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
    return sa.case((OPPORTUNITY.c.state == StageKind.lost, left))
