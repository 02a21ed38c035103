"""客户业绩汇总表: what was signed in the period, what of it came in, and what is new.

Grain: a customer with at least one contract in force signed in the period, or another key by
`by`. Contracts count for their signer, payments and opportunities for their own stamps.
"""

from typing import Any

import pandas as pd
import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from dashboards import charts, filters
from dashboards.columns import Column
from dashboards.names import labelled
from dashboards.period import Period
from dashboards.query import Choices, CockpitQuery
from dashboards.scope import (
    CONTRACT,
    CUSTOMER,
    OPPORTUNITY,
    OPTION,
    PAYMENT,
    STAMPS,
    USER,
    openable,
)
from dashboards.sql import DayOf, MonthOf, caption, count_if, frame, positive, total
from models import Level, StageKind
from services.actor import Actor

BY = {
    "customer": _("客户"),
    "owner": _("销售员"),
    "department": _("部门"),
    "industry": _("行业"),
    "level": _("等级"),
    "source": _("来源"),
    "month": _("月份"),
    "contract": _("合同"),
}
# The page of a grain that is no customer counts everything stamped, the customer's grain only
# customers who signed: their keys come from different frames.
OWN_KEYS = frozenset({"customer", "contract"})
MEASURES = (
    Column(
        "contracts",
        _("合同数"),
        "int",
        _("期内签订且生效的合同（履行中、履行完毕）"),
        drill="performance?by=contract&customer={customer_id}",
    ),
    Column("amount", _("合同额"), "money", _("期内签订且生效的合同金额合计")),
    Column("collected", _("已回款"), "money", _("上述合同截至数据时间已确认的回款")),
    Column(
        "unpaid",
        _("未回款"),
        "money",
        _("逐份合同：合同额减已回款，不小于 0"),
        drill="collections?by=plan&customer={customer_id}&from=1990-01-01&to=2099-12-31",
    ),
    Column("rate", _("回款率"), "ratio", _("已回款合计 ÷ 合同额合计"), of=("collected", "amount")),
    Column("cash", _("本期到账"), "money", _("期内到账的回款，不论哪一份合同")),
    Column("average", _("平均合同额"), "money", _("合同额 ÷ 合同数"), of=("amount", "contracts")),
    Column(
        "created",
        _("新增商机数"),
        "int",
        _("期内新建并通过审批的商机"),
        drill="opportunities?date=created&customer={customer_id}",
    ),
    Column(
        "win_rate",
        _("赢单率"),
        "ratio",
        _("期内关闭的商机：赢单数 ÷（赢单数＋输单数）"),
        of=("won", "closed"),
    ),
    Column("share", _("占比"), "ratio", _("合同额占全部筛选结果的比例"), of=("amount", "whole")),
)
CUSTOMERS = (
    Column("code", _("客户编号"), private=True, link=("customer", "customer_id")),
    Column(
        "company",
        _("客户单位"),
        private=True,
        link=("customer", "customer_id"),
        narrow=("customer", "customer_id"),
    ),
    Column("industry", _("行业"), narrow=("industry", "industry_id")),
    Column("level", _("等级"), "enum", narrow=("level", "level")),
    Column("owner", _("销售员"), help=_("签约人；有几位时显示人数"), narrow=("owner", "owner_id")),
)
CONTRACTS = (
    Column("code", _("合同编号"), private=True, link=("contract", "contract_id")),
    Column("name", _("合同名称"), private=True, link=("contract", "contract_id")),
    Column("company", _("客户单位"), private=True, link=("customer", "customer_id")),
    Column("signed_on", _("签订日"), "date"),
    Column("owner", _("签约人"), narrow=("owner", "owner_id")),
)
OF_CONTRACT = frozenset({"amount", "collected", "unpaid", "rate", "cash", "share"})


def columns(by: str) -> tuple[Column, ...]:
    """Return the columns of a grain."""
    if by == "customer":
        return CUSTOMERS + MEASURES
    if by == "contract":
        return CONTRACTS + tuple(c for c in MEASURES if c.key in OF_CONTRACT)
    label = Column("label", BY[by], narrow=None if by == "month" else (by, "key"))
    return (label, *(c if not c.drill else _without_drill(c) for c in MEASURES))


def _without_drill(column: Column) -> Column:
    return Column(column.key, column.label, column.type, column.help)


CHOICES = Choices(
    grains=tuple(BY),
    sorts=lambda by: [c.key for c in columns(by)],
    default_sort=lambda by: "label" if by == "month" else "-amount",
)


