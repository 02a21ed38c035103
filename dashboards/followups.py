"""跟进记录明细表: what was done with customers, and by whom.

Rows of origin approval are shown and counted nowhere.
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

from dashboards import charts, filters
from dashboards.columns import Column
from dashboards.period import midnight
from dashboards.query import Choices, CockpitQuery
from dashboards.scope import CUSTOMER, FOLLOW_UP, OPPORTUNITY, PLAN, USER, openable
from dashboards.sql import DayOf, DaysBetween, count_if, frame
from dashboards.table import Detail
from models import FollowUpKind
from services.actor import Actor

EARLIER = FOLLOW_UP.alias("earlier")
LATER = FOLLOW_UP.alias("later")
MANUAL = filters.made_by_people(FOLLOW_UP)
COLUMNS = (
    Column("at", _("时间"), "datetime", link=("followup", "follow_up_id")),
    Column(
        "company",
        _("客户"),
        private=True,
        link=("customer", "customer_id"),
        narrow=("customer", "customer_id"),
    ),
    Column(
        "opportunity",
        _("商机"),
        private=True,
        link=("opportunity", "opportunity_id"),
        sortable=False,
    ),
    Column("owner", _("销售员"), help=_("当时的跟进人"), narrow=("owner", "owner_id")),
    Column("kind", _("方式"), "enum", narrow=("kind", "kind")),
    Column("content", _("内容"), "long", private=True, sortable=False),
    Column("result", _("结果"), "enum"),
    Column("next_at", _("下次跟进"), "datetime", _("写这条跟进时定下的下次时间")),
    Column(
        "missed",
        _("逾期未跟"),
        "bool",
        _("下次跟进日期早于今天，且这是该客户最近一次跟进"),
        sortable=False,
    ),
    Column("gap_days", _("距上次天数"), "days", _("与该客户上一次跟进相隔的天数"), sortable=False),
    Column("origin", _("来源"), "enum", _("审批同步的记录不计入次数")),
)
TOTALS = (
    Column("records", _("跟进次数"), "int", _("不含审批同步")),
    Column("customers", _("跟进客户数"), "int", _("不重复")),
    Column("staff", _("跟进人数"), "int", _("不重复")),
    Column("per_head", _("人均次数"), "mean", of=("records", "staff")),
    Column("missed_count", _("逾期未跟"), "int"),
)
CHOICES = Choices(
    grains=("row",),
    sorts=lambda _by: [c.key for c in COLUMNS if c.sortable],
    default_sort=lambda _by: "-at",
)
KINDS = tuple(kind for kind in FollowUpKind if kind is not FollowUpKind.system)


def columns(_by: str) -> tuple[Column, ...]:
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
    return found


def previous(what: Any) -> Any:
    """Return an aggregate over what people did with the same customer before this row."""
    return (
        sa.select(what)
        .select_from(EARLIER)
        .where(
            EARLIER.c.customer_id == FOLLOW_UP.c.customer_id,
            filters.made_by_people(EARLIER),
            EARLIER.c.deleted_at.is_(None),
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
        LATER.c.deleted_at.is_(None),
        _before(FOLLOW_UP, LATER),
    )
    late = sa.exists().where(
        PLAN.c.made_by_id == FOLLOW_UP.c.id,
        PLAN.c.deleted_at.is_(None),
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
            FOLLOW_UP.c["opportunity_id", "owner_id", "at", "kind", "content", "result", "origin"],
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


def figures(
    session: Session, actor: Actor, query: CockpitQuery, data: pd.DataFrame
) -> list[go.Figure]:
    """Return people by kind, and records over time."""
    del data
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
    return [people_figure(people), time_figure(days, query)]


def people_figure(counts: pd.DataFrame) -> go.Figure:
    """Return stacked bars: a person's follow-ups by kind."""
    people: dict[Any, dict[str, Any]] = {}
    for row in counts.to_dict("records"):
        blank: dict[str, Any] = dict.fromkeys((kind.name for kind in KINDS), 0)
        person = people.setdefault(row["key"], blank | {"name": row["name"], "n": 0})
        person[row["kind"].name] += int(row["n"])
        person["n"] += int(row["n"])
    shown = pd.DataFrame(
        [
            person
            | {"label": person["name"] or gettext("（未填写）"), "pick": charts.pick("owner", key)}
            for key, person in people.items()
        ],
        columns=["label", "pick", "n", *(kind.name for kind in KINDS)],
        dtype=object,
    )
    used = [kind for kind in KINDS if int(shown[kind.name].sum())]
    return charts.bars(
        charts.top(shown, "n", ("n", *(kind.name for kind in KINDS))),
        [(kind.name, str(kind)) for kind in used],
        gettext("各人跟进次数与方式"),
        scale=1,
        stacked=True,
    )


def time_figure(counts: pd.DataFrame, query: CockpitQuery) -> go.Figure:
    """Return follow-ups by day, week or month."""
    days: dict[dt.date, int] = {r["day"]: int(r["n"]) for r in counts.to_dict("records")}
    return charts.timeline(days, query, gettext("跟进次数走势"), lambda n: gettext("%(n)s 次", n=n))
