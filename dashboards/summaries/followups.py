"""跟进记录明细表: what was done with customers, and by whom.

Rows of origin approval are shown and counted nowhere.
"""

from typing import Any

import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, Select

from dashboards.core import filters
from dashboards.core.columns import TableColumn
from dashboards.core.period import midnight
from dashboards.core.query import CockpitQuery, SummaryOptions
from dashboards.core.scope import CUSTOMER, FOLLOW_UP, OPPORTUNITY, PLAN, USER, openable
from dashboards.core.sql import DayOf, IsBlank, count_if, frame
from dashboards.core.table import Detail, Table
from dashboards.summaries.contact_figures import kinds_figure, time_figure
from services.query.portable import DaysBetween
from services.rights.actor import Actor

EARLIER = FOLLOW_UP.alias("earlier")
LATER = FOLLOW_UP.alias("later")
MANUAL = filters.made_by_people(FOLLOW_UP)
COLUMNS = (
    TableColumn("at", _("时间"), "datetime", link=("followup", "follow_up_id")),
    TableColumn(
        "company",
        _("客户"),
        private=True,
        link=("customer", "customer_id"),
        narrow=("customer", "customer_id"),
    ),
    TableColumn(
        "opportunity",
        _("商机"),
        private=True,
        link=("opportunity", "opportunity_id"),
        sortable=False,
    ),
    TableColumn("owner", _("销售员"), help=_("当时的跟进人"), narrow=("owner", "owner_id")),
    TableColumn("kind", _("方式"), "enum", narrow=("kind", "kind")),
    TableColumn("content", _("内容"), "long", private=True, sortable=False),
    TableColumn("result", _("结果"), "enum"),
    TableColumn("next_at", _("下次跟进"), "datetime", _("本次跟进填写的下次跟进时间")),
    TableColumn(
        "missed",
        _("逾期未跟进"),
        "bool",
        _("下次跟进日期早于今天，且这是该客户最近一次跟进"),
        sortable=False,
    ),
    TableColumn(
        "gap_days", _("距上次跟进（天）"), "days", _("与该客户上一次跟进相隔的天数"), sortable=False
    ),
    TableColumn("origin", _("记录方式"), "enum", _("审批同步的记录不计入次数")),
)
ITS_ROWS = "followups?only=manual"
TOTALS = (
    TableColumn("records", _("跟进次数"), "int", _("不含审批同步"), drill=ITS_ROWS),
    TableColumn("customers", _("跟进客户数"), "int", _("不重复")),
    TableColumn("staff", _("跟进人数"), "int", _("不重复")),
    TableColumn("per_head", _("人均次数"), "mean", of=("records", "staff")),
    TableColumn("missed_count", _("逾期未跟进"), "int", drill="followups?only=missed"),
)
CHOICES = SummaryOptions(
    grains=("row",),
    sorts=lambda _by: [c.key for c in COLUMNS if c.sortable],
    default_sort=lambda _by: "-at",
    only=("manual", "missed"),
)


def columns(_by: str) -> tuple[TableColumn, ...]:
    """Return the columns."""
    return COLUMNS


def joined() -> Any:
    """Return the FROM clause of follow-ups with customer and person."""
    return FOLLOW_UP.join(CUSTOMER, CUSTOMER.c.id == FOLLOW_UP.c.customer_id).outerjoin(
        USER, USER.c.id == FOLLOW_UP.c.owner_id
    )


def where(actor: Actor, query: CockpitQuery) -> filters.Where:
    """Return which follow-ups are shown: scope, time, filters, search."""
    found = [
        *filters.counted_follow_up(),
        filters.instants(FOLLOW_UP.c.at, query.period),
        *filters.narrow(actor, query, "follow_up"),
        *filters.search(actor, query, FOLLOW_UP.c.content),
    ]
    if "kind" in query.keys:
        found.append(FOLLOW_UP.c.kind.in_(query.keys["kind"]))
    if "manual" in filters.only(query):
        found.append(MANUAL)
    if "missed" in filters.only(query):
        found.append(missed(query))
    return found


def previous(what: Any) -> Any:
    """Return an aggregate over what people did with the same customer before this row."""
    return (
        sa.select(what)
        .select_from(EARLIER)
        .where(
            EARLIER.c.customer_id == FOLLOW_UP.c.customer_id,
            filters.made_by_people(EARLIER),
            IsBlank(EARLIER.c.deleted_at),
            _before(EARLIER, FOLLOW_UP),
        )
        .correlate(FOLLOW_UP)
        .scalar_subquery()
    )


