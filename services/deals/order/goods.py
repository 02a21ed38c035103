"""How much of each product a contract sells and how much of it went out, over all its orders."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.deals.contract import ContractLine
from models.deals.delivery_note import DeliveryLine, DeliveryNote
from models.deals.order import Order
from models.sales.product import Product

SOLD: Any = ContractLine.__table__
SENT: Any = DeliveryLine.__table__
NOTE: Any = DeliveryNote.__table__
ORDER: Any = Order.__table__
PRODUCT: Any = Product.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class GoodsStanding:
    """How much of a product a contract sells and how much of it went out."""

    product_id: int
    name: str
    sold: Decimal
    sent: Decimal

    @property
    def open(self) -> Decimal:
        """Return how much is still to be sent."""
        return max(self.sold - self.sent, Decimal(0))


def standings(session: Session, contract_id: int, *, but: int | None = None) -> list[GoodsStanding]:
    """Return what a contract sells, in its order; `but` is a note left out. Two statements."""
    sold = (
        sa.select(SOLD.c.product_id, PRODUCT.c.name, SOLD.c.quantity)
        .join(PRODUCT, PRODUCT.c.id == SOLD.c.product_id)
        .where(SOLD.c.contract_id == contract_id)
        .order_by(SOLD.c.ordinal)
    )
    names, all_sold = {}, Counter[int]()
    for key, name, quantity in session.execute(sold):
        names[key] = name
        all_sold[key] += quantity
    gone = _sent(session, contract_id, but=but) if names else {}
    return [
        GoodsStanding(key, name, Decimal(all_sold[key]), gone.get(key, Decimal(0)))
        for key, name in names.items()
    ]


def short(
    session: Session, contract_id: int, rows: Iterable[Mapping[str, Any]]
) -> GoodsStanding | None:
    """Return the first product of which more went out than lines of a payload would sell."""
    sold: dict[int, Decimal] = {}
    for row in rows:
        key = row.get("product_id")
        if key is not None:
            sold[key] = sold.get(key, Decimal(0)) + (row.get("quantity") or 0)
    for key, sent in _sent(session, contract_id).items():
        if sent > sold.get(key, 0):
            name = session.execute(sa.select(PRODUCT.c.name).where(PRODUCT.c.id == key)).scalar()
            return GoodsStanding(key, str(name), sold.get(key, Decimal(0)), sent)
    return None


def _sent(session: Session, contract_id: int, *, but: int | None = None) -> dict[int, Decimal]:
    query = (
        sa.select(SENT.c.product_id, SENT.c.quantity)
        .join(NOTE, NOTE.c.id == SENT.c.deliverynote_id)
        .join(ORDER, ORDER.c.id == NOTE.c.order_id)
        .where(
            ORDER.c.contract_id == contract_id, NOTE.c.deleted_at.is_(None), NOTE.c.id != (but or 0)
        )
    )
    found: dict[int, Decimal] = {}
    for key, quantity in session.execute(query):
        found[key] = found.get(key, Decimal(0)) + quantity
    return found


def plain(quantity: Decimal) -> str:
    """Return a quantity without trailing zeros: 2.500 → 2.5."""
    return f"{quantity.normalize():f}"
