"""What payments have settled of an instalment, for statements over plan lines."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from models.deals.payment import Payment, PaymentAllocation, PaymentState
from services.core.money import total

CONFIRMED = (PaymentState.confirmed,)
STANDING = [state for state in PaymentState if state is not PaymentState.reversed]


def settled_of(line: Any, states: Collection[PaymentState] = CONFIRMED) -> Any:
    """Return, as a scalar over plan lines, what payments in these states settled of each, in 分.

    It stands on Core tables: what is settled does not depend on who asks. A payment is looked up
    by its key, in a sub-select of its own, because a join leaves PostgreSQL free to begin with
    all confirmed payments of the company; without statistics it thinks there are none.
    """
    part, payment = PaymentAllocation.__table__, Payment.__table__
    state = (
        sa.select(payment.c.state)
        .where(payment.c.id == part.c.payment_id)
        .correlate(part)
        .scalar_subquery()
    )
    return (
        sa.select(total(part.c.amount))
        .where(part.c.plan_id == line.c.id, state.in_(states))
        .correlate(line)
        .scalar_subquery()
    )
