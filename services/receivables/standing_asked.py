"""What the grids of contracts, orders, instalments and payments are filtered by: their measures.

What is late is looked for by the dates that have an index; the others are worked out a row.
"""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import ColumnElement

from models.deals.contract import IN_FORCE, Contract
from models.deals.order import Order
from models.deals.payment import Payment
from services.core.days import today
from services.deals.order import punctuality
from services.query.beside import KNOWN, Asker, Question, asked
from services.query.condition_sql import CLAUSES
from services.receivables import standing
from services.receivables.instalments import by_days
from services.receivables.measures import MEASURES, OF_CONTRACT, OF_ORDER, GridMeasure
from services.receivables.standing import LINE, ORDER, STEP
from services.records import settlement

Clause = ColumnElement[bool]
FEW = 5_000  # late instalments that are listed


@asked(Contract, "days", OF_CONTRACT["days"].caption, "int")
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


def _late(day: dt.date, least: int, key: Any) -> Any:
    """Return a SELECT of `key` of the orders with a step that is late by so many days."""
    return (
        sa.select(key)
        .select_from(STEP.join(ORDER, ORDER.c.id == STEP.c.order_id))
        .where(
            punctuality.owed(STEP.c, ORDER.c), STEP.c.planned_on <= day - dt.timedelta(days=least)
        )
    )


@asked(Contract, "late_delivery", OF_CONTRACT["late_delivery"].caption, "int")
def _late_delivery(question: Question) -> Clause:
    day = today(question.now)
    return by_days(
        question,
        lambda least: sa.and_(
            Contract.state.in_(IN_FORCE), Contract.id.in_(_late(day, least, ORDER.c.contract_id))
        ),
    )


@asked(Order, "days", OF_ORDER["days"].caption, "int")
def _late_order(question: Question) -> Clause:
    day = today(question.now)
    return by_days(question, lambda least: Order.id.in_(_late(day, least, STEP.c.order_id)))


@asked(Payment, "rest", _("未分摊"), "money")
def _rest(question: Question) -> Clause:
    return CLAUSES[question.op](standing.unallocated(Payment), question.value)


def _compared(model: type[Any], one: GridMeasure) -> Asker:
    """Return what compares a measure a row."""

    def clause(question: Question) -> Clause:
        value = one.value(model, today(question.now))
        return CLAUSES[question.op](value, question.value)

    return clause


def _register() -> None:
    for model, measures in MEASURES.items():
        for key, one in measures.items():
            if key not in KNOWN.get(model, {}):
                asked(model, key, one.caption, one.kind)(_compared(model, one))


_register()
