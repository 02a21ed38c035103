"""异常数据: confirmed payments on contracts that do not count (void, not in force, deleted).

They are in no sum of the cockpit, so they are listed instead of vanishing.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from dashboards.core import filters
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, CUSTOMER, PAYMENT, openable
from dashboards.core.sql import frame, record, total
from models.core.mixins import Approval
from models.deals.contract import IN_FORCE
from services.rights.actor import Actor

MOST = 50  # listed; the count is exact


@dataclasses.dataclass(frozen=True, slots=True)
class Anomalies:
    """How many payments are left out, what they add up to (分), and the latest of them."""

    count: int
    amount: int
    records: list[dict[str, Any]]


def read(session: Session, actor: Actor, query: CockpitQuery) -> Anomalies:
    """Return the payments of the period on contracts that do not count, in the viewer's scope."""
    where = [
        *filters.confirmed(query),
        filters.days(PAYMENT.c.paid_on, query.period),
        sa.or_(
            CONTRACT.c.state.not_in(IN_FORCE),
            CONTRACT.c.deleted_at.is_not(None),
            CONTRACT.c.approval != Approval.approved,
        ),
        *filters.narrow(actor, query, "payment"),
        *filters.search(actor, query),
    ]
    joined = PAYMENT.join(CONTRACT, CONTRACT.c.id == PAYMENT.c.contract_id).join(
        CUSTOMER, CUSTOMER.c.id == PAYMENT.c.customer_id
    )
    sums = record(
        session,
        sa.select(sa.func.count().label("count"), total(PAYMENT.c.amount).label("amount"))
        .select_from(joined)
        .where(*where),
    )
    if not sums["count"]:
        return Anomalies(0, 0, [])
    rows = frame(
        session,
        sa.select(
            PAYMENT.c.id.label("payment_id"),
            PAYMENT.c.code,
            PAYMENT.c.paid_on,
            PAYMENT.c.amount,
            CONTRACT.c.code.label("contract"),
            CONTRACT.c.state,
            openable(actor, CUSTOMER.c.id).label("opened"),
        )
        .select_from(joined)
        .where(*where)
        .order_by(PAYMENT.c.paid_on.desc(), PAYMENT.c.id.desc())
        .limit(MOST),
    )
    return Anomalies(int(sums["count"]), int(sums["amount"]), rows.to_dict("records"))
