"""What hangs on a customer, by customer (migration 20261201_stat_customer).

Calls, visits, plans, open deals and contracts in force of whoever did them; what depends on the day
(未跟进天数, the last 30 days, 预警) is told from these when it is read.
"""

from typing import Any

import sqlalchemy as sa

from dashboards.core import filters
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, CUSTOMER, FOLLOW_UP, OPPORTUNITY, PAYMENT, PLAN
from dashboards.core.sql import count_if, positive, total
from dashboards.rollups.rollup import RollUp
from models.core.types import UtcDateTime
from models.sales.follow_up import VISITS
from models.sales.stage import StageKind

METADATA = sa.MetaData()
BIG = sa.BigInteger
STORED = sa.Table(
    "stat_customer",
    METADATA,
    sa.Column("customer_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last_at", UtcDateTime),
    sa.Column("follow_ups", BIG),
    sa.Column("visits", BIG),
    sa.Column("last_visit", UtcDateTime),
    sa.Column("next_at", UtcDateTime),
    sa.Column("open_count", BIG),
    sa.Column("open_amount", BIG),
    sa.Column("contract_amount", BIG),
    sa.Column("unpaid", BIG),
)
NOTES = sa.Table("stat_note", METADATA, sa.Column("customer_id", sa.Integer, nullable=False))
FIGURES = tuple(column.name for column in STORED.c if column.name != "customer_id")


def _of(column: Any, customers: Any) -> list[Any]:
    return [] if customers is None else [column.in_(sa.select(customers.c.customer_id))]


def _contacts(query: CockpitQuery | None, customers: Any) -> Any:
    is_visit = FOLLOW_UP.c.kind.in_(VISITS)
    return (
        sa.select(
            FOLLOW_UP.c.customer_id,
            sa.func.max(FOLLOW_UP.c.at).label("last_at"),
            sa.func.count().label("follow_ups"),
            count_if(is_visit).label("visits"),
            sa.func.max(sa.case((is_visit, FOLLOW_UP.c.at))).label("last_visit"),
        )
        .where(*filters.done(query), *_of(FOLLOW_UP.c.customer_id, customers))
        .group_by(FOLLOW_UP.c.customer_id)
        .subquery("contacts")
    )


def _plans(customers: Any) -> Any:
    return (
        sa.select(PLAN.c.customer_id, sa.func.min(PLAN.c.due_at).label("next_at"))
        .where(PLAN.c.done_at.is_(None), PLAN.c.deleted_at.is_(None))
        .where(*_of(PLAN.c.customer_id, customers))
        .group_by(PLAN.c.customer_id)
        .subquery("plans")
    )


def _deals(customers: Any) -> Any:
    return (
        sa.select(
            OPPORTUNITY.c.customer_id,
            sa.func.count().label("open_count"),
            total(OPPORTUNITY.c.amount).label("open_amount"),
        )
        .where(*filters.counted_opportunity(), OPPORTUNITY.c.state == StageKind.open)
        .where(*_of(OPPORTUNITY.c.customer_id, customers))
        .group_by(OPPORTUNITY.c.customer_id)
        .subquery("deals")
    )


def _signed(query: CockpitQuery | None, customers: Any) -> Any:
    ours = sa.select(CONTRACT.c.id).where(*_of(CONTRACT.c.customer_id, customers))
    kept = [] if customers is None else [PAYMENT.c.contract_id.in_(ours)]
    paid = (
        sa.select(PAYMENT.c.contract_id, total(PAYMENT.c.amount).label("paid"))
        .where(*filters.confirmed(query), *kept)
        .group_by(PAYMENT.c.contract_id)
        .subquery("collected")
    )
    rest = CONTRACT.c.amount - sa.func.coalesce(paid.c.paid, 0)
    return (
        sa.select(
            CONTRACT.c.customer_id,
            total(CONTRACT.c.amount).label("contract_amount"),
            total(positive(rest)).label("unpaid"),
        )
        .select_from(CONTRACT.outerjoin(paid, paid.c.contract_id == CONTRACT.c.id))
        .where(*filters.in_force(), *_of(CONTRACT.c.customer_id, customers))
        .group_by(CONTRACT.c.customer_id)
        .subquery("signed")
    )


def worked_out(query: CockpitQuery | None, customers: Any) -> Any:
    """Return the columns of `STORED` as the raw rows say, of every customer there is.

    `customers` is a CTE of `customer_id`, None all of them; without a query what lies in the
    future counts too.
    """
    called, signed = _contacts(query, customers), _signed(query, customers)
    parts = (called, _plans(customers), _deals(customers), signed)
    source: Any = CUSTOMER
    for part in parts:
        source = source.outerjoin(part, part.c.customer_id == CUSTOMER.c.id)
    known = {name: part.c[name] for part in parts for name in FIGURES if name in part.c}
    return (
        sa.select(CUSTOMER.c.id.label("customer_id"), *(_whole(n, known[n]) for n in FIGURES))
        .select_from(source)
        .where(*_of(CUSTOMER.c.id, customers))
        .cte()
    )


def _whole(name: str, value: Any) -> Any:
    plain = isinstance(STORED.c[name].type, UtcDateTime)
    return (value if plain else sa.func.coalesce(value, 0)).label(name)


CUSTOMERS = RollUp(
    named="customer",
    stored=STORED,
    notes=NOTES,
    whose=CUSTOMER,
    live=lambda customers: worked_out(None, customers),
    lock=20_261_201,
)


def moved(query: CockpitQuery) -> Any:
    """Return the customers that have to be worked out: noted ones, and those with a future.

    What lies behind `as_of` does not count yet, and does in what is stored.
    """
    called = sa.select(FOLLOW_UP.c.customer_id).where(FOLLOW_UP.c.at > query.as_of)
    paid = (
        sa.select(CONTRACT.c.customer_id)
        .select_from(PAYMENT.join(CONTRACT, CONTRACT.c.id == PAYMENT.c.contract_id))
        .where(PAYMENT.c.paid_on > query.today)
    )
    return sa.union(sa.select(NOTES.c.customer_id), called, paid).cte()


def joined(source: Any, query: CockpitQuery) -> tuple[Any, dict[str, Any]]:
    """Return a FROM clause of customers with their figures, and the figures by name.

    What is stored is looked up by the customer's key; the few that moved are worked out beside it.
    """
    noted = moved(query)
    keys = sa.select(noted.c.customer_id).where(noted.c.customer_id.is_not(None))
    live = worked_out(query, keys.cte())
    clean = sa.and_(STORED.c.customer_id == CUSTOMER.c.id, STORED.c.customer_id.not_in(keys))
    whole = source.outerjoin(STORED, clean).outerjoin(live, live.c.customer_id == CUSTOMER.c.id)
    return whole, {
        name: sa.func.coalesce(STORED.c[name], live.c[name], *_blank(name)) for name in FIGURES
    }


def _blank(name: str) -> list[int]:
    return [] if isinstance(STORED.c[name].type, UtcDateTime) else [0]
