"""客户跟踪明细表: every approved customer and how long nobody called."""

import datetime as dt
from typing import Any

import pandas as pd
import sqlalchemy as sa
from flask_babel import lazy_gettext as _

import models as m
from dashboards.base import (
    Call,
    Chart,
    Column,
    Summary,
    alive,
    bars,
    contract,
    customer,
    follow_up,
    names,
    on_customer,
    opportunity,
    ordered,
    payment,
    stamped,
    sums,
    total,
    user,
    words_in,
)
from dashboards.query import Query
from services.numbers import ZONE
from services.settings import all_settings

BUCKETS = ("0-7", "8-30", "31-90", "91-180", ">180", "never")
QUIET = (m.CustomerStatus.lost, m.CustomerStatus.invalid)
NEVER = 10**6  # 从未 sorts before every number of days


def columns(_query: Query) -> list[Column]:
    """Return the columns."""
    return [
        Column("code", _("编号")),
        Column("label", _("客户"), link="customer"),
        Column("level", _("等级")),
        Column("status", _("状态")),
        Column("owner", _("销售员")),
        Column("created_at", _("建档日"), "datetime"),
        Column("last_at", _("最近跟进"), "datetime"),
        Column("kind", _("方式")),
        Column("silent", _("未跟进天数"), "days"),
        Column("n", _("累计跟进"), "int", total="sum"),
        Column("n30", _("近30天"), "int", total="sum"),
        Column("n90", _("近90天"), "int", total="sum"),
        Column("visits", _("累计拜访"), "int", total="sum"),
        Column("last_visit", _("最近拜访"), "datetime"),
        Column("next_at", _("下次计划"), "datetime"),
        Column("plan_late", _("计划逾期"), "flag"),
        Column("deals", _("开放商机数"), "int", total="sum"),
        Column("deal_amount", _("开放商机额"), "money", total="sum"),
        Column("signed", _("累计合同额"), "money", total="sum"),
        Column("unpaid", _("未回款"), "money", total="sum"),
        Column("warn", _("预警"), "flag", help=_("未跟进天数超过等级上限；已流失、无效的不预警")),
    ]


def _customers(call: Call) -> Any:
    query = call.query
    return (
        sa.select(
            customer.c["id", "code", "level", "status", "owner_id", "created_at"],
            customer.c.company.label("label"),
        )
        .select_from(sa.outerjoin(customer, user, user.c.id == customer.c.owner_id))
        .where(
            *alive(customer),
            *stamped(call, customer.c.owner_id, user.c.department_id),
            *on_customer(query),
            *words_in(query, customer.c.company, customer.c.code),
        )
        .order_by(customer.c.id.desc())
    )


def _follow_ups(call: Call) -> Any:
    now = call.query.as_of
    manual = [
        follow_up.c.origin == m.Origin.manual,
        follow_up.c.deleted_at.is_(None),
        follow_up.c.at <= now,
    ]
    is_visit = follow_up.c.kind.in_(m.VISITS)

    def since(days: int) -> Any:
        recent = follow_up.c.at >= now - dt.timedelta(days=days)
        return total(sa.case((recent, 1), else_=0))

    return (
        sa.select(
            follow_up.c.customer_id.label("id"),
            sa.func.max(follow_up.c.at).label("last_at"),
            sa.func.count().label("n"),
            since(30).label("n30"),
            since(90).label("n90"),
            total(sa.case((is_visit, 1), else_=0)).label("visits"),
            sa.func.max(sa.case((is_visit, follow_up.c.at))).label("last_visit"),
        )
        .where(*manual)
        .group_by(follow_up.c.customer_id)
    )


def _last_kind(call: Call) -> Any:
    later = follow_up.alias()
    newer = sa.exists().where(
        later.c.customer_id == follow_up.c.customer_id,
        later.c.origin == m.Origin.manual,
        later.c.deleted_at.is_(None),
        later.c.at <= call.query.as_of,
        sa.or_(
            later.c.at > follow_up.c.at,
            sa.and_(later.c.at == follow_up.c.at, later.c.id > follow_up.c.id),
        ),
    )
    return sa.select(follow_up.c.customer_id.label("id"), follow_up.c.kind).where(
        follow_up.c.origin == m.Origin.manual,
        follow_up.c.deleted_at.is_(None),
        follow_up.c.at <= call.query.as_of,
        ~newer,
    )


