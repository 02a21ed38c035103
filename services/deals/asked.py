"""What a list of contracts is filtered by beside its columns: what is unpaid, how much is late."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import ColumnElement

from models.deals.contract import IN_FORCE, Contract
from models.deals.payment import Payment, PaymentState
from services.core.days import today
from services.core.money import total
from services.query.beside import Question, asked
from services.query.condition_sql import CLAUSES
from services.records import settlement
from services.rights.row_scope import alias

Number = ColumnElement[Any]


@asked(Contract, "unpaid", _("未回款"), "money")
def unpaid(question: Question) -> ColumnElement[bool]:
    """Compare what a contract still asks for, in 分, not below 0."""
    return CLAUSES[question.op](_most(Contract.amount - _confirmed(), 0), question.value)


def _confirmed() -> Number:
    payment = alias(Payment, "asked")
    rows = sa.select(total(payment.c.amount)).where(
        payment.c.contract_id == Contract.id, payment.c.state == PaymentState.confirmed
    )
    return rows.correlate(Contract).scalar_subquery()


@asked(Contract, "late", _("逾期期数"), "int")
def late(question: Question) -> ColumnElement[bool]:
    """Compare how many instalments are overdue; only a contract in force asks for money."""
    day = today(question.now)
    number = settlement.lines_of(
        Contract, lambda line: sa.and_(line.due_on < day, settlement.is_open(line))
    )
    known = sa.case((Contract.state.in_(IN_FORCE), number), else_=0)
    return CLAUSES[question.op](known, question.value)


def _most(one: Number, other: Number | int) -> Number:
    return sa.case((one > other, one), else_=other)