# -- statements: builders that the home page's tiles share ---------------------------------------


def collected(query: CockpitQuery) -> Any:
    """Return a sub-select: contract → confirmed payments up to the day of `as_of`."""
    return (
        sa.select(PAYMENT.c.contract_id, total(PAYMENT.c.amount).label("paid"))
        .where(*filters.confirmed(query))
        .group_by(PAYMENT.c.contract_id)
        .subquery("collected")
    )


def signed_where(actor: Actor, query: CockpitQuery, period: Period) -> filters.Where:
    """Return which contracts count as signed in the period."""
    return [
        *filters.in_force(),
        filters.days(CONTRACT.c.signed_on, period),
        *filters.narrow(actor, query, "contract"),
        *filters.search(actor, query, CONTRACT.c.name, code=CONTRACT.c.code),
    ]


def signed(actor: Actor, query: CockpitQuery, key: Any, period: Period) -> Select[Any]:
    """Return contracts, amount, collected, unpaid and signers by key."""
    paid = collected(query)
    got = sa.func.coalesce(paid.c.paid, 0)
    return (
        sa.select(
            key.label("key"),
            sa.func.count().label("contracts"),
            total(CONTRACT.c.amount).label("amount"),
            total(got).label("collected"),
            total(positive(CONTRACT.c.amount - got)).label("unpaid"),
            sa.func.count(CONTRACT.c.signer_id.distinct()).label("signers"),
            sa.func.min(CONTRACT.c.signer_id).label("signer"),
        )
        .select_from(
            CONTRACT.join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id).outerjoin(
                paid, paid.c.contract_id == CONTRACT.c.id
            )
        )
        .where(*signed_where(actor, query, period))
        .group_by(key)
    )


def cash(actor: Actor, query: CockpitQuery, key: Any, period: Period) -> Select[Any]:
    """Return what was paid in the period by key, whatever contract in force it was for."""
    return (
        sa.select(key.label("key"), total(PAYMENT.c.amount).label("cash"))
        .select_from(
            PAYMENT.join(CONTRACT, CONTRACT.c.id == PAYMENT.c.contract_id).join(
                CUSTOMER, CUSTOMER.c.id == PAYMENT.c.customer_id
            )
        )
        .where(
            *filters.confirmed(query),
            filters.days(PAYMENT.c.paid_on, period),
            *filters.in_force(),
            *filters.narrow(actor, query, "payment"),
            *filters.search(actor, query, CONTRACT.c.name, code=CONTRACT.c.code),
        )
        .group_by(key)
    )


def opportunities(actor: Actor, query: CockpitQuery, key: Any, *, closed: bool) -> Select[Any]:
    """Return opportunities created in the period, or won and closed in it, by key."""
    when = (
        filters.days(OPPORTUNITY.c.closed_on, query.period)
        if closed
        else filters.instants(OPPORTUNITY.c.created_at, query.period)
    )
    won = count_if(OPPORTUNITY.c.state == StageKind.won).label("won")
    counts = (
        [won, sa.func.count().label("closed")] if closed else [sa.func.count().label("created")]
    )
    return (
        sa.select(key.label("key"), *counts)
        .select_from(OPPORTUNITY.join(CUSTOMER, CUSTOMER.c.id == OPPORTUNITY.c.customer_id))
        .where(
            *filters.counted_opportunity(),
            when,
            *filters.narrow(actor, query, "opportunity"),
            *filters.search(actor, query),
        )
        .group_by(key)
    )


def _key(by: str, noun: str, day: Any) -> Any:
    stamp = STAMPS[noun]
    return {
        "customer": CUSTOMER.c.id,
        "owner": stamp.owner,
        "department": stamp.department,
        "industry": CUSTOMER.c.industry_id,
        "level": CUSTOMER.c.level,
        "source": CUSTOMER.c.source_id,
        "month": MonthOf(day),
        "contract": CONTRACT.c.id,
    }[by]


# -- frames --------------------------------------------------------------------------------------


