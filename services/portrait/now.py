"""One customer as of this moment: what it bought, what it owes, its follow-ups, its industry.

What needs all customers is drawn by the worker; this is asked when the page is. Everything goes
through the read gate: who sees fewer customers gets suggestions from fewer.
"""

import dataclasses
import datetime as dt
import itertools
import statistics
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract, ContractLine
from models.deals.payment_plan import PaymentPlan
from models.sales.follow_up import FollowUp, Origin
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from models.sales.stage import Stage, StageKind
from services.core.days import today
from services.core.money import total
from services.records.settlement import is_open, rest_of

MOST = 10
OFFERED = 5
FEWEST = 2  # customers of the industry that must have bought a product before it is suggested
TOUCHES = 12  # follow-ups the rhythm is taken from
SLOW = 2  # times its own rhythm without a word: the customer may be lost


@dataclasses.dataclass(frozen=True, slots=True)
class Bought:
    """A product of contracts in force: how much, for how much (分), when last."""

    name: str
    quantity: Decimal
    amount: int
    last_on: dt.date | None


@dataclasses.dataclass(frozen=True, slots=True)
class Offer:
    """A product this one lacks and `buyers` of the customers of its industry have."""

    product_id: int
    name: str
    buyers: int


@dataclasses.dataclass(frozen=True, slots=True)
class Deal:
    """An open opportunity; amount in 分."""

    id: int
    name: str
    stage: str
    amount: int | None
    expected_on: dt.date | None


@dataclasses.dataclass(frozen=True, slots=True)
class Portrait:
    """What a salesperson should know before he calls."""

    bought: list[Bought]
    deals: list[Deal]
    offers: list[Offer]
    peers: int  # customers of the same industry the reader sees
    unpaid: int  # 分 of instalments that are open, whenever they are due
    overdue: int  # 分 of those past their day
    overdue_days: int
    silence: int | None  # days since somebody last spoke to it, None for never
    rhythm: int | None  # usual days between two follow-ups, None while there are too few

    @property
    def quiet(self) -> bool:
        """Tell whether it has been silent for much longer than it usually is."""
        return None not in {self.silence, self.rhythm} and self.silence > SLOW * self.rhythm  # type: ignore[operator] # both are numbers here


def portrait(
    session: Session, customer: Customer, *, now: dt.datetime, popular: bool = True
) -> Portrait:
    """Return what holds now of a customer the actor sees, in six statements.

    popular: what its industry bought too, which is for customers without purchases of their own.
    """
    silence, rhythm = _rhythm(session, customer.id, now)
    unpaid, overdue, since = _unpaid(session, customer.id, today(now))
    offers, peers = _offers(session, customer) if popular else ([], 0)
    return Portrait(
        bought=_bought(session, customer.id),
        deals=_deals(session, customer.id),
        offers=offers,
        peers=peers,
        unpaid=unpaid,
        overdue=overdue,
        overdue_days=(today(now) - since).days if since else 0,
        silence=silence,
        rhythm=rhythm,
    )


def _bought(session: Session, customer_id: int) -> list[Bought]:
    """Return the products of contracts in force, the last ones first.

    On Core tables, as what follows: who sees a customer sees its contracts in force.
    """
    lines, contracts, products = (one.__table__ for one in (ContractLine, Contract, Product))
    line, contract, product = lines.c, contracts.c, products.c
    last = sa.func.max(contract.signed_on)
    rows = session.execute(
        sa.select(product.name, sa.func.sum(line.quantity), total(line.subtotal), last)
        .select_from(
            contracts.join(lines, line.contract_id == contract.id).join(
                products, product.id == line.product_id
            )
        )
        .where(*_in_force(customer_id))
        .group_by(product.id, product.name)
        .order_by(last.desc(), product.name)
        .limit(MOST)
    )
    return [Bought(name, quantity, amount, on) for name, quantity, amount, on in rows]


def _in_force(customer_id: int) -> tuple[Any, ...]:
    contract = Contract.__table__.c
    mine = contract.customer_id == customer_id
    return mine, contract.state.in_(IN_FORCE), contract.deleted_at.is_(None)


def _deals(session: Session, customer_id: int) -> list[Deal]:
    deal = Opportunity
    rows = session.execute(
        sa.select(deal.id, deal.name, Stage, deal.amount, deal.expected_on)
        .outerjoin(Stage, Stage.id == deal.stage_id)
        .where(deal.customer_id == customer_id, deal.state == StageKind.open)
        .order_by(deal.expected_on, deal.id)
        .limit(MOST)
    )
    return [
        Deal(key, name or "", str(stage or ""), amount, on) for key, name, stage, amount, on in rows
    ]


def _offers(session: Session, customer: Customer) -> tuple[list[Offer], int]:
    """Return what customers of the same industry bought and this one did not."""
    if customer.industry_id is None:
        return [], 0
    peer, contract, line = Customer, Contract, ContractLine
    alike = (
        peer.industry_id == customer.industry_id,
        peer.id != customer.id,
        peer.approval == Approval.approved,
    )
    peers = session.scalar(sa.select(sa.func.count(peer.id)).where(*alike)) or 0
    if peers < FEWEST:
        return [], peers
    own = (
        sa.select(line.product_id)
        .join(contract, contract.id == line.contract_id)
        .where(contract.customer_id == customer.id, contract.state.in_(IN_FORCE))
    )
    buyers = sa.func.count(sa.distinct(contract.customer_id))
    rows = session.execute(
        sa.select(Product.id, Product.name, buyers)
        .join(line, line.product_id == Product.id)
        .join(contract, contract.id == line.contract_id)
        .join(peer, peer.id == contract.customer_id)
        .where(*alike, contract.state.in_(IN_FORCE), Product.active, Product.id.not_in(own))
        .group_by(Product.id, Product.name)
        .having(buyers >= FEWEST)
        .order_by(buyers.desc(), Product.name)
        .limit(OFFERED)
    )
    return [Offer(key, name, n) for key, name, n in rows], peers


def _unpaid(session: Session, customer_id: int, day: dt.date) -> tuple[int, int, dt.date | None]:
    """Return the 分 that are to come, those that should have come, and since when."""
    plan, contract = PaymentPlan.__table__, Contract.__table__
    line = plan.c
    rest, late = rest_of(line), line.due_on < day
    row = session.execute(
        sa.select(
            total(rest),
            total(sa.case((late, rest), else_=0)),
            sa.func.min(sa.case((late, line.due_on))),
        )
        .select_from(contract.join(plan, line.contract_id == contract.c.id))
        .where(*_in_force(customer_id), is_open(line))
    ).one()
    unpaid, overdue, since = row
    return unpaid, overdue, since


def _rhythm(session: Session, customer_id: int, now: dt.datetime) -> tuple[int | None, int | None]:
    """Return days since the last follow-up by a person, and the usual days between two."""
    follow = FollowUp.__table__.c
    mine = (follow.customer_id == customer_id, follow.deleted_at.is_(None))
    times = session.scalars(
        sa.select(follow.at)
        .where(*mine, follow.origin == Origin.manual)
        .order_by(follow.at.desc())
        .limit(TOUCHES)
    ).all()
    if not times:
        return None, None
    days = [today(at) for at in times]
    gaps = [(late - early).days for late, early in itertools.pairwise(days)]
    usual = max(round(statistics.median(gaps)), 1) if len(gaps) >= FEWEST else None
    return (today(now) - days[0]).days, usual
