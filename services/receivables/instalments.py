"""应收: instalments as a list, and what it is filtered by: open, late, how old, in which state.

What is settled says services/records/settlement.py. Amounts in 分.
"""

import datetime as dt
import functools
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import ColumnElement

from models.core.mixins import Approval
from models.deals.contract import IN_FORCE, Contract
from models.deals.payment_plan import AgeBucket, PaymentPlan, PlanState
from services.core.days import today
from services.query.beside import Question, any_of, asked
from services.query.condition_sql import CLAUSES
from services.query.portable import DaysBetween
from services.records import settlement

Clause = ColumnElement[bool]
OLDEST = {AgeBucket.d30: 30, AgeBucket.d60: 60, AgeBucket.d90: 90, AgeBucket.d180: 180}
FOREVER = 100_000  # days
EVER = sa.literal(dt.date(2100, 1, 1), sa.Date)  # whatever day it is, the order is the same


def in_force() -> Clause:
    """Return "its contract asks for money"."""
    contract: Any = Contract.__table__
    rows = sa.select(sa.literal(1)).where(
        contract.c.id == PaymentPlan.contract_id,
        contract.c.state.in_(IN_FORCE),
        contract.c.approval == Approval.approved,
        contract.c.deleted_at.is_(None),
    )
    return rows.correlate(PaymentPlan).exists()


def is_open() -> Clause:
    """Return "not all of it is paid"."""
    found: Clause = settlement.is_open(PaymentPlan)
    return found


def is_late(day: dt.date, least: int = 1, most: int = FOREVER) -> Clause:
    """Return "overdue by so many days"; due today is not overdue."""
    first, last = day - dt.timedelta(days=min(most, FOREVER)), day - dt.timedelta(days=least)
    return sa.and_(is_open(), PaymentPlan.due_on.between(first, last))


def oldest_first() -> ColumnElement[Any]:
    """Return what sorts by days overdue on any day; NULL where nothing is open."""
    found: ColumnElement[Any] = sa.case((is_open(), DaysBetween(EVER, PaymentPlan.due_on)))
    return found


def days_of(line: PaymentPlan, day: dt.date) -> int:
    """Return by how many days an instalment is overdue, 0 where it is not."""
    return max((day - line.due_on).days, 0) if settlement.is_open(line) else 0


def state_of(line: PaymentPlan, day: dt.date) -> PlanState:
    """Return the state of an instalment of a contract in force."""
    if settlement.is_paid(line):
        return PlanState.done
    if line.due_on < day:
        return PlanState.overdue
    return PlanState.partial if line.settled else PlanState.upcoming


def bucket_of(line: PaymentPlan, day: dt.date) -> AgeBucket | None:
    """Return how old what is open of it is, None where nothing is."""
    if settlement.is_paid(line):
        return None
    days = days_of(line, day)
    if not days:
        return AgeBucket.not_due
    return next((one for one, most in OLDEST.items() if days <= most), AgeBucket.older)


@asked(PaymentPlan, "open", _("未收"), "money")
def _open(question: Question) -> Clause:
    return CLAUSES[question.op](settlement.rest_of(PaymentPlan), question.value)


@asked(PaymentPlan, "days", _("逾期天数"), "int")
def _days(question: Question) -> Clause:
    day = today(question.now)
    return by_days(question, lambda least: is_late(day, least))


def by_days(question: Question, late: Callable[[int], Clause]) -> Clause:
    """Compare days overdue by due dates, which have an index; what is not overdue has 0 days.

    `late` tells what is overdue by at least so many days, 1 or more.
    """
    value = question.value

    def least(days: int) -> Clause:
        if days <= 0:
            return sa.true()
        return late(days) if days <= FOREVER else sa.false()

    def equal(days: int) -> Clause:
        return sa.and_(least(days), sa.not_(least(days + 1)))

    told: dict[str, Callable[[], Clause]] = {
        "ge": lambda: least(value),
        "gt": lambda: least(value + 1),
        "lt": lambda: sa.not_(least(value)),
        "le": lambda: sa.not_(least(value + 1)),
        "eq": lambda: equal(value),
        "ne": lambda: sa.not_(equal(value)),
        "in": lambda: sa.or_(sa.false(), *(equal(one) for one in value)),
        "not_in": lambda: sa.not_(sa.or_(sa.false(), *(equal(one) for one in value))),
        "between": lambda: sa.and_(least(value[0]), sa.not_(least(value[1] + 1))),
        "empty": sa.false,
        "filled": sa.true,
    }
    return told[question.op]()


@asked(PaymentPlan, "bucket", _("账龄"), "enum", target=AgeBucket)
def _bucket(question: Question) -> Clause:
    return any_of(question, functools.partial(_in_bucket, today(question.now)), is_open())


@asked(PaymentPlan, "state", _("状态"), "enum", target=PlanState)
def _state(question: Question) -> Clause:
    return any_of(question, functools.partial(_in_state, today(question.now)), is_open())


def _in_bucket(day: dt.date, bucket: AgeBucket) -> Clause:
    if bucket is AgeBucket.not_due:
        return sa.and_(is_open(), PaymentPlan.due_on >= day)
    steps = [0, *OLDEST.values(), FOREVER]
    place = list(AgeBucket).index(bucket)
    return is_late(day, steps[place - 1] + 1, steps[place])


def _in_state(day: dt.date, state: PlanState) -> Clause:
    still = sa.and_(is_open(), PaymentPlan.due_on >= day)
    return {
        PlanState.done: sa.not_(is_open()),
        PlanState.overdue: is_late(day),
        PlanState.partial: sa.and_(still, PaymentPlan.settled != 0),
        PlanState.upcoming: sa.and_(still, PaymentPlan.settled == 0),
    }.get(state, sa.false())
