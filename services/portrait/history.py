"""The history of all customers, read set-based once: four statements, whatever their number.

A purchase is a contract in force with an amount above 0 on the day it was signed; what was given
away is none. A payment is a confirmed one, a refund a negative one. A follow-up is one by a person.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract, ContractLine
from models.deals.payment import Payment, PaymentState
from models.deals.payment_plan import PaymentPlan
from models.sales.follow_up import FollowUp, Origin
from models.sales.product import Product
from services.core.money import total
from services.portrait.maths.story import Ints, Story
from services.query.portable import Portable
from services.records.settlement import is_open, rest_of

PART = 100_000


class DayNumber(Portable):
    """A date as days since 1970."""

    name = "day_number"
    type = sa.Integer()
    sqlite = "CAST(julianday({0}) - 2440587.5 AS INTEGER)"
    postgresql = "({0} - DATE '1970-01-01')"


class BusinessDayNumber(Portable):
    """The business day (Asia/Shanghai) of an instant as days since 1970."""

    name = "business_day_number"
    type = sa.Integer()
    sqlite = "CAST(julianday({0}, '+8 hours') - 2440587.5 AS INTEGER)"
    postgresql = "(({0} AT TIME ZONE 'Asia/Shanghai')::date - DATE '1970-01-01')"


def read(session: Session) -> Story:
    """Return everything that happened with approved customers, in ascending order of keys.

    The session acts for the system: portraits are taken of all, who sees them is asked later.
    """
    c, k, line = Customer.__table__.c, Contract.__table__.c, ContractLine.__table__.c
    alive = sa.and_(c.approval == Approval.approved, c.deleted_at.is_(None))
    bought = sa.and_(
        alive, k.deleted_at.is_(None), k.state.in_(IN_FORCE), k.amount > 0, k.signed_on.is_not(None)
    )
    signed = sa.join(Customer.__table__, Contract.__table__, k.customer_id == c.id)
    buys = _frame(
        session,
        "customer order day amount",
        sa.select(c.id, k.id, DayNumber(k.signed_on), k.amount).select_from(signed).where(bought),
    ).sort_values(["customer", "day", "order"], ignore_index=True)
    lines = _frame(
        session,
        "order product",
        sa.select(line.contract_id, line.product_id).where(line.subtotal > 0),
    )
    return Story(
        customers=np.sort(_frame(session, "key", sa.select(c.id).where(alive))["key"].to_numpy()),
        buys=buys,
        items=_items(buys, lines),
        pays=_frame(session, "customer day amount", _payments(alive)),
        meets=_frame(session, "customer day", _follow_ups(alive)),
    )


def overdue(session: Session, day: dt.date) -> pd.Series:
    """Return 分 past their day of each customer that owes them."""
    line, contract = PaymentPlan.__table__, Contract.__table__
    late = (line.c.due_on < day, is_open(line.c), contract.c.state.in_(IN_FORCE))
    found = _frame(
        session,
        "customer amount",
        sa.select(contract.c.customer_id, total(rest_of(line.c)))
        .select_from(sa.join(line, contract, line.c.contract_id == contract.c.id))
        .where(*late, contract.c.deleted_at.is_(None), contract.c.customer_id.is_not(None))
        .group_by(contract.c.customer_id),
    )
    return found.set_index("customer")["amount"]


def offered(session: Session) -> Ints:
    """Return the products that are sold today, by ascending key."""
    product = Product.__table__.c
    keys = _frame(session, "key", sa.select(product.id).where(product.active))["key"]
    return np.sort(keys.to_numpy())


def _payments(alive: Any) -> sa.Select[Any]:
    p, c = Payment.__table__.c, Customer.__table__.c
    real = sa.and_(p.state == PaymentState.confirmed, p.deleted_at.is_(None))
    joined = sa.join(Payment.__table__, Customer.__table__, p.customer_id == c.id)
    return sa.select(c.id, DayNumber(p.paid_on), p.amount).select_from(joined).where(alive, real)


def _follow_ups(alive: Any) -> sa.Select[Any]:
    f, c = FollowUp.__table__.c, Customer.__table__.c
    real = sa.and_(f.origin == Origin.manual, f.deleted_at.is_(None))
    joined = sa.join(FollowUp.__table__, Customer.__table__, f.customer_id == c.id)
    return sa.select(c.id, BusinessDayNumber(f.at)).select_from(joined).where(alive, real)


def _frame(session: Session, columns: str, query: sa.Select[Any]) -> pd.DataFrame:
    """Return whole numbers column by column; rows are turned as they come.

    They are taken as the driver gives them: whole numbers need no conversion.
    """
    names = columns.split()
    cursor: Any = session.connection().execute(query).cursor
    parts = [np.zeros((0, len(names)), dtype=np.int64)]
    while rows := cursor.fetchmany(PART):
        flat = np.fromiter(itertools.chain.from_iterable(rows), np.int64, len(rows) * len(names))
        parts.append(flat.reshape(len(rows), len(names)))
    whole = np.concatenate(parts)
    return pd.DataFrame({name: whole[:, n].copy() for n, name in enumerate(names)})


def _items(buys: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return each product of an order once, with whose order of which day it was."""
    orders = buys[["order", "customer", "day"]].sort_values("order", ignore_index=True)
    keys = orders["order"].to_numpy()
    place = np.searchsorted(keys, lines["order"].to_numpy())
    known = place < len(keys)
    known[known] = keys[place[known]] == lines["order"].to_numpy()[known]
    found = pd.DataFrame(
        {
            "customer": orders["customer"].to_numpy()[place[known]],
            "order": lines["order"].to_numpy()[known],
            "product": lines["product"].to_numpy()[known],
            "day": orders["day"].to_numpy()[place[known]],
        }
    )
    return found.drop_duplicates(["order", "product"]).sort_values(
        ["customer", "product", "day", "order"], ignore_index=True
    )
