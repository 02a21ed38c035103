"""Many follow-ups at once: what each moves and which plans it fulfils, as one by one would."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from models.customers.customer import Customer
from models.sales.plan import FollowUpPlan
from services.rights import gate
from services.rights.call import Call
from services.sales.follow_up import settle_plans, status_after

Row = dict[str, Any]
PART = 500


def follow(call: Call, rows: Sequence[Row]) -> list[Row]:
    """Let new rows of follow_up (with their keys, in their order) move customers and plans.

    `next_at`, `next_kind`, `next_content` stand beside the columns; none moves an opportunity.
    Returns for each what it moved: {} or {"status": [name before, name after]}.
    """
    keys = sorted({row["customer_id"] for row in rows})
    customers = {one.id: one for one in _found(call, sa.select(Customer), Customer.id, keys)}
    plans: dict[int, list[FollowUpPlan]] = {}
    waiting = sa.select(FollowUpPlan).where(FollowUpPlan.done_at.is_(None))
    for plan in _found(call, waiting, FollowUpPlan.customer_id, keys):
        plans.setdefault(plan.customer_id, []).append(plan)
    with gate.rule(call.session, "follow_up"), call.session.no_autoflush:
        moved = []
        for row in rows:
            moved.append(_moved(customers[row["customer_id"]], row))
            settle_plans(call, row, row["id"], plans.setdefault(row["customer_id"], []))
        call.session.flush()
    return moved


def _found(call: Call, query: Any, column: Any, keys: Sequence[int]) -> Iterable[Any]:
    for n in range(0, len(keys), PART):
        mine = query.where(column.in_(keys[n : n + PART])).order_by(column)
        yield from call.session.scalars(mine)


def _moved(customer: Customer, row: Row) -> Row:
    was, customer.status = customer.status, status_after(customer.status, row.get("status_to"))
    return {} if was is customer.status else {"status": [was.name, customer.status.name]}
