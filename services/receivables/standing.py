"""How contracts and orders stand, in SQL: what their grids are sorted and filtered by.

Shares are basis points, cut as `progress.points` cuts them; amounts are 分. Everything stands on
Core tables: it is asked of rows the person sees already.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import ColumnElement

from models.deals.contract import IN_FORCE, Contract
from models.deals.invoice import Invoice, InvoiceState
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from models.deals.payment_plan import PaymentPlan
from services.core.days import today
from services.core.money import total, whole
from services.deals.order import punctuality
from services.query.beside import Question, asked
from services.query.condition_sql import CLAUSES
from services.receivables.instalments import by_days
from services.records import settlement

Number = ColumnElement[Any]
Clause = ColumnElement[bool]
CONTRACT: Any = Contract.__table__
ORDER: Any = Order.__table__.alias("standing_order")  # beside a grid of orders itself
STEP: Any = OrderMilestone.__table__.alias("standing_step")
PAID: Any = Payment.__table__
BILL: Any = Invoice.__table__
LINE: Any = PaymentPlan.__table__
FEW = 5_000  # late instalments that are listed


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


def delivered(of_orders: Callable[[Any], Clause]) -> Number:
    """Return the weight of what is done over that of all that was not skipped, of some orders.

    An order without steps counts as one, done when the order is.
    """
    counts = sa.and_(of_orders(ORDER.c), STEP.c.state != MilestoneState.skipped)
    steps = sa.join(STEP, ORDER, ORDER.c.id == STEP.c.order_id)
    bare = sa.and_(of_orders(ORDER.c), ~sa.exists().where(STEP.c.order_id == ORDER.c.id))
    done, finished = STEP.c.state == MilestoneState.done, ORDER.c.state == OrderState.done

    def added(of_steps: Any, of_bare: Any) -> Number:
        one = sa.select(total(of_steps)).select_from(steps).where(counts)
        other = sa.select(total(of_bare)).select_from(ORDER).where(bare)
        parts = (q.correlate_except(ORDER, STEP).scalar_subquery() for q in (one, other))
        found: Number = whole(next(parts)) + whole(next(parts))
        return found

    return points(
        added(sa.case((done, STEP.c.weight), else_=0), sa.case((finished, 1), else_=0)),
        added(STEP.c.weight, sa.literal(1)),
    )


def of_contract(contract: Any) -> Number:
    """Return 交付 of a contract over all its orders that were not cancelled."""
    return delivered(
        lambda order: sa.and_(
            order.contract_id == contract.id,
            order.state != OrderState.cancelled,
            order.deleted_at.is_(None),
        )
    )


def of_order(order_id: Any) -> Number:
    """Return 交付 of one order."""
    return delivered(lambda order: order.id == order_id)


def more(one: Number, other: Number) -> Number:
    """Return by how much the first is more, 0 where it is not."""
    return sa.case((one > other, one - other), else_=0)


def sorts(day: dt.date) -> dict[str, Any]:
    """Return key → SELECT of (contract, value) of what a grid of contracts is sorted by."""
    c = CONTRACT.c
    values = {
        "plans": settlement.paid_of(c),
        "paid": points(paid(c), c.amount),
        "invoiced": points(billed(c), c.amount),
        "delivered": of_contract(c),
        "overdue": overdue(c, day),
        "unbilled": more(paid(c), billed(c)),
        "uncollected": more(billed(c), paid(c)),
    }
    return {key: sa.select(c.id, value.label("value")) for key, value in values.items()}


def _compare(question: Question, value: Number) -> Clause:
    return CLAUSES[question.op](value, question.value)


@asked(Contract, "invoiced", _("开票（%）"), "share")
def _invoiced(question: Question) -> Clause:
    return _compare(question, points(billed(Contract), Contract.amount))


@asked(Contract, "delivered", _("交付（%）"), "share")
def _delivered(question: Question) -> Clause:
    return _compare(question, of_contract(Contract))


@asked(Contract, "overdue", _("逾期金额"), "money")
def _overdue(question: Question) -> Clause:
    return _compare(question, overdue(Contract, today(question.now)))


@asked(Contract, "days", _("逾期天数"), "int")
def _days(question: Question) -> Clause:
    """Compare by instalments: few that are late are listed, of many each contract is asked for its.

    Neither is fast for both: a list of a hundred thousand is as slow as as many questions.
    """
    day = today(question.now)

    def late(least: int) -> Clause:
        rows = sa.select(LINE.c.contract_id).where(
            settlement.is_open(LINE.c), LINE.c.due_on <= day - dt.timedelta(days=least)
        )
        some = sa.select(sa.func.count()).select_from(rows.limit(FEW).subquery())
        if question.session.connection().execute(some).scalar_one() < FEW:
            return sa.and_(Contract.state.in_(IN_FORCE), Contract.id.in_(rows))
        mine = rows.where(LINE.c.contract_id == Contract.id).correlate_except(LINE)
        return sa.and_(Contract.state.in_(IN_FORCE), mine.exists())

    return by_days(question, late)


@asked(Contract, "unbilled", _("已回款未开票"), "money")
def _unbilled(question: Question) -> Clause:
    return _compare(question, more(paid(Contract), billed(Contract)))


@asked(Contract, "uncollected", _("已开票未回款"), "money")
def _uncollected(question: Question) -> Clause:
    return _compare(question, more(billed(Contract), paid(Contract)))


@asked(Order, "progress", _("交付（%）"), "share")
def _progress(question: Question) -> Clause:
    return _compare(question, of_order(Order.id))


@asked(Order, "days", _("逾期天数"), "int")
def _late_order(question: Question) -> Clause:
    day = today(question.now)

    def late(least: int) -> Clause:
        rows = (
            sa.select(STEP.c.order_id)
            .join(ORDER, ORDER.c.id == STEP.c.order_id)
            .where(
                punctuality.owed(STEP.c, ORDER.c),
                STEP.c.planned_on <= day - dt.timedelta(days=least),
            )
        )
        return Order.id.in_(rows)

    return by_days(question, late)


def unallocated(payment: Any) -> Number:
    """Return what of a payment settles no instalment: 预收 or too much; of a reversed one 0."""
    part: Any = PaymentAllocation.__table__
    query = sa.select(total(part.c.amount)).where(part.c.payment_id == payment.id)
    rest = payment.amount - query.correlate_except(part).scalar_subquery()
    return sa.case((payment.state == PaymentState.reversed, 0), else_=rest)


@asked(Payment, "rest", _("未分摊"), "money")
def _rest(question: Question) -> Clause:
    return _compare(question, unallocated(Payment))
