"""商机明细表: opportunities one by one; the other grains are in opportunity_groups."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from dashboards.core import filters
from dashboards.core.columns import TableColumn
from dashboards.core.query import CockpitQuery, SummaryOptions
from dashboards.core.scope import (
    CUSTOMER,
    FOLLOW_UP,
    OPPORTUNITY,
    OPTION,
    STAGE,
    USER,
    openable,
    removed,
)
from dashboards.core.sql import DayOf, caption, frame, record, total
from dashboards.core.table import Detail, Record, Table
from dashboards.measures import deals
from dashboards.measures.deals import last_open_stage, probability, weighted, where
from dashboards.summaries import opportunity_groups
from dashboards.summaries.opportunity_figures import funnel_figure, stages_figure
from models.sales.stage import StageKind
from services.query.portable import DaysBetween
from services.rights.actor import Actor

BY = {"row": _("商机"), **opportunity_groups.BY}
COLUMNS = (
    TableColumn("code", _("编号"), private=True, link=("opportunity", "opportunity_id")),
    TableColumn("name", _("名称"), private=True, link=("opportunity", "opportunity_id")),
    TableColumn(
        "company",
        _("客户"),
        private=True,
        link=("customer", "customer_id"),
        narrow=("customer", "customer_id"),
    ),
    TableColumn(
        "owner",
        _("销售员"),
        help=_("按创建日期：创建时的销售员；按关闭或预计日期：关闭时的，未关闭的取创建时的"),
        narrow=("owner", "owner_id"),
    ),
    TableColumn("stage", _("阶段"), narrow=("stage", "stage_code")),
    TableColumn("amount", _("金额"), "money"),
    TableColumn("probability", _("赢率（%）"), "int"),
    TableColumn("weighted", _("加权金额"), "money", deals.WEIGHTED.help),
    TableColumn("expected_on", _("预计成交日"), "date"),
    TableColumn("late", _("是否逾期"), "bool", _("进行中且预计成交日早于今天"), sortable=False),
    TableColumn("stage_days", _("阶段停留天数"), "days", _("进入当前阶段到今天或关闭日期")),
    TableColumn("age_days", _("商机天数"), "days", _("创建到今天或关闭日期")),
    TableColumn("last_at", _("最近跟进"), "datetime", _("关联到该商机的最近一次跟进")),
    TableColumn("quiet_days", _("未跟进天数"), "quiet"),
    TableColumn("state", _("状态"), "enum"),
    TableColumn("reason", _("丢单原因")),
)
ALONE = frozenset({"row", "quarter"})  # what was closed in a quarter was not in another
CHOICES = SummaryOptions(
    grains=tuple(BY),
    sorts=lambda by: [c.key for c in columns(by) if c.sortable],
    default_sort=lambda by: "-amount" if by == "row" else opportunity_groups.default_sort(by),
    dates=opportunity_groups.DATES,
    only=("open", "won", "lost", "closed", "unpaid"),
    clicked=("contract", "quarter", "reached"),
    compared=lambda by: () if by in ALONE else [one.key for one in opportunity_groups.MEASURES],
)
NEVER = 1_000_000  # 从未 comes before every number of days


def columns(by: str) -> tuple[TableColumn, ...]:
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
    stamp, last, opened = (deals.stamp(query), _last_at(), openable(actor, CUSTOMER.c.id))
    measures = _measures(query, last)
    wide = (
        deals.JOINED.outerjoin(USER, USER.c.id == stamp.owner)
        .outerjoin(OPTION, OPTION.c.id == OPPORTUNITY.c.lost_reason_id)
        .outerjoin(last, last.c.opportunity_id == OPPORTUNITY.c.id)
    )
    texts = {"owner": USER.c.name, "stage": caption(STAGE), "reason": caption(OPTION)}
    condition = where(actor, query)
    return Detail(
        rows=sa.select(
            OPPORTUNITY.c.id.label("opportunity_id"),
            *OPPORTUNITY.c["code", "name", "amount", "expected_on", "state"],
            CUSTOMER.c.id.label("customer_id"),
            CUSTOMER.c.company,
            opened.label("opened"),
            removed(actor).label("removed"),
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
        totals=opportunity_groups.totals(actor, query),
    )


def whole(session: Session, actor: Actor, query: CockpitQuery) -> Record:
    """Return the totals of a grain: an opportunity that stands in two groups counts once."""
    return record(session, opportunity_groups.totals(actor, query))


# -- figures -------------------------------------------------------------------------------------


def figures(session: Session, actor: Actor, found: Table) -> list[go.Figure]:
    """Return value by stage and the funnel; of the other grains their own bars."""
    query = found.query
    if query.by != "row":
        return opportunity_groups.figures(found.frame, query)
    stages = frame(
        session,
        sa.select(*STAGE.c["id", "code", "kind"], caption(STAGE).label("label")).order_by(
            STAGE.c.ordinal, STAGE.c.id
        ),
    )
    inner = (
        sa.select(*OPPORTUNITY.c["stage_id", "state", "amount"], last_open_stage().label("left_id"))
        .select_from(deals.JOINED)
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
