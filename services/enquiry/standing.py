"""What an enquiry shows of an order: the steps, what comes next, which day moved and why."""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from models.deals.order import MilestoneState, Order, OrderMilestone
from services.deals.progress import ContractFigures, figures

LONGEST = 60  # characters of what is asked
PUBLIC = "progress"  # the named query of those without an account


@dataclasses.dataclass(frozen=True, slots=True)
class OrderStanding:
    """An order with its milestones, and the figures of its contract."""

    order: Order
    steps: list[OrderMilestone]
    figures: ContractFigures

    @property
    def next(self) -> OrderMilestone | None:
        """Return the first step that is still to be done."""
        open_ones = (step for step in self.steps if step.state is MilestoneState.planned)
        return next(open_ones, None)

    @property
    def moved(self) -> list[OrderMilestone]:
        """Return the open steps whose day is another than was agreed."""
        return [
            step
            for step in self.steps
            if step.state is MilestoneState.planned
            and step.agreed_on is not None
            and step.agreed_on != step.planned_on
        ]


def standings(
    session: Session, orders: Iterable[Order], day: dt.date, system: str | None = None
) -> list[OrderStanding]:
    """Return how orders stand on a day; those whose contract is out of sight are left out.

    `system` names the query where nobody is logged in.
    """
    found = list(orders)
    known = figures(session, [o.contract for o in found if o.contract], day=day, system=system)
    return [
        OrderStanding(order, list(order.milestones), known[order.contract_id])
        for order in found
        if order.contract_id in known
    ]


def public(session: Session, which: Any, day: dt.date) -> list[OrderStanding]:
    """Return how the living orders of a clause stand, for somebody without an account."""
    orders = session.scalars(
        sa.select(Order)
        .where(which, Order.deleted_at.is_(None))
        .order_by(Order.id)
        .options(selectinload(Order.milestones), selectinload(Order.contract)),
        execution_options={"system": PUBLIC},
    )
    return standings(session, orders, day, PUBLIC)
