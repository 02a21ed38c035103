"""订单进度查询 for customers: by the number of an order or contract and the end of a mobile."""

import datetime as dt
import hashlib
import ipaddress

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.keys import TAIL, phone_key
from models.customers.contact import Contact
from models.deals.contract import Contract
from models.deals.order import Order
from services.core import numbers
from services.core.days import today
from services.core.errors import Refused
from services.enquiry.standing import LONGEST, OrderStanding, public

GUESSES = 10  # answers a day for one address, and for one number
HOUSE = 64  # bits of an IPv6 address that one household or server has to itself


class TooMany(Refused):
    """The day's answers are used up."""

    status = 429
    code = "TOO_MANY"


def ask(
    session: Session, number: str, digits: str, *, address: str, now: dt.datetime
) -> list[OrderStanding]:
    """Return how the orders of a number stand, when one of the customer's mobiles ends like that.

    `number` is that of an order or of a contract, `digits` the last four of a mobile or more of
    it. Every full try counts, right or wrong, and asks the same of the database whether there is
    such a number or not. Raises TooMany. The caller commits, so that the count stays.
    """
    number, key = number.strip()[:LONGEST].upper(), phone_key(digits)
    if not number or key is None or len(key) < TAIL:
        return []
    admit(session, ("address", household(address)), ("number", number), now=now)
    keys = [key for (key,) in session.execute(_matching(number, key))]
    return public(session, Order.id.in_(keys), today(now))


def admit(session: Session, *what: tuple[str, str], now: dt.datetime) -> None:
    """Count a try of the day under each (kind, value). Raises TooMany above GUESSES."""
    for kind, value in what:
        digest = hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()[:32]
        if numbers.count(session, f"progress:{today(now):%Y%m%d}:{digest}") > GUESSES:
            raise TooMany(_("今天的查询次数已用完，请明天再试，或联系您的销售员"))


def household(address: str) -> str:
    """Return what an address counts as: of an IPv6 one the network that is one visitor's."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(ipaddress.ip_network((found, HOUSE), strict=False))


def _matching(number: str, key: str) -> sa.Select[tuple[int]]:
    """Return the orders of an order's or contract's number whose customer has such a mobile.

    On the tables: nobody is logged in, so the read gate would hide everything.
    """
    order, contract, contact = Order.__table__, Contract.__table__, Contact.__table__
    ours = sa.select(contract.c.id).where(
        contract.c.code == number, contract.c.deleted_at.is_(None)
    )
    known = sa.exists().where(
        contact.c.customer_id == order.c.customer_id,
        contact.c.deleted_at.is_(None),
        contact.c.mobile_tail == key[-TAIL:],
        contact.c.mobile_key.endswith(key, autoescape=True),
    )
    asked = sa.or_(order.c.code == number, order.c.contract_id.in_(ours))
    return sa.select(order.c.id).where(asked, known)
