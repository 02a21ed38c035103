"""拜访明细表: follow-ups of kind visit or reception."""

from typing import Any

import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from dashboards.core import filters
from dashboards.core.columns import TableColumn
from dashboards.core.query import CockpitQuery, SummaryOptions
from dashboards.core.scope import CUSTOMER, FOLLOW_UP, OPPORTUNITY, OPTION, USER, openable
from dashboards.core.sql import (
    DayOf,
    HourOf,
    MinutesBetween,
    WeekdayOf,
    caption,
    count_if,
    frame,
    total,
)
from dashboards.core.table import Detail, Table
from dashboards.summaries import followups
from dashboards.summaries.contact_figures import hours_figure, provinces_figure, visitors_figure
from dashboards.summaries.followups import EARLIER, MANUAL, joined, previous
from models.customers.contact import Contact
from models.sales.follow_up import VISITS
from services.query.portable import DaysBetween
from services.rights.actor import Actor

CONTACT = Contact.__table__
HELPER = USER.alias("helper")
IS_VISIT = FOLLOW_UP.c.kind.in_(VISITS)
COLUMNS = (
    TableColumn("at", _("时间"), "datetime", link=("followup", "follow_up_id")),
    TableColumn(
        "company",
        _("客户"),
        private=True,
        link=("customer", "customer_id"),
        narrow=("customer", "customer_id"),
    ),
    TableColumn("contact", _("联系人"), private=True, sortable=False),
    TableColumn("owner", _("销售员"), help=_("当时的跟进人"), narrow=("owner", "owner_id")),
    TableColumn("kind", _("方式"), "enum", narrow=("kind", "kind")),
    TableColumn(
        "companions",
        _("同行/技术协同人"),
        private=True,
        sortable=False,
        help=_("同行人；没有填写时为客户的技术协同人"),
    ),
    TableColumn("place", _("地点"), private=True, sortable=False),
    TableColumn("checked_in_at", _("签到"), "datetime"),
    TableColumn("minutes", _("时长（分钟）"), "int", _("结束时间减开始时间")),
    TableColumn("purpose", _("目的")),
    TableColumn("result", _("结果"), "enum"),
    TableColumn("first", _("首访"), "bool", _("此前没有拜访过该客户"), sortable=False),
    TableColumn(
        "gap_days", _("距上次拜访（天）"), "days", _("与该客户上一次拜访相隔的天数"), sortable=False
    ),
    TableColumn(
        "opportunity",
        _("商机"),
        private=True,
        link=("opportunity", "opportunity_id"),
        sortable=False,
    ),
)
TOTALS = (
    TableColumn("visits", _("拜访次数"), "int"),
    TableColumn("customers", _("拜访客户数"), "int", _("不重复")),
    TableColumn("first_count", _("首访数"), "int", drill="visits?only=first"),
    TableColumn("minutes", _("总时长（分钟）"), "int"),
    TableColumn(
        "mean_minutes",
        _("平均时长（分钟）"),
        "mean",
        _("只计填了起止时间的拜访"),
        of=("minutes", "timed"),
    ),
)
CHOICES = SummaryOptions(
    grains=("row",),
    sorts=lambda _by: [c.key for c in COLUMNS if c.sortable],
    default_sort=lambda _by: "-at",
    only=("first",),
    clicked=("hour",),
)
MINUTES = MinutesBetween(FOLLOW_UP.c.ended_at, FOLLOW_UP.c.started_at)


def columns(_by: str) -> tuple[TableColumn, ...]:
    """Return the columns."""
    return COLUMNS


def where(actor: Actor, query: CockpitQuery) -> filters.Where:
    """Return which visits count."""
    found = [*followups.where(actor, query), IS_VISIT, MANUAL]
    if "hour" in query.keys:
        day, hour = WeekdayOf(FOLLOW_UP.c.at), HourOf(FOLLOW_UP.c.at)
        found.append(sa.or_(*(sa.and_(day == d, hour == h) for d, h in query.keys["hour"])))
    return [*found, _first()] if "first" in filters.only(query) else found


# Asked of the customer's few rows, not in WHERE: there it invites the index on the kind, which
# PostgreSQL without statistics then reads whole for every customer.
_EARLIER_VISIT = sa.case((EARLIER.c.kind.in_(VISITS), EARLIER.c.at))


