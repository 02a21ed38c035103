"""What is settled of an instalment and whether it is paid: the one definition of both.

`PaymentPlan.settled` is the sum of what confirmed payments settle of it, kept by triggers whoever
writes. Everything here serves rows in memory, the model, its table and aliases of it alike. The
cockpit alone counts from allocations: it asks for days of the past.
"""

from typing import Any

import sqlalchemy as sa

from models.deals.contract import ContractState
from models.deals.payment_plan import PaymentPlan


def rest_of(line: Any) -> Any:
    """Return what is still to be paid of an instalment, in 分."""
    return line.amount - line.settled


def is_open(line: Any) -> Any:
    """Tell whether an instalment is not paid in full."""
    return line.settled < line.amount


def is_paid(line: Any) -> Any:
    """Tell whether an instalment is paid in full."""
    return line.settled >= line.amount


def paid_of(contract: Any) -> Any:
    """Return, as a scalar over contracts, how many instalments are paid; of a void one none."""
    return sa.case((contract.state == ContractState.void, 0), else_=lines_of(contract, is_paid))


def lines_of(contract: Any, counts: Any) -> Any:
    """Return, as a scalar over contracts, how many of their instalments count."""
    line = PaymentPlan.__table__.alias("settlement")
    query = sa.select(sa.func.count()).where(line.c.contract_id == contract.id, counts(line.c))
    return query.correlate_except(line).scalar_subquery()
