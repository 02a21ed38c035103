"""What a list of contracts is filtered by beside their own fields: 回款%, what is settled, late."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import ColumnElement

from models.deals.contract import IN_FORCE, Contract, ContractState
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from models.deals.payment_plan import PaymentPlan
from services.core.days import today
from services.core.money import total
from services.query.beside import Question, asked
from services.query.condition_sql import CLAUSES
from services.rights.row_scope import alias

Number = ColumnElement[Any]


@asked(Contract, "paid", _("回款（%）"), "share")
def paid(question: Question) -> ColumnElement[bool]:
    """Compare 回款% in basis points, cut as `progress.points` does."""
    part = 10_000 * _confirmed()
    percent = sa.func.coalesce(_over(part, sa.func.nullif(Contract.amount, 0)), 0)
    return CLAUSES[question.op](percent, question.value)


@asked(Contract, "unpaid", _("未回款"), "money")
def unpaid(question: Question) -> ColumnElement[bool]:
    """Compare what a contract still asks for, in 分, not below 0."""
    return CLAUSES[question.op](_most(Contract.amount - _confirmed(), 0), question.value)


def _over(part: Number, whole: Number) -> Number:
    """Return a division of whole numbers: SQLAlchemy's own gives a fraction."""
    return part.op("/", precedence=8, return_type=sa.BigInteger())(whole)


def _confirmed() -> Number:
    payment = alias(Payment, "asked")
    rows = sa.select(total(payment.c.amount)).where(
        payment.c.contract_id == Contract.id, payment.c.state == PaymentState.confirmed
    )
    return rows.correlate(Contract).scalar_subquery()


@asked(Contract, "plans", _("已收期数"), "int")
def settled(question: Question) -> ColumnElement[bool]:
    """Compare how many instalments are paid in full; none of a void contract is."""
    number = _number(lambda line, paid: paid >= line.c.amount)
    known = sa.case((Contract.state == ContractState.void, 0), else_=number)
    return CLAUSES[question.op](known, question.value)


@asked(Contract, "late", _("逾期期数"), "int")
def late(question: Question) -> ColumnElement[bool]:
    """Compare how many instalments are overdue; only a contract in force asks for money."""
    day = today(question.now)
    number = _number(lambda line, paid: sa.and_(line.c.due_on < day, paid < line.c.amount))
    known = sa.case((Contract.state.in_(IN_FORCE), number), else_=0)
    return CLAUSES[question.op](known, question.value)


def _number(counts: Callable[[Any, Any], ColumnElement[bool]]) -> Number:
    """Return how many instalments of a contract count, by their row and what is settled of them.

    Where all money is allocated, as it nearly always is, the allocations say it alone.
    """
    line, share = alias(PaymentPlan, "simple"), alias(PaymentAllocation, "simple")
    payment = alias(Payment, "simple")
    spread = sa.select(total(share.c.amount)).where(
        share.c.payment_id == payment.c.id,
        payment.c.contract_id == Contract.id,
        payment.c.state == PaymentState.confirmed,
    )
    plain = sa.select(sa.func.count()).where(
        line.c.contract_id == Contract.id, counts(line, _direct(line))
    )
    told = _lines()
    queued = sa.select(sa.func.count()).select_from(told).where(counts(told, told.c.settled))
    all_of_it = _confirmed() == spread.correlate(Contract).scalar_subquery()
    return sa.case(
        (all_of_it, plain.correlate(Contract).scalar_subquery()), else_=queued.scalar_subquery()
    )


def _direct(line: sa.Alias) -> Number:
    """Return what allocations of confirmed payments settle of an instalment, in 分."""
    share, payment = alias(PaymentAllocation, "direct"), alias(Payment, "direct")
    state = sa.select(payment.c.state).where(payment.c.id == share.c.payment_id)
    rows = sa.select(total(share.c.amount)).where(
        share.c.plan_id == line.c.id,
        state.correlate(share).scalar_subquery() == PaymentState.confirmed,
    )
    return rows.correlate(line).scalar_subquery()


def _lines() -> sa.Subquery:
    """Return amount, due_on and settled (分) of a contract's instalments.

    As services/deals/progress.py counts: allocations first, money without one fills the oldest
    lines, a refund without one empties the newest.
    """
    line = alias(PaymentPlan, "line")
    told = (
        sa.select(line.c.id, line.c.amount, line.c.due_on, _direct(line).label("direct"))
        .where(line.c.contract_id == Contract.id)
        .correlate(Contract)
        .subquery("told")
    )
    oldest: dict[str, Any] = {"order_by": [told.c.due_on, told.c.id], "rows": (None, -1)}
    newest: dict[str, Any] = {
        "order_by": [told.c.due_on.desc(), told.c.id.desc()],
        "rows": (None, -1),
    }
    room = _most(told.c.amount - told.c.direct, 0)
    every = sa.func.sum(told.c.direct).over()
    queued = sa.select(
        told.c.amount,
        told.c.due_on,
        told.c.direct,
        room.label("room"),
        sa.func.coalesce(sa.func.sum(room).over(**oldest), 0).label("before"),
        sa.func.coalesce(sa.func.sum(told.c.direct).over(**newest), 0).label("behind"),
        (_confirmed() - every).label("rest"),
    ).subquery("queued")
    c = queued.c
    filled = _least(_most(c.rest - c.before, 0), c.room)
    emptied = _least(_most(-c.rest - c.behind, 0), _most(c.direct, 0))
    return sa.select(c.amount, c.due_on, (c.direct + filled - emptied).label("settled")).subquery(
        "shares"
    )


def _most(one: Number, other: Number | int) -> Number:
    return sa.case((one > other, one), else_=other)


def _least(one: Number, other: Number) -> Number:
    return sa.case((one < other, one), else_=other)
