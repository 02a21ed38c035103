"""商机明细表: opportunities one by one; the other grains are in opportunity_groups."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from dashboards import charts, filters, opportunity_groups
from dashboards.columns import Column
from dashboards.opportunity_groups import joined, probability, weighted, where
from dashboards.query import Choices, CockpitQuery
from dashboards.scope import CUSTOMER, FOLLOW_UP, OPPORTUNITY, OPTION, STAGE, STAMPS, USER, openable
from dashboards.sql import DayOf, DaysBetween, caption, frame, total
from dashboards.table import Detail
from models import StageHistory, StageKind
from services.actor import Actor

HISTORY = StageHistory.__table__
BY = {"row": _("商机"), **opportunity_groups.BY}
COLUMNS = (
    Column("code", _("编号"), private=True, link=("opportunity", "opportunity_id")),
    Column("name", _("名称"), private=True, link=("opportunity", "opportunity_id")),
    Column(
        "company",
        _("客户"),
        private=True,
        link=("customer", "customer_id"),
        narrow=("customer", "customer_id"),
    ),
    Column("owner", _("销售员"), help=_("关闭时或创建时的销售员"), narrow=("owner", "owner_id")),
    Column("stage", _("阶段"), narrow=("stage", "stage_code")),
    Column("amount", _("金额"), "money"),
    Column("probability", _("赢率%"), "int"),
    Column("weighted", _("加权金额"), "money", _("进行中的商机：金额 × 赢率，逐行四舍五入到分")),
    Column("expected_on", _("预计成交日"), "date"),
    Column("late", _("是否逾期"), "bool", _("进行中且预计成交日早于今天"), sortable=False),
    Column("stage_days", _("阶段停留天数"), "days", _("进入当前阶段到今天或关闭日")),
    Column("age_days", _("商机天数"), "days", _("创建到今天或关闭日")),
    Column("last_at", _("最近跟进"), "datetime"),
    Column("quiet_days", _("未跟进天数"), "quiet"),
    Column("state", _("状态"), "enum"),
    Column("reason", _("丢单原因")),
)
CHOICES = Choices(
    grains=tuple(BY),
    sorts=lambda by: [c.key for c in columns(by) if c.sortable],
    default_sort=lambda by: "-amount" if by == "row" else opportunity_groups.default_sort(by),
    dates=opportunity_groups.DATES,
)
NEVER = 1_000_000  # 从未 comes before every number of days


def columns(by: str) -> tuple[Column, ...]:
    """Return the columns of a grain."""
    return COLUMNS if by == "row" else opportunity_groups.columns(by)


def rows(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
    """Return the groups of a grain that is no single opportunity."""
    return opportunity_groups.rows(session, actor, query)


def _last_at() -> Any:
    return (
        sa.select(FOLLOW_UP.c.opportunity_id, sa.func.max(FOLLOW_UP.c.at).label("last_at"))
        .where(
            filters.made_by_people(FOLLOW_UP),
            FOLLOW_UP.c.deleted_at.is_(None),
            FOLLOW_UP.c.opportunity_id.is_not(None),
        )
        .group_by(FOLLOW_UP.c.opportunity_id)
        .subquery("followed")
    )


def _measures(query: CockpitQuery, last: Any) -> dict[str, Any]:
    """Return what is worked out of an opportunity: chance, weighted amount, days."""
    today = sa.literal(query.today, sa.Date)
    until = sa.func.coalesce(OPPORTUNITY.c.closed_on, today)
    is_open = OPPORTUNITY.c.state == StageKind.open
    late = sa.func.coalesce(OPPORTUNITY.c.expected_on < today, sa.false())
    return {
        "probability": probability(),
        "weighted": sa.case((is_open, weighted())),
        "late": sa.and_(is_open, late),
        "stage_days": DaysBetween(until, DayOf(OPPORTUNITY.c.stage_since)),
        "age_days": DaysBetween(until, DayOf(OPPORTUNITY.c.created_at)),
        "quiet_days": DaysBetween(today, DayOf(last.c.last_at)),
    }


def detail(actor: Actor, query: CockpitQuery) -> Detail:
    """Return the table of opportunities."""
    stamp, last, opened = STAMPS["opportunity"], _last_at(), openable(actor, CUSTOMER.c.id)
    measures = _measures(query, last)
    wide = (
        joined()
        .outerjoin(USER, USER.c.id == stamp.owner)
        .outerjoin(OPTION, OPTION.c.id == OPPORTUNITY.c.lost_reason_id)
        .outerjoin(last, last.c.opportunity_id == OPPORTUNITY.c.id)
    )
    texts = {"owner": USER.c.name, "stage": caption(STAGE), "reason": caption(OPTION)}
    condition = where(actor, query)
    return Detail(
        rows=sa.select(
            OPPORTUNITY.c.id.label("opportunity_id"),
            OPPORTUNITY.c["code", "name", "amount", "expected_on", "state"],
            CUSTOMER.c.id.label("customer_id"),
            CUSTOMER.c.company,
            opened.label("opened"),
            stamp.owner.label("owner_id"),
            STAGE.c.code.label("stage_code"),
            last.c.last_at,
            *(column.label(key) for key, column in (measures | texts).items()),
        )
        .select_from(wide)
        .where(*condition),
        ids=sa.select(OPPORTUNITY.c.id).select_from(wide).where(*condition),
        order={
            "code": sa.case((opened, OPPORTUNITY.c.code)),
            "name": sa.case((opened, OPPORTUNITY.c.name)),
            "company": sa.case((opened, CUSTOMER.c.company)),
            "owner": USER.c.name,
            "stage": STAGE.c.ordinal,
            "reason": texts["reason"],
            "last_at": last.c.last_at,
            **measures,
            "quiet_days": sa.func.coalesce(measures["quiet_days"], NEVER),
            **{key: OPPORTUNITY.c[key] for key in ("amount", "expected_on", "state")},
        },
        tie=OPPORTUNITY.c.id,
        totals=totals(actor, query),
    )


def totals(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the totals, with the count under the tile's name too."""
    return opportunity_groups.totals(actor, query).add_columns(
        sa.func.count().label("opportunities")
    )


