"""Offers with their reasons in words: of a customer, of many, of a product."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.portrait.offer import OfferKind, PortraitOffer
from models.sales.product import Product
from services.portrait.words import reason

MOST = 200  # customers of a product


@dataclasses.dataclass(frozen=True, slots=True)
class Offered:
    """An offer with its reason in words."""

    product_id: int
    name: str
    why: str


def read(session: Session, query: sa.Select[Any]) -> list[tuple[PortraitOffer, Offered]]:
    """Return the offers of a SELECT of PortraitOffer with their reasons; off the shelf, none."""
    offer = PortraitOffer
    more = query.add_columns(Product.name).join(Product, Product.id == offer.product_id)
    rows = session.execute(more.where(Product.active)).all()
    names = _names(session, {one for row, _name in rows for one in row.because})
    return [(row, Offered(row.product_id, name, reason(row, names))) for row, name in rows]


def _names(session: Session, keys: set[int]) -> dict[int, str]:
    if not keys:
        return {}
    query = sa.select(Product.id, Product.name).where(Product.id.in_(keys))
    return dict(session.execute(query).all())  # type: ignore[arg-type] # rows of two


def best(session: Session, keys: Iterable[int], product_id: int | None) -> dict[int, Offered]:
    """Return what to offer to each customer: the product that is named, or what fits it best.

    That is what is due by its rhythm, then what is new to it, then what it buys again.
    """
    offer = PortraitOffer
    query = sa.select(offer).where(offer.customer_id.in_(keys))
    if product_id is not None:
        found = read(session, query.where(offer.product_id == product_id))
        known = {row.customer_id: one for row, one in found}
        name = session.scalar(sa.select(Product.name).where(Product.id == product_id)) or ""
        return dict.fromkeys(keys, Offered(product_id, name, "")) | known
    ranked = sorted(read(session, query.where(offer.rank == 1)), key=lambda pair: _urgency(pair[0]))
    return {row.customer_id: one for row, one in reversed(ranked)}


def _urgency(row: PortraitOffer) -> int:
    if row.kind is OfferKind.again and row.due is not None and row.due < 0:
        return 0
    return 1 if row.kind is OfferKind.fresh else 2


def lacking(session: Session, product_id: int) -> list[tuple[Customer, Offered]]:
    """Return the customers that never bought a product, those it fits best first."""
    offer = PortraitOffer
    mine = sa.select(offer).where(offer.product_id == product_id, offer.kind == OfferKind.fresh)
    ranked = mine.join(Customer, Customer.id == offer.customer_id).order_by(
        offer.score.desc(), offer.customer_id
    )
    found = read(session, ranked.limit(MOST))
    keys = [row.customer_id for row, _one in found]
    named = {
        one.id: one for one in session.scalars(sa.select(Customer).where(Customer.id.in_(keys)))
    }
    return [(named[row.customer_id], one) for row, one in found]


def lacking_count(session: Session, product_id: int) -> int:
    """Return how many approved customers a product is new to and fits, as the grid asks it."""
    offer = PortraitOffer
    fresh = sa.select(offer.customer_id).where(
        offer.product_id == product_id, offer.kind == OfferKind.fresh
    )
    query = sa.select(sa.func.count(Customer.id)).where(Customer.approval == Approval.approved)
    return session.scalar(query.where(Customer.id.in_(fresh))) or 0
