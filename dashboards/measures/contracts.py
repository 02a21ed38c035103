"""Contracts in force by the day they were signed, and the steps of their orders."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import Select

from dashboards.core import filters
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, CUSTOMER, PAYMENT, STAMPS
from dashboards.core.sql import positive, total
from dashboards.measures.declared import Fact, Key, Measure, Relation
from dashboards.measures.dimensions import COMMON
from services.deals import billed
from services.deals.order import punctuality
from services.rights.actor import Actor

ROWS = "performance?by=contract"
ISSUED = dict(zip(billed.Billed._fields, billed.of_contract(CONTRACT.c.id), strict=True))["issued"]
SIGNED = CONTRACT.join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id)


def where(actor: Actor, query: CockpitQuery) -> filters.Where:
    """Return which contracts count as signed in the period."""
    return [
        *filters.in_force(),
        filters.days(CONTRACT.c.signed_on, query.period),
        *filters.narrow(actor, query, "contract"),
        *filters.of_contract(query, CONTRACT.c.id),
        *filters.search(actor, query, CONTRACT.c.name, code=CONTRACT.c.code),
    ]


def collected(query: CockpitQuery, contracts: Any = None) -> Any:
    """Return a sub-select: contract → confirmed payments up to the day of `as_of`.

    `contracts`, a select of their keys, keeps it from reading the payments of all others.
    """
    kept = [] if contracts is None else [PAYMENT.c.contract_id.in_(contracts)]
    return (
        sa.select(PAYMENT.c.contract_id, total(PAYMENT.c.amount).label("paid"))
        .where(*filters.confirmed(query), *kept)
        .group_by(PAYMENT.c.contract_id)
        .subquery("collected")
    )


def signed(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the keys of the contracts signed in the period."""
    return sa.select(CONTRACT.c.id).select_from(SIGNED).where(*where(actor, query))


def _contracts(actor: Actor, query: CockpitQuery, _keys: frozenset[Key]) -> Relation:
    paid = collected(query, signed(actor, query))
    return Relation(
        source=SIGNED.outerjoin(paid, paid.c.contract_id == CONTRACT.c.id),
        where=where(actor, query),
        stamp=STAMPS["contract"],
        day=CONTRACT.c.signed_on,
        row={"paid": sa.func.coalesce(paid.c.paid, 0)},
    )


def _steps(actor: Actor, query: CockpitQuery, _keys: frozenset[Key]) -> Relation:
    return Relation(
        source=punctuality.joined(SIGNED),
        where=[*where(actor, query), punctuality.counts(sa.literal(query.today, sa.Date))],
        stamp=STAMPS["contract"],
        day=CONTRACT.c.signed_on,
        row=punctuality.sums(query.today),
    )


CONTRACTS = Fact(
    "contracts",
    _("生效的合同（履行中、履行完毕）"),
    _("签约人"),
    _("签订日"),
    _contracts,
    COMMON | {"contract"},
)
STEPS = Fact(
    "steps",
    _("生效合同的订单节点：已完成或已到期"),
    _("签约人"),
    _("合同的签订日"),
    _steps,
    COMMON | {"contract"},
)

COUNT = Measure(
    "contracts",
    _("合同数"),
    "int",
    _("期内签订且生效的合同（履行中、履行完毕）"),
    CONTRACTS,
    lambda _r: 1,
    drill=ROWS,
)
AMOUNT = Measure(
    "amount",
    _("合同额"),
    "money",
    _("期内签订且生效的合同金额合计"),
    CONTRACTS,
    lambda _r: CONTRACT.c.amount,
    drill=ROWS,
)
COLLECTED = Measure(
    "collected",
    _("已回款"),
    "money",
    _("上述合同截至统计时间已确认的回款"),
    CONTRACTS,
    lambda r: r.row["paid"],
    drill=ROWS,
)
UNPAID = Measure(
    "unpaid",
    _("未回款"),
    "money",
    _("逐份合同：合同额减已回款，不小于 0"),
    CONTRACTS,
    lambda r: positive(CONTRACT.c.amount - r.row["paid"]),
    drill=f"{ROWS}&only=unpaid",
)
# Who signed, where the rows are customers: how many people, and the one where it is one.
SIGNERS = Measure("signers", fact=CONTRACTS, value=lambda _r: CONTRACT.c.signer_id, how="distinct")
SIGNER = Measure("signer", fact=CONTRACTS, value=lambda _r: CONTRACT.c.signer_id, how="max")
RATE = Measure(
    "rate", _("回款率"), "ratio", _("已回款合计 ÷ 合同额合计"), of=(COLLECTED, AMOUNT), drill=ROWS
)
INVOICED = Measure(
    "invoiced",
    _("已开票"),
    "money",
    _("上述合同已开具的发票，减红冲；申请中的不算"),
    CONTRACTS,
    lambda _r: ISSUED,
    drill=ROWS,
)
UNINVOICED = Measure(
    "uninvoiced",
    _("未开票"),
    "money",
    _("逐份合同：合同额减已开票，不小于 0"),
    CONTRACTS,
    lambda _r: positive(CONTRACT.c.amount - ISSUED),
    drill=ROWS,
)
AVERAGE = Measure(
    "average", _("平均合同额"), "money", _("合同额 ÷ 合同数"), of=(AMOUNT, COUNT), drill=ROWS
)


def _step(name: str) -> Measure:
    return Measure(name, fact=STEPS, value=lambda r: r.row[name])


JUDGED, ON_TIME, LATE, LATE_DAYS = (
    _step(name) for name in ("judged", "on_time", "late", "late_days")
)
ON_TIME_RATE = Measure(
    "on_time_rate",
    _("准时率"),
    "ratio",
    _("上述合同的订单节点：按时完成数 ÷ 已完成或已到期数；按最初约定的日期"),
    of=(ON_TIME, JUDGED),
    drill=ROWS,
)
DELAY = Measure(
    "delay",
    _("平均延误天数"),
    "mean",
    _("延误节点的天数合计 ÷ 延误节点数，未完成的算到今天"),
    of=(LATE_DAYS, LATE),
    drill=ROWS,
)
MEASURES = (
    COUNT, AMOUNT, COLLECTED, UNPAID, RATE, INVOICED, UNINVOICED, AVERAGE, ON_TIME_RATE, DELAY,
)  # fmt: skip