# -- figures -------------------------------------------------------------------------------------


def figures(
    session: Session, actor: Actor, query: CockpitQuery, data: pd.DataFrame
) -> list[go.Figure]:
    """Return value by stage and the funnel; of the other grains their own bars."""
    if query.by != "row":
        return opportunity_groups.figures(data, query)
    stages = frame(
        session,
        sa.select(STAGE.c["id", "code", "kind"], caption(STAGE).label("label")).order_by(
            STAGE.c.ordinal, STAGE.c.id
        ),
    )
    inner = (
        sa.select(OPPORTUNITY.c["stage_id", "state", "amount"], _last_open_stage().label("left_id"))
        .select_from(joined())
        .where(*where(actor, query))
        .subquery("shown")
    )
    keys = (inner.c.stage_id, inner.c.state, inner.c.left_id)
    counts = frame(
        session,
        sa.select(
            *keys, sa.func.count().label("n"), total(inner.c.amount).label("amount")
        ).group_by(*keys),
    )
    return [stages_figure(counts, stages), funnel_figure(counts, stages)]


def _last_open_stage() -> Any:
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


def stages_figure(counts: pd.DataFrame, stages: pd.DataFrame) -> go.Figure:
    """Return bars of value by stage, in the order of the process."""
    sums: dict[Any, int] = {}
    for row in counts.to_dict("records"):
        sums[row["stage_id"]] = sums.get(row["stage_id"], 0) + int(row["amount"])
    shown = stages.assign(
        amount=[sums.get(key, 0) for key in stages["id"]],
        pick=[charts.pick("stage", code) for code in stages["code"]],
    )
    return charts.bars(shown, [("amount", gettext("金额"))], gettext("各阶段金额（万元）"))


def reached(counts: pd.DataFrame, stages: pd.DataFrame) -> list[tuple[str, int]]:
    """Return (stage, how many got at least there): a won one reached all of them.

    A lost one counts to its last open stage, to the first where its history is not known.
    """
    path = [s for s in stages.to_dict("records") if s["kind"] is not StageKind.lost]
    place = {stage["id"]: n for n, stage in enumerate(path)}
    found = [0] * len(path)
    for row in counts.to_dict("records"):
        last = place.get(row["left_id"] if row["state"] is StageKind.lost else row["stage_id"], 0)
        if row["state"] is StageKind.won:
            last = len(path) - 1
        for n in range(last + 1):
            found[n] += int(row["n"])
    return [(str(stage["label"]), n) for stage, n in zip(path, found, strict=True)]


def funnel_figure(counts: pd.DataFrame, stages: pd.DataFrame) -> go.Figure:
    """Return the funnel by stage reached."""
    found = reached(counts, stages)
    funnel = go.Funnel(
        y=[charts.text(label) for label, _n in found],
        x=[n for _label, n in found],
        textinfo="value+percent initial",
        hoverinfo="y+x",
        marker={"color": charts.COLOURS[0]},
    )
    return charts.figure(
        gettext("商机漏斗：到达过该阶段的商机数"),
        [funnel],
        height=charts.PLAIN_HEIGHT,
        showlegend=False,
    )
