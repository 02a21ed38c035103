"""How contracts and orders stand, in SQL: the figures of `progress`, for lists of any length.

Shares are basis points, cut as `progress.points` cuts them; amounts are 分. Everything stands on
Core tables: it is asked of rows the person sees already.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from models.deals.contract import IN_FORCE, Contract
from models.deals.invoice import Invoice, InvoiceState
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from models.deals.payment_plan import PaymentPlan
from services.core.money import total, whole
from services.deals.order import punctuality
from services.query.portable import DaysBetween
from services.records import settlement

Number = ColumnElement[Any]
Clause = ColumnElement[bool]
ITS: Any = Contract.__table__.alias("standing_contract")
ORDER: Any = Order.__table__.alias("standing_order")  # beside a grid of orders itself
STEP: Any = OrderMilestone.__table__.alias("standing_step")
_STEPS = sa.join(STEP, ORDER, ORDER.c.id == STEP.c.order_id)
PAID: Any = Payment.__table__
BILL: Any = Invoice.__table__
LINE: Any = PaymentPlan.__table__


def points(part: Number, of: Any) -> Number:
    """Return a share in basis points, cut; 0 of nothing."""
    over = (10_000 * part).op("/", precedence=8, return_type=sa.BigInteger())
    found: Number = sa.func.coalesce(over(sa.func.nullif(of, 0)), 0)
    return found


def paid(contract: Any) -> Number:
    """Return what is confirmed on a contract (a table, an alias or the model)."""
    query = sa.select(total(PAID.c.amount)).where(
        PAID.c.contract_id == contract.id,
        PAID.c.state == PaymentState.confirmed,
        PAID.c.deleted_at.is_(None),
    )
    return query.correlate_except(PAID).scalar_subquery()


def billed(contract: Any) -> Number:
    """Return what is issued on a contract less what was reversed."""
    query = sa.select(total(BILL.c.amount)).where(
        BILL.c.contract_id == contract.id,
        BILL.c.state != InvoiceState.requested,
        BILL.c.deleted_at.is_(None),
    )
    return query.correlate_except(BILL).scalar_subquery()


def overdue(contract: Any, day: dt.date) -> Number:
    """Return what is overdue of the instalments of a contract in force."""
    query = sa.select(total(settlement.rest_of(LINE.c))).where(
        LINE.c.contract_id == contract.id, settlement.is_open(LINE.c), LINE.c.due_on < day
    )
    rest = query.correlate_except(LINE).scalar_subquery()
    return sa.case((contract.state.in_(IN_FORCE), rest), else_=0)


def late_days(contract: Any, day: dt.date) -> Number:
    """Return by how many days the oldest instalment of a contract in force is overdue, else 0."""
    first = sa.select(sa.func.min(LINE.c.due_on)).where(
        LINE.c.contract_id == contract.id, settlement.is_open(LINE.c), LINE.c.due_on < day
    )
    days = _days_since(first.correlate_except(LINE).scalar_subquery(), day)
    return sa.case((contract.state.in_(IN_FORCE), days), else_=0)


def unbilled_due(contract: Any, day: dt.date) -> Number:
    """Return what is due of a contract in force and not invoiced; invoices cover the oldest."""
    due = sa.select(total(LINE.c.amount)).where(
        LINE.c.contract_id == contract.id, LINE.c.due_on < day
    )
    bills = billed(contract)
    rest = more(due.correlate_except(LINE).scalar_subquery(), sa.case((bills > 0, bills), else_=0))
    return sa.case((contract.state.in_(IN_FORCE), rest), else_=0)


def steps(of_orders: Callable[[Any], Clause], counts: Clause) -> Number:
    """Return how many steps of some orders count."""
    query = sa.select(sa.func.count()).select_from(_STEPS).where(of_orders(ORDER.c), counts)
    return query.correlate_except(ORDER, STEP).scalar_subquery()


def late_steps(of_orders: Callable[[Any], Clause], day: dt.date) -> Number:
    """Return by how many days the oldest step of some orders is late, 0 where none is."""
    first = (
        sa.select(sa.func.min(STEP.c.planned_on))
        .select_from(_STEPS)
        .where(of_orders(ORDER.c), punctuality.owed(STEP.c, ORDER.c), STEP.c.planned_on < day)
    )
    return _days_since(first.correlate_except(ORDER, STEP).scalar_subquery(), day)


def _days_since(first: Number, day: dt.date) -> Number:
    return sa.func.coalesce(DaysBetween(sa.literal(day, sa.Date), first), 0)


def delivered(of_orders: Callable[[Any], Clause]) -> Number:
    """Return the weight of what is done over that of all that was not skipped, of some orders.

    An order without steps counts as one, done when the order is.
    """
    counts = sa.and_(of_orders(ORDER.c), STEP.c.state != MilestoneState.skipped)
    bare = sa.and_(of_orders(ORDER.c), ~sa.exists().where(STEP.c.order_id == ORDER.c.id))
    done, finished = STEP.c.state == MilestoneState.done, ORDER.c.state == OrderState.done

    def added(of_steps: Any, of_bare: Any) -> Number:
        one = sa.select(total(of_steps)).select_from(_STEPS).where(counts)
        other = sa.select(total(of_bare)).select_from(ORDER).where(bare)
        parts = (q.correlate_except(ORDER, STEP).scalar_subquery() for q in (one, other))
        found: Number = whole(next(parts)) + whole(next(parts))
        return found

    return points(
        added(sa.case((done, STEP.c.weight), else_=0), sa.case((finished, 1), else_=0)),
        added(STEP.c.weight, sa.literal(1)),
    )


def orders_of(contract: Any) -> Callable[[Any], Clause]:
    """Return "an order of the contract that was not cancelled"."""
    return lambda order: sa.and_(
        order.contract_id == contract.id,
        order.state != OrderState.cancelled,
        order.deleted_at.is_(None),
    )


def only(order_id: Any) -> Callable[[Any], Clause]:
    """Return "this order"."""
    return lambda order: order.id == order_id


def of_its_contract(contract_id: Any, value: Callable[[Any], Number]) -> Number:
    """Return a figure of the contract that a row of another table names."""
    query = sa.select(value(ITS.c)).where(ITS.c.id == contract_id)
    return query.correlate_except(ITS).scalar_subquery()


def more(one: Number, other: Number) -> Number:
    """Return by how much the first is more, 0 where it is not."""
    return sa.case((one > other, one - other), else_=0)


def unallocated(payment: Any) -> Number:
    """Return what of a payment settles no instalment: 预收 or too much; of a reversed one 0."""
    part: Any = PaymentAllocation.__table__
    query = sa.select(total(part.c.amount)).where(part.c.payment_id == payment.id)
    rest = payment.amount - query.correlate_except(part).scalar_subquery()
    return sa.case((payment.state == PaymentState.reversed, 0), else_=rest)
