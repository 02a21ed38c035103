"""客户跟踪明细表: every approved customer, and how long nobody called.

Grain: a customer of whoever answers for it now; what hangs on it counts whoever did it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, Select

from dashboards.core import charts, filters
from dashboards.core.columns import TableColumn
from dashboards.core.period import PRESETS, midnight
from dashboards.core.query import CockpitQuery, SummaryOptions
from dashboards.core.scope import CUSTOMER, FOLLOW_UP, USER, openable
from dashboards.core.sql import DayOf, count_if, frame, total
from dashboards.core.table import Detail, Table
from dashboards.core.values import BUCKETS
from dashboards.rollups import customers
from models.core.setting import Setting
from models.customers.customer import CustomerStatus, Level
from services.core.settings import CATALOGUE
from services.query.portable import DaysBetween
from services.rights.actor import Actor

SETTING = Setting.__table__
QUIET = (CustomerStatus.lost, CustomerStatus.invalid)
RECENT = {"follow_ups_30": "30d", "follow_ups_90": "90d"}
LONGEST = "90d"
NEVER = 1_000_000  # 从未 comes before every number of days
LAST_DAYS = (("0-7", 7), ("8-30", 30), ("31-90", 90), ("91-180", 180))
BY_PEOPLE = "followup:f.customer_id={customer_id}&f.origin=not_in:approval"
OPEN_ONES = "opportunity:f.customer_id={customer_id}&f.state=open&f.approval=approved"
CONTRACTS = "contract:f.customer_id={customer_id}&f.state=in:active,done&f.approval=approved"
COLUMNS = (
    TableColumn("code", _("编号"), private=True, link=("customer", "customer_id")),
    TableColumn("company", _("客户"), private=True, link=("customer", "customer_id")),
    TableColumn("level", _("等级"), "enum", narrow=("level", "level")),
    TableColumn("status", _("状态"), "enum", narrow=("status", "status")),
    TableColumn("owner", _("销售员"), help=_("现在的销售员"), narrow=("owner", "owner_id")),
    TableColumn("created_at", _("建档日期"), "day"),
    TableColumn("last_at", _("最近跟进"), "datetime"),
    TableColumn("last_kind", _("方式"), "enum", sortable=False),
    TableColumn("quiet_days", _("未跟进天数"), "quiet", narrow=("bucket", "bucket")),
    TableColumn("follow_ups", _("累计跟进（次）"), "int", _("不含审批同步"), drill=BY_PEOPLE),
    TableColumn(
        "follow_ups_30", _("近 30 天跟进"), "int", drill=f"{BY_PEOPLE}&f.at=ge:{{since_30}}"
    ),
    TableColumn(
        "follow_ups_90", _("近 90 天跟进"), "int", drill=f"{BY_PEOPLE}&f.at=ge:{{since_90}}"
    ),
    TableColumn(
        "visits",
        _("累计拜访（次）"),
        "int",
        _("上门拜访和来访"),
        drill=f"{BY_PEOPLE}&f.kind=in:visit,reception",
    ),
    TableColumn("last_visit", _("最近拜访"), "day"),
    TableColumn("next_at", _("下次计划"), "datetime", _("最早的未完成跟进计划")),
    TableColumn("plan_late", _("计划逾期"), "bool", _("下次计划的日期早于今天"), sortable=False),
    TableColumn("open_count", _("进行中商机数"), "int", drill=OPEN_ONES),
    TableColumn("open_amount", _("进行中商机额"), "money", drill=OPEN_ONES),
    TableColumn(
        "contract_amount", _("累计合同额"), "money", _("履行中和履行完毕的合同"), drill=CONTRACTS
    ),
    TableColumn(
        "unpaid",
        _("累计未回款"),
        "money",
        _("该客户全部生效合同，逐份：合同额减已回款，不小于 0"),
        drill=f"{CONTRACTS}&f.unpaid=ge:0.01",
    ),
    TableColumn(
        "alert",
        _("预警"),
        "bool",
        _("未跟进天数超过等级限值（从未跟进也算）；已流失、无效的不预警"),
        sortable=False,
    ),
)
SUMS = (
    "follow_ups",
    "follow_ups_30",
    "follow_ups_90",
    "visits",
    "open_count",
    "open_amount",
    "contract_amount",
    "unpaid",
)
# The sums of the page open the customers that have such an amount.
SUMMED = tuple(
    dataclasses.replace(column, drill=f"tracking?only={flag}")
    for key, flag in (
        ("open_amount", "dealing"),
        ("contract_amount", "signed"),
        ("unpaid", "unpaid"),
    )
    for column in COLUMNS
    if column.key == key
)
CHOICES = SummaryOptions(
    grains=("row",),
    sorts=lambda _by: [c.key for c in COLUMNS if c.sortable],
    default_sort=lambda _by: "-quiet_days",
    only=("alert", "dealing", "signed", "unpaid"),
    clicked=("bucket",),
)


def columns(_by: str) -> tuple[TableColumn, ...]:
    """Return the columns."""
    return COLUMNS


# -- what hangs on a customer ---------------------------------------------------------------------


def _since(query: CockpitQuery, preset: str) -> Any:
    start, _end = PRESETS[preset](query.today).instants
    return FOLLOW_UP.c.at >= start


def _recent(query: CockpitQuery) -> dict[str, Any]:
    """Return how often a customer was called lately, asked of each by itself."""
    mine = FOLLOW_UP.c.customer_id == CUSTOMER.c.id
    called = sa.select(sa.func.count()).where(*filters.done(query), mine)
    return {
        key: called.where(_since(query, preset)).correlate(CUSTOMER).scalar_subquery()
        for key, preset in RECENT.items()
    }


def _recent_of_all(query: CockpitQuery) -> Any:
    """Return the same of all customers: one reading of what was done lately."""
    lately = {key: count_if(_since(query, preset)) for key, preset in RECENT.items()}
    return (
        sa.select(FOLLOW_UP.c.customer_id, *(one.label(key) for key, one in lately.items()))
        .where(*filters.done(query), _since(query, LONGEST))
        .group_by(FOLLOW_UP.c.customer_id)
        .subquery("lately")
    )


def _last_kind(query: CockpitQuery) -> Any:
    return (
        sa.select(FOLLOW_UP.c.kind)
        .where(*filters.done(query), FOLLOW_UP.c.customer_id == CUSTOMER.c.id)
        .order_by(FOLLOW_UP.c.at.desc(), FOLLOW_UP.c.id.desc())
        .limit(1)
        .correlate(CUSTOMER)
        .scalar_subquery()
    )


class _Wide:
    """Customers with what hangs on them: the FROM clause and the measures by key."""

    def __init__(self, query: CockpitQuery) -> None:
        people = CUSTOMER.outerjoin(USER, USER.c.id == CUSTOMER.c.owner_id)
        self.source, kept = customers.joined(people, query)
        days = DaysBetween(sa.literal(query.today, sa.Date), DayOf(kept["last_at"]))
        self.measures: dict[str, Any] = {
            **kept,
            **_recent(query),
            "quiet_days": days,
            "bucket": _bucket(days),
            "plan_late": sa.func.coalesce(kept["next_at"] < midnight(query.today), sa.false()),
            "alert": _alert(days),
        }


def _bucket(days: Any) -> ColumnElement[Any]:
    """Return the bucket: every customer is in exactly one."""
    steps = [(days <= last, key) for key, last in LAST_DAYS]
    return sa.case((days.is_(None), "never"), *steps, else_="181")


def _limit(level: Level) -> Any:
    key = f"follow_up.days_{level.name}"
    saved = sa.select(sa.cast(sa.cast(SETTING.c.value, sa.String), sa.Integer))
    return sa.func.coalesce(
        saved.where(SETTING.c.key == key).scalar_subquery(), CATALOGUE[key].default
    )


def _alert(days: Any) -> ColumnElement[bool]:
    quiet = sa.func.coalesce(days, NEVER)
    over = [sa.and_(CUSTOMER.c.level == level, quiet > _limit(level)) for level in Level]
    return sa.and_(CUSTOMER.c.status.not_in(QUIET), CUSTOMER.c.level.is_not(None), sa.or_(*over))


def where(actor: Actor, query: CockpitQuery, wide: _Wide) -> filters.Where:
    """Return which customers are shown."""
    found = [
        *filters.counted_customer(),
        *filters.narrow(actor, query, "customer"),
        *filters.search(actor, query),
    ]
    if "status" in query.keys:
        found.append(CUSTOMER.c.status.in_(query.keys["status"]))
    if "bucket" in query.keys:
        found.append(wide.measures["bucket"].in_(query.keys["bucket"]))
    clauses = {
        "alert": wide.measures["alert"],
        "dealing": wide.measures["open_count"] > 0,
        "signed": wide.measures["contract_amount"] > 0,
        "unpaid": wide.measures["unpaid"] > 0,
    }
    return [*found, *(c for flag, c in clauses.items() if flag in filters.only(query))]


def detail(actor: Actor, query: CockpitQuery) -> Detail:
    """Return the table of customers."""
    wide = _Wide(query)
    opened = openable(actor, CUSTOMER.c.id)
    condition = where(actor, query, wide)
    measures = wide.measures
    plain = ("last_at", "last_visit", "next_at", *SUMS)
    return Detail(
        rows=sa.select(
            CUSTOMER.c.id.label("customer_id"),
            *CUSTOMER.c["code", "company", "level", "status", "owner_id", "created_at"],
            USER.c.name.label("owner"),
            opened.label("opened"),
            _last_kind(query).label("last_kind"),
            *(column.label(key) for key, column in measures.items()),
        )
        .select_from(wide.source)
        .where(*condition),
        ids=sa.select(CUSTOMER.c.id).select_from(wide.source).where(*condition),
        order={
            "code": sa.case((opened, CUSTOMER.c.code)),
            "company": sa.case((opened, CUSTOMER.c.company)),
            "level": CUSTOMER.c.level,
            "status": CUSTOMER.c.status,
            "owner": USER.c.name,
            "created_at": CUSTOMER.c.created_at,
            "quiet_days": sa.func.coalesce(measures["quiet_days"], NEVER),
            **{key: measures[key] for key in plain},
        },
        tie=CUSTOMER.c.id,
        totals=totals(actor, query),
    )


def totals(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the counts and sums over all customers shown."""
    wide = _Wide(query)
    lately = _recent_of_all(query)
    measures = wide.measures | {key: lately.c[key] for key in RECENT}
    statement: Select = sa.select(
        sa.func.count().label("count"),
        count_if(measures["alert"]).label("alerts"),
        count_if(measures["quiet_days"].is_(None)).label("never"),
        *(total(measures[key]).label(key) for key in SUMS),
    )
    source = wide.source.outerjoin(lately, lately.c.customer_id == CUSTOMER.c.id)
    return statement.select_from(source).where(*where(actor, query, wide))


