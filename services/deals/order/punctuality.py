"""On time or late: the one definition of it, for a customer's page and the cockpit.

A step that weighs something is judged once it is done or its promised day has passed while it is
owed. Promised is the day that was first agreed on, so moving a date makes nothing punctual; overdue
is what is owed after the day it is planned for now. Orders of contracts in force count, as
everywhere in the cockpit.
"""

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.deals.contract import IN_FORCE, Contract
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from services.core import money
from services.core.money import total
from services.query.portable import DaysBetween

MEASURES = ("judged", "on_time", "late", "late_days")
STEP: Any = OrderMilestone.__table__
ORDER: Any = Order.__table__
CONTRACT: Any = Contract.__table__
PROMISED = sa.func.coalesce(STEP.c.agreed_on, STEP.c.planned_on)
DONE = STEP.c.state == MilestoneState.done


@dataclasses.dataclass(frozen=True, slots=True)
class Punctuality:
    """How many steps were judged, how many were late, by how many days together."""

    judged: int = 0
    late: int = 0
    days: int = 0

    @property
    def rate(self) -> Decimal | None:
        """Return 准时率 to 4 places, half up; None where nothing was judged."""
        return money.ratio(self.judged - self.late, self.judged)

    @property
    def mean(self) -> Decimal | None:
        """Return the mean days of what was late, to one place, half up; None where nothing was."""
        return money.mean(self.days, self.late)


def owed(step: Any = STEP.c, order: Any = ORDER.c) -> Any:
    """Return whether a step still has to be done, as a clause on the columns of both tables."""
    return sa.and_(
        step.weight > 0,
        step.state == MilestoneState.planned,
        order.state == OrderState.open,
        order.deleted_at.is_(None),
    )


def counts(day: Any) -> Any:
    """Return whether a step is judged on a day (a literal of a date), as a clause."""
    return sa.and_(
        STEP.c.weight > 0,
        STEP.c.state != MilestoneState.skipped,
        ORDER.c.state != OrderState.cancelled,
        ORDER.c.deleted_at.is_(None),
        PROMISED.is_not(None),
        sa.or_(DONE, sa.and_(owed(), day > PROMISED)),
    )


def ended(day: Any) -> Any:
    """Return the day a step was done, or the day that is asked for while it is open."""
    return sa.case((DONE, STEP.c.done_on), else_=day)


def sums(day: dt.date) -> dict[str, Any]:
    """Return what a step adds to each of MEASURES."""
    now = sa.literal(day, sa.Date)
    late = ended(now) > PROMISED
    return {
        "judged": sa.literal_column("1"),
        "on_time": sa.case((late, 0), else_=1),
        "late": sa.case((late, 1), else_=0),
        "late_days": sa.case((late, DaysBetween(ended(now), PROMISED)), else_=0),
    }


def joined(contracts: Any) -> Any:
    """Return contracts (the table, or a join with it) joined with the steps of their orders."""
    return contracts.join(ORDER, ORDER.c.contract_id == CONTRACT.c.id).join(
        STEP, STEP.c.order_id == ORDER.c.id
    )


def of_customer(session: Session, customer_id: int, day: dt.date) -> Punctuality:
    """Return how punctual the contracts of a customer were; unscoped, one statement."""
    each = sums(day)
    statement = sa.select(*(total(each[name]).label(name) for name in MEASURES))
    row = session.execute(
        statement.select_from(joined(CONTRACT)).where(
            CONTRACT.c.customer_id == customer_id,
            CONTRACT.c.state.in_(IN_FORCE),
            CONTRACT.c.approval == Approval.approved,
            CONTRACT.c.deleted_at.is_(None),
            counts(sa.literal(day, sa.Date)),
        )
    ).one()
    return Punctuality(row.judged, row.late, row.late_days)
