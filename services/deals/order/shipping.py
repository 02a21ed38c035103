"""What deliveries say about the delivering step (发货) of orders: said once, for every door.

Sessions note what a flush wrote (services/deals/lifecycle/states.py) and ask here before they
commit; what is written by statements asks itself. A step that deliveries ticked they open again; a
person's tick stays.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.deals.contract import IN_FORCE, Contract, ContractLine
from models.deals.delivery_note import DeliveryNote
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from services.deals.order import goods
from services.rights import gate
from services.rights.access import unscoped

NOTE: Any = DeliveryNote.__table__
ORDER: Any = Order.__table__


def told_by(row: Any) -> int | None:
    """Return the contract whose deliveries say something else once a flushed row is written."""
    if isinstance(row, ContractLine):
        return row.contract_id
    if isinstance(row, Order):
        before, _same, after = sa.inspect(row).attrs.state.history
        return (
            row.contract_id if OrderState.cancelled in (*(before or ()), *(after or ())) else None
        )
    return None


def of_orders(session: Session, orders: Iterable[int]) -> set[int]:
    """Return the contracts of orders."""
    query = sa.select(ORDER.c.contract_id).where(ORDER.c.id.in_(orders))
    return set(session.execute(query).scalars())


def say(session: Session, contracts: Iterable[int]) -> None:
    """Tick the delivering steps of contracts of which all that is sold went out, open the others.

    A step is done on the day of the last delivery of its order, or of its contract where the order
    had none.
    """
    wanted = sorted(contracts)
    if not wanted:
        return
    with unscoped(session, "approval"), gate.rule(session, "order"):
        for key, days in _last(session, wanted).items():
            sold = goods.standings(session, key)
            whole = bool(sold) and not any(one.open for one in sold)
            last = max(filter(None, days.values()), default=None)
            for step in session.scalars(_steps(key)):
                _put(step, (days[step.order_id] or last) if whole else None)
        session.flush()


def _last(session: Session, contracts: list[int]) -> dict[int, dict[int, dt.date | None]]:
    """Return contract → order → day of its last delivery, of contracts that ever had one."""
    live = sa.and_(NOTE.c.order_id == ORDER.c.id, NOTE.c.deleted_at.is_(None))
    other = ORDER.alias()
    ever = sa.select(other.c.contract_id).join(NOTE, NOTE.c.order_id == other.c.id)
    query = (
        sa.select(ORDER.c.contract_id, ORDER.c.id, sa.func.max(NOTE.c.delivered_on))
        .select_from(ORDER.outerjoin(NOTE, live))
        .where(ORDER.c.contract_id.in_(contracts), ORDER.c.contract_id.in_(ever))
        .group_by(ORDER.c.contract_id, ORDER.c.id)
    )
    found: dict[int, dict[int, dt.date | None]] = {}
    for key, order_id, day in session.execute(query):
        found.setdefault(key, {})[order_id] = day
    return found


def _steps(contract_id: int) -> Any:
    step = OrderMilestone
    return (
        sa.select(step)
        .join(Order, Order.id == step.order_id)
        .join(Contract, Contract.id == Order.contract_id)
        .where(
            Order.contract_id == contract_id,
            Order.state != OrderState.cancelled,
            Contract.state.in_(IN_FORCE),
            step.delivers,
            sa.or_(step.state == MilestoneState.planned, step.by_deliveries),
        )
    )


def _put(step: OrderMilestone, day: dt.date | None) -> None:
    """Put a step done on a day, or back to planned where there is none and deliveries ticked it."""
    if day is not None:
        step.state, step.done_on, step.by_deliveries = MilestoneState.done, day, True
    elif step.by_deliveries:
        step.state, step.done_on, step.by_deliveries = MilestoneState.planned, None, False