# -- figures -------------------------------------------------------------------------------------


def figures(session: Session, actor: Actor, found: Table) -> list[go.Figure]:
    """Return the buckets by level."""
    query = found.query
    wide = _Wide(query)
    inner = (
        sa.select(wide.measures["bucket"].label("bucket"), CUSTOMER.c.level)
        .select_from(wide.source)
        .where(*where(actor, query, wide))
        .subquery("tracked")
    )
    statement = sa.select(inner.c.bucket, inner.c.level, sa.func.count().label("n"))
    return [buckets_figure(frame(session, statement.group_by(inner.c.bucket, inner.c.level)))]


def caption(bucket: str) -> str:
    """Return a bucket as people read it."""
    if bucket == "never":
        return gettext("从未跟进")
    if bucket == "181":
        return gettext("180 天以上")
    return gettext("%(days)s 天", days=bucket.replace("-", "–"))


def buckets_figure(counts: pd.DataFrame) -> go.Figure:
    """Return stacked bars: how long nobody called, by level."""
    known: dict[tuple[str, str], int] = {}
    for row in counts.to_dict("records"):
        known[row["bucket"], getattr(row["level"], "name", "none")] = int(row["n"])
    keys = [*(level.name for level in Level), "none"]
    used = [key for key in keys if any(level == key for _bucket, level in known)]
    shown = pd.DataFrame(
        [
            {"label": caption(bucket), "pick": charts.pick("bucket", bucket)}
            | {key: known.get((bucket, key), 0) for key in used}
            for bucket in BUCKETS
        ],
        dtype=object,
    )
    return charts.bars(
        shown,
        [(key, gettext("未填写") if key == "none" else key.upper()) for key in used],
        gettext("未跟进天数 × 等级（客户数）"),
        scale=1,
        stacked="level",
    )
