"""订单进度查询: for customers without an account, by number and mobile; and for colleagues."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session, selectinload

import models as m
from models.keys import phone_key
from services import numbers
from services.actor import Actor, may
from services.errors import Refused
from services.progress import Figures, figures

GUESSES = 10  # answers a day for one address, and for one number
SYSTEM = {"system": "progress"}
MOST = 20
LONGEST = 60


class TooMany(Refused):
    """The day's answers are used up."""

    status = 429
    code = "TOO_MANY"


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """An order with its milestones, and the figures of its contract."""

    order: m.Order
    steps: list[m.OrderMilestone]
    figures: Figures


def enquire(
    session: Session, number: str, mobile: str, *, address: str, now: dt.datetime
) -> Standing | None:
    """Return where an order stands when number and mobile belong together, else None.

    Every full try counts, right or wrong; the answer never tells which of the two was wrong.
    Raises TooMany. The caller commits, so that the count stays.
    """
    number = number.strip()[:LONGEST].upper()
    key = phone_key(mobile)
    if not number or key is None:
        return None
    day = numbers.today(now)
    for what in (f"address:{address}", f"number:{number}"):
        digest = hashlib.sha256(what.encode()).hexdigest()[:32]
        if numbers.count(session, f"progress:{day:%Y%m%d}:{digest}") > GUESSES:
            raise TooMany(_("今天的查询次数已用完，请明天再试，或联系您的销售员"))
    contact = m.Contact.__table__
    known = sa.exists().where(
        contact.c.customer_id == m.Order.customer_id,
        contact.c.deleted_at.is_(None),
        contact.c.mobile_key == key,
    )
    order = session.scalar(
        sa.select(m.Order)
        .where(m.Order.code == number, m.Order.deleted_at.is_(None), known)
        .options(selectinload(m.Order.milestones), selectinload(m.Order.contract)),
        execution_options=SYSTEM,
    )
    found = _standings(session, [order], day, "progress") if order is not None else []
    return found[0] if found else None


def search(session: Session, text: str, *, by: Actor, now: dt.datetime) -> list[Standing]:
    """Return the newest visible orders by order number, contract, customer or whole mobile.

    A mobile finds only what the person may see it of: no answer tells a masked number.
    """
    text = text.strip()[:LONGEST]
    if not text:
        return []
    like = "%" + text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
    ways = [
        m.Order.code.like(like, escape="\\"),
        m.Contract.code.like(like, escape="\\"),
        m.Contract.name.like(like, escape="\\"),
        m.Customer.company.like(like, escape="\\"),
    ]
    if phone_key(text):
        ways.append(m.Order.customer_id.in_(_reached(text, by)))
    orders = session.scalars(
        sa.select(m.Order)
        .join(m.Contract, m.Contract.id == m.Order.contract_id)
        .join(m.Customer, m.Customer.id == m.Order.customer_id)
        .where(sa.or_(*ways))
        .order_by(m.Order.id.desc())
        .limit(MOST)
        .options(
            selectinload(m.Order.milestones),
            selectinload(m.Order.contract),
            selectinload(m.Order.customer),
        )
    )
    return _standings(session, orders, numbers.today(now))


def _reached(text: str, by: Actor) -> Any:
    query = sa.select(m.Contact.customer_id).where(m.Contact.mobile_key == phone_key(text))
    if may(by, "sensitive:read"):
        return query
    query = query.join(m.Customer, m.Customer.id == m.Contact.customer_id)
    own = sa.or_(m.Customer.owner_id == by.id, m.Customer.technical_id == by.id)
    return query.where(own if may(by, "sensitive:own") else sa.false())


def _standings(
    session: Session, orders: Iterable[m.Order], day: dt.date, system: str | None = None
) -> list[Standing]:
    found = list(orders)
    known = figures(session, [o.contract for o in found if o.contract], day=day, system=system)
    return [
        Standing(order, list(order.milestones), known[order.contract_id])
        for order in found
        if order.contract_id in known
    ]