def _before(one: Any, other: Any) -> ColumnElement[bool]:
    """Compare both keys at once: an index on (customer, at) ends there, by OR it does not."""
    return sa.tuple_(one.c.at, one.c.id) < sa.tuple_(other.c.at, other.c.id)


def _next_at() -> Any:
    return (
        sa.select(sa.func.min(PLAN.c.due_at))
        .where(PLAN.c.made_by_id == FOLLOW_UP.c.id, PLAN.c.deleted_at.is_(None))
        .correlate(FOLLOW_UP)
        .scalar_subquery()
    )


def missed(query: CockpitQuery) -> ColumnElement[bool]:
    """Return whether the next date has passed and nobody came back to the customer."""
    newer = sa.exists().where(
        LATER.c.customer_id == FOLLOW_UP.c.customer_id,
        filters.made_by_people(LATER),
        IsBlank(LATER.c.deleted_at),
        _before(FOLLOW_UP, LATER),
    )
    late = sa.exists().where(
        PLAN.c.made_by_id == FOLLOW_UP.c.id,
        IsBlank(PLAN.c.deleted_at),
        PLAN.c.due_at < midnight(query.today),
    )
    return sa.and_(MANUAL, late.correlate(FOLLOW_UP), ~newer.correlate(FOLLOW_UP))


def detail(actor: Actor, query: CockpitQuery) -> Detail:
    """Return the table of follow-ups."""
    opened = openable(actor, CUSTOMER.c.id)
    last = previous(sa.func.max(EARLIER.c.at))
    condition = where(actor, query)
    return Detail(
        rows=sa.select(
            FOLLOW_UP.c.id.label("follow_up_id"),
            CUSTOMER.c.id.label("customer_id"),
            *FOLLOW_UP.c["opportunity_id", "owner_id", "at", "kind", "content", "result", "origin"],
            opened.label("opened"),
            CUSTOMER.c.company,
            OPPORTUNITY.c.name.label("opportunity"),
            USER.c.name.label("owner"),
            _next_at().label("next_at"),
            missed(query).label("missed"),
            sa.case((MANUAL, DaysBetween(DayOf(FOLLOW_UP.c.at), DayOf(last)))).label("gap_days"),
        )
        .select_from(
            joined().outerjoin(OPPORTUNITY, OPPORTUNITY.c.id == FOLLOW_UP.c.opportunity_id)
        )
        .where(*condition),
        ids=sa.select(FOLLOW_UP.c.id).select_from(joined()).where(*condition),
        order={
            "at": FOLLOW_UP.c.at,
            "company": sa.case((opened, CUSTOMER.c.company)),
            "owner": USER.c.name,
            "kind": FOLLOW_UP.c.kind,
            "result": FOLLOW_UP.c.result,
            "next_at": _next_at(),
            "origin": FOLLOW_UP.c.origin,
        },
        tie=FOLLOW_UP.c.id,
        totals=totals(actor, query),
    )


def totals(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the counts: `count` is every row shown, the others leave approval's rows out."""
    return (
        sa.select(
            sa.func.count().label("count"),
            count_if(MANUAL).label("records"),
            _distinct(FOLLOW_UP.c.customer_id).label("customers"),
            _distinct(FOLLOW_UP.c.owner_id).label("staff"),
            count_if(missed(query)).label("missed_count"),
        )
        .select_from(joined())
        .where(*where(actor, query))
    )


def _distinct(column: Any) -> Any:
    return sa.func.count(sa.case((MANUAL, column)).distinct())


# -- figures -------------------------------------------------------------------------------------


def figures(session: Session, actor: Actor, found: Table) -> list[go.Figure]:
    """Return people by kind, and records over time."""
    query = found.query
    counted = [*where(actor, query), MANUAL]
    people = frame(
        session,
        sa.select(
            FOLLOW_UP.c.owner_id.label("key"),
            USER.c.name,
            FOLLOW_UP.c.kind,
            sa.func.count().label("n"),
        )
        .select_from(joined())
        .where(*counted)
        .group_by(FOLLOW_UP.c.owner_id, USER.c.name, FOLLOW_UP.c.kind),
    )
    inner = sa.select(DayOf(FOLLOW_UP.c.at).label("day")).select_from(joined()).where(*counted)
    day = inner.subquery("counted").c.day
    days = frame(session, sa.select(day, sa.func.count().label("n")).group_by(day))
    return [kinds_figure(people), time_figure(days, query)]
