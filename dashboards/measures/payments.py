"""Payments on contracts in force by the day they came in."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from dashboards.core import filters
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, CUSTOMER, PAYMENT, STAMPS
from dashboards.measures.declared import Fact, Key, Measure, Relation
from dashboards.measures.dimensions import COMMON
from services.rights.actor import Actor

JOINED: Any = PAYMENT.join(CONTRACT, CONTRACT.c.id == PAYMENT.c.contract_id).join(
    CUSTOMER, CUSTOMER.c.id == PAYMENT.c.customer_id
)


def where(actor: Actor, query: CockpitQuery) -> filters.Where:
    """Return which payments came in in the period, whatever contract in force they were for.

    None of them where the rows are cut down to instalments; the filter's words say so.
    """
    return [
        *([sa.false()] if filters.only(query) & filters.INSTALMENTS else []),
        *filters.confirmed(query),
        filters.days(PAYMENT.c.paid_on, query.period),
        *filters.in_force(),
        *filters.narrow(actor, query, "payment"),
        *filters.of_contract(query, PAYMENT.c.contract_id),
        *filters.search(actor, query, CONTRACT.c.name, code=CONTRACT.c.code),
    ]


def _rows(actor: Actor, query: CockpitQuery, _keys: frozenset[Key]) -> Relation:
    return Relation(JOINED, where(actor, query), STAMPS["payment"], PAYMENT.c.paid_on)


PAYMENTS = Fact(
    "payments",
    _("生效合同已确认的回款，退款为负"),
    _("回款当时的销售员"),
    _("到账日期"),
    _rows,
    COMMON | {"contract"},
)
CASH = Measure(
    "cash",
    _("本期到账"),
    "money",
    _("期内到账并已确认的回款，含全部生效合同；计给回款当时的销售员"),
    PAYMENTS,
    lambda _r: PAYMENT.c.amount,
    drill="collections?by=payment",
)
MEASURES = (CASH,)
