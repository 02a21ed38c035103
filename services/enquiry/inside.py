"""订单进度查询 for colleagues: by customer, contract, order or mobile, within what one sees."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from models.core.keys import phone_key
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.order import Order
from services.core.days import today
from services.enquiry.standing import LONGEST, OrderStanding, standings
from services.rights.actor import Actor, may
from services.rights.call import Call

MOST = 20


def search(call: Call, text: str) -> list[OrderStanding]:
    """Return the newest visible orders by order number, contract, customer or whole mobile.

    A mobile finds only what the person may see it of: no answer tells a masked number.
    """
    text = text.strip()[:LONGEST]
    if not text:
        return []
    like = "%" + text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
    ways = [
        Order.code.like(like, escape="\\"),
        Contract.code.like(like, escape="\\"),
        Contract.name.like(like, escape="\\"),
        Customer.company.like(like, escape="\\"),
    ]
    if phone_key(text):
        ways.append(Order.customer_id.in_(_reached(text, call.by)))
    orders = call.session.scalars(
        sa.select(Order)
        .join(Contract, Contract.id == Order.contract_id)
        .join(Customer, Customer.id == Order.customer_id)
        .where(sa.or_(*ways))
        .order_by(Order.id.desc())
        .limit(MOST)
        .options(
            selectinload(Order.milestones),
            selectinload(Order.contract),
            selectinload(Order.customer),
        )
    )
    return standings(call.session, orders, today(call.now))


def _reached(text: str, by: Actor) -> Any:
    query = sa.select(Contact.customer_id).where(Contact.mobile_key == phone_key(text))
    if may(by, "sensitive:read"):
        return query
    query = query.join(Customer, Customer.id == Contact.customer_id)
    own = sa.or_(Customer.owner_id == by.id, Customer.technical_id == by.id)
    return query.where(own if may(by, "sensitive:own") else sa.false())