def _first() -> Any:
    return previous(sa.func.count(_EARLIER_VISIT)) == 0


def detail(actor: Actor, query: CockpitQuery) -> Detail:
    """Return the table of visits."""
    opened = openable(actor, CUSTOMER.c.id)
    last = previous(sa.func.max(_EARLIER_VISIT))
    purpose = caption(OPTION)
    source = joined().outerjoin(OPTION, OPTION.c.id == FOLLOW_UP.c.purpose_id)
    wide = (
        source.outerjoin(OPPORTUNITY, OPPORTUNITY.c.id == FOLLOW_UP.c.opportunity_id)
        .outerjoin(CONTACT, CONTACT.c.id == FOLLOW_UP.c.contact_id)
        .outerjoin(HELPER, HELPER.c.id == CUSTOMER.c.technical_id)
    )
    condition = where(actor, query)
    return Detail(
        rows=sa.select(
            FOLLOW_UP.c.id.label("follow_up_id"),
            CUSTOMER.c.id.label("customer_id"),
            *FOLLOW_UP.c[
                "opportunity_id", "owner_id", "at", "kind", "place", "checked_in_at", "result"
            ],
            opened.label("opened"),
            CUSTOMER.c.company,
            CONTACT.c.name.label("contact"),
            sa.func.coalesce(FOLLOW_UP.c.companions, HELPER.c.name).label("companions"),
            MINUTES.label("minutes"),
            purpose.label("purpose"),
            _first().label("first"),
            DaysBetween(DayOf(FOLLOW_UP.c.at), DayOf(last)).label("gap_days"),
            OPPORTUNITY.c.name.label("opportunity"),
            USER.c.name.label("owner"),
        )
        .select_from(wide)
        .where(*condition),
        ids=sa.select(FOLLOW_UP.c.id).select_from(source).where(*condition),
        order={
            "at": FOLLOW_UP.c.at,
            "company": sa.case((opened, CUSTOMER.c.company)),
            "owner": USER.c.name,
            "kind": FOLLOW_UP.c.kind,
            "result": FOLLOW_UP.c.result,
            "checked_in_at": FOLLOW_UP.c.checked_in_at,
            "minutes": MINUTES,
            "purpose": purpose,
        },
        tie=FOLLOW_UP.c.id,
        totals=totals(actor, query),
    )


def totals(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the counts of visits; `timed` are those with a known length."""
    statement: Select = sa.select(
        sa.func.count().label("count"),
        sa.func.count().label("visits"),
        sa.func.count(FOLLOW_UP.c.customer_id.distinct()).label("customers"),
        count_if(_first()).label("first_count"),
        total(MINUTES).label("minutes"),
        sa.func.count(MINUTES).label("timed"),
    )
    return statement.select_from(joined()).where(*where(actor, query))


# -- figures -------------------------------------------------------------------------------------


def figures(session: Session, actor: Actor, found: Table) -> list[go.Figure]:
    """Return people, weekday × hour, and provinces."""
    query = found.query
    province = sa.func.substr(CUSTOMER.c.region_code, 1, 2)
    hours = _counted(
        actor, query, {"weekday": WeekdayOf(FOLLOW_UP.c.at), "hour": HourOf(FOLLOW_UP.c.at)}
    )
    return [
        visitors_figure(
            frame(
                session, _counted(actor, query, {"key": FOLLOW_UP.c.owner_id, "name": USER.c.name})
            )
        ),
        hours_figure(frame(session, hours)),
        provinces_figure(frame(session, _grouped_province(actor, query, province))),
    ]


def _counted(actor: Actor, query: CockpitQuery, keys: dict[str, Any]) -> Select[Any]:
    return (
        sa.select(*(v.label(k) for k, v in keys.items()), sa.func.count().label("n"))
        .select_from(joined())
        .where(*where(actor, query))
        .group_by(*keys.values())
    )


def _grouped_province(actor: Actor, query: CockpitQuery, province: Any) -> Select[Any]:
    """Return visits by province; grouped outside, where the key is a plain column."""
    inner = (
        sa.select(province.label("key"))
        .select_from(joined())
        .where(*where(actor, query))
        .subquery("visited")
    )
    return sa.select(inner.c.key, sa.func.count().label("n")).group_by(inner.c.key)