def _plans() -> Any:
    plan = m.FollowUpPlan.__table__
    return (
        sa.select(plan.c.customer_id.label("id"), sa.func.min(plan.c.due_at).label("next_at"))
        .where(plan.c.done_at.is_(None), plan.c.deleted_at.is_(None))
        .group_by(plan.c.customer_id)
    )


def _deals() -> Any:
    return (
        sa.select(
            opportunity.c.customer_id.label("id"),
            sa.func.count().label("deals"),
            total(opportunity.c.amount).label("deal_amount"),
        )
        .where(*alive(opportunity), opportunity.c.state == m.StageKind.open)
        .group_by(opportunity.c.customer_id)
    )


def _contracts(call: Call) -> Any:
    got = (
        sa.select(payment.c.contract_id, total(payment.c.amount).label("paid"))
        .where(
            payment.c.state == m.PaymentState.confirmed,
            payment.c.deleted_at.is_(None),
            payment.c.paid_on <= call.query.today,
        )
        .group_by(payment.c.contract_id)
        .subquery()
    )
    rest = contract.c.amount - sa.func.coalesce(got.c.paid, 0)
    return (
        sa.select(
            contract.c.customer_id.label("id"),
            total(contract.c.amount).label("signed"),
            total(sa.case((rest > 0, rest), else_=0)).label("unpaid"),
        )
        .select_from(sa.outerjoin(contract, got, got.c.contract_id == contract.c.id))
        .where(*alive(contract), contract.c.state.in_(m.IN_FORCE))
        .group_by(contract.c.customer_id)
    )


def rows(call: Call) -> pd.DataFrame:
    """Return one row a customer; unknown last dates are None, silence without any is NEVER."""
    found = call.frame(_customers(call))
    for statement in (_follow_ups(call), _last_kind(call), _plans(), _deals(), _contracts(call)):
        found = found.merge(call.frame(statement), on="id", how="left")
    numbers = ["n", "n30", "n90", "visits", "deals", "deal_amount", "signed", "unpaid"]
    found[numbers] = found[numbers].fillna(0).astype("int64")
    people, query = names(call, "owner"), call.query
    limits = all_settings(call.session)
    found["customer_id"] = found["id"]
    found["owner"] = ["" if pd.isna(k) else people.get(int(k), "") for k in found["owner_id"]]
    found["silent"] = [
        NEVER if x is None or pd.isna(x) else (query.today - x.astimezone(ZONE).date()).days
        for x in found["last_at"]
    ]
    found["bucket"] = [bucket_of(n) for n in found["silent"]]
    found["plan_late"] = [
        x is not None and not pd.isna(x) and x < query.as_of for x in found["next_at"]
    ]
    found["warn"] = [
        s not in QUIET
        and v is not None
        and not pd.isna(v)
        and n > limits[f"follow_up.days_{v.name}"]
        for s, v, n in zip(found["status"], found["level"], found["silent"], strict=True)
    ]
    if query.bucket:
        found = found[found["bucket"] == query.bucket].reset_index(drop=True)
    return ordered(found, query.sort or "-silent")


def bucket_of(days: int) -> str:
    """Return the bucket: every customer is in exactly one."""
    for key, last in (("0-7", 7), ("8-30", 30), ("31-90", 90), ("91-180", 180)):
        if days <= last:
            return key
    return "never" if days == NEVER else ">180"


def totals(frame: pd.DataFrame) -> dict[str, Any]:
    """Return counts and sums."""
    found = sums(frame, "n", "n30", "n90", "visits", "deals", "deal_amount", "signed", "unpaid")
    return found | {
        "count": len(frame),
        "warned": int(sum(frame["warn"])) if len(frame) else 0,
        "never": int(sum(n == NEVER for n in frame["silent"])) if len(frame) else 0,
    }


def figures(frame: pd.DataFrame, call: Call) -> list[Chart]:
    """Return bars bucket × level."""
    del call
    counts = frame.groupby(["bucket", "level"]).size().to_dict() if len(frame) else {}
    labels = [str(_("从未")) if b == "never" else f"{b} {_('天')}" for b in BUCKETS]
    chart = bars(
        labels,
        [(v.name.upper(), [int(counts.get((b, v), 0)) for b in BUCKETS]) for v in m.Level],
        ids=list(BUCKETS),
        param="bucket",
        stacked=True,
    )
    return [Chart("silence", _("未跟进天数 × 等级"), chart)]


SUMMARY = Summary(
    "tracking", _("客户跟踪明细表"), ("row",), "-silent", columns, rows, figures, totals
)
