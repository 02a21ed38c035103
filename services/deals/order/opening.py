"""Opening an order of a contract, with the steps of its template: the first, and further ones."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.contract import IN_FORCE, Contract
from models.deals.order import MilestoneState, Order, OrderMilestone
from models.people.role import Role
from services.core import numbers
from services.core.days import today
from services.core.errors import Forbidden, Locked
from services.deals.order import template
from services.rights import gate
from services.rights.actor import may
from services.rights.call import Call

SALES = "sales"


def open_order(
    session: Session, contract: Contract, *, now: dt.datetime, deliver_on: dt.date | None = None
) -> Order:
    """Open an order with its steps under the caller's rule; its first is done as it is placed."""
    day = today(now)
    deliver_on = deliver_on or contract.deliver_on
    order = Order(
        code=numbers.allocate(session, "order", on=day),
        contract_id=contract.id,
        customer_id=contract.customer_id,
        owner_id=contract.owner_id,
        deliver_on=deliver_on,
    )
    session.add(order)
    session.flush()
    steps = template.for_contracts(session, [contract.id])[contract.id]
    rows = template.dated(steps, day, deliver_on)
    role: Any = Role.__table__
    sellers = set(session.execute(sa.select(role.c.id).where(role.c.name == SALES)).scalars())
    for n, (step, row) in enumerate(zip(steps, rows, strict=True), 1):
        made = OrderMilestone(order_id=order.id, ordinal=n, **row)
        made.assignee_id = contract.owner_id if step.role_id in sellers else None
        if step.at_start and contract.state in IN_FORCE:
            made.state, made.done_on = MilestoneState.done, day
        session.add(made)
    return order


def offered(call: Call, contract: Contract) -> bool:
    """Tell whether this person may open a further order of a contract now."""
    return contract.state in IN_FORCE and _may(call, contract)


def _may(call: Call, contract: Contract) -> bool:
    """Whoever opens orders opens them of his own contracts; of others only who edits any order."""
    anyones = may(call.by, "order:edit") or contract.owner_id == call.by.id
    return may(call.by, "order:create") and anyones


def add(call: Call, contract: Contract, deliver_on: dt.date | None) -> Order:
    """Open a further order of a contract in force. Raises Forbidden, Locked."""
    if not _may(call, contract):
        raise Forbidden(_("只能为自己负责的合同追加订单"))
    if contract.state not in IN_FORCE:
        raise Locked(_("合同不在履行中，不能追加订单"))
    with gate.rule(call.session, "order"):
        return open_order(call.session, contract, now=call.now, deliver_on=deliver_on)