def rows(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
    """Return all filtered rows, amounts in 分."""
    by = query.by
    if by == "contract":
        data = frame(session, _contracts(actor, query))
    elif by == "customer":
        data = frame(session, _customers(actor, query))
    else:
        data = frame(
            session, signed(actor, query, _key(by, "contract", CONTRACT.c.signed_on), query.period)
        )
    how = "left" if by in OWN_KEYS else "outer"
    for part in _other_measures(session, actor, query):
        # Keys are matched as texts: merging sorts them, and levels have no order.
        data = data.merge(part, on="key", how=how) if by != "level" else _by_level(data, part)
    return _finished(session, query, data)


def _by_level(data: pd.DataFrame, part: pd.DataFrame) -> pd.DataFrame:
    names = [one.assign(key=one["key"].map(charts.key_text)) for one in (data, part)]
    found = names[0].merge(names[1], on="key", how="outer")
    return found.assign(key=[Level.__members__.get(key) for key in found["key"]])


def _other_measures(session: Session, actor: Actor, query: CockpitQuery) -> list[pd.DataFrame]:
    by, period = query.by, query.period
    found = [frame(session, cash(actor, query, _key(by, "payment", PAYMENT.c.paid_on), period))]
    if by == "contract":
        return found
    days = {False: DayOf(OPPORTUNITY.c.created_at), True: OPPORTUNITY.c.closed_on}
    return found + [
        frame(session, opportunities(actor, query, _key(by, "opportunity", day), closed=closed))
        for closed, day in days.items()
    ]


def _finished(session: Session, query: CockpitQuery, data: pd.DataFrame) -> pd.DataFrame:
    """Fill what a key has none of with 0, and give labels and the whole for the share."""
    numbers = ("contracts", "amount", "collected", "unpaid", "cash", "created", "won", "closed")
    for name in numbers:
        if name not in data:
            data[name] = 0
        data[name] = data[name].map(lambda v: 0 if pd.isna(v) else int(v)).astype(object)
    data["whole"] = int(data["amount"].sum())
    data["whole"] = data["whole"].astype(object)
    if query.by in OWN_KEYS:
        data["id"] = data["key"]
        return data
    return labelled(session, data, query.by)


def _customers(actor: Actor, query: CockpitQuery) -> Select[Any]:
    found = signed(actor, query, CUSTOMER.c.id, query.period).subquery("signed")
    joined = CUSTOMER.join(found, found.c.key == CUSTOMER.c.id, isouter=query.undealt)
    several = sa.func.coalesce(found.c.signer, CUSTOMER.c.owner_id)
    statement = sa.select(
        CUSTOMER.c.id.label("key"),
        CUSTOMER.c.id.label("customer_id"),
        CUSTOMER.c.code,
        CUSTOMER.c.company,
        CUSTOMER.c.level,
        CUSTOMER.c.industry_id,
        caption(OPTION).label("industry"),
        openable(actor, CUSTOMER.c.id).label("opened"),
        found.c.contracts,
        found.c.amount,
        found.c.collected,
        found.c.unpaid,
        sa.case((found.c.signers > 1, None), else_=several).label("owner_id"),
        sa.case(
            (
                found.c.signers > 1,
                gettext("多人") + sa.literal("(") + sa.cast(found.c.signers, sa.String) + ")",
            ),
            else_=USER.c.name,
        ).label("owner"),
    ).select_from(
        joined.outerjoin(OPTION, OPTION.c.id == CUSTOMER.c.industry_id).outerjoin(
            USER, USER.c.id == several
        )
    )
    if not query.undealt:
        return statement
    return statement.where(sa.or_(found.c.key.is_not(None), sa.and_(*_undealt(actor, query))))


def _undealt(actor: Actor, query: CockpitQuery) -> filters.Where:
    """Return which customers without a contract are shown: those whose owner now is in scope."""
    return [
        *filters.counted_customer(),
        *filters.narrow(actor, query, "customer"),
        *filters.search(actor, query),
    ]


def _contracts(actor: Actor, query: CockpitQuery) -> Select[Any]:
    paid = collected(query)
    got = sa.func.coalesce(paid.c.paid, 0)
    return (
        sa.select(
            CONTRACT.c.id.label("key"),
            CONTRACT.c.id.label("contract_id"),
            CONTRACT.c.code,
            CONTRACT.c.name,
            CONTRACT.c.signed_on,
            CUSTOMER.c.id.label("customer_id"),
            CUSTOMER.c.company,
            openable(actor, CUSTOMER.c.id).label("opened"),
            CONTRACT.c.signer_id.label("owner_id"),
            USER.c.name.label("owner"),
            CONTRACT.c.amount,
            got.label("collected"),
            positive(CONTRACT.c.amount - got).label("unpaid"),
        )
        .select_from(
            CONTRACT.join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id)
            .outerjoin(paid, paid.c.contract_id == CONTRACT.c.id)
            .outerjoin(USER, USER.c.id == CONTRACT.c.signer_id)
        )
        .where(*signed_where(actor, query, query.period))
    )
