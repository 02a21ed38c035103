"""What to offer to a customer, ranked: what it buys again, and what it never bought."""

from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.labels import Labelled
from models.core.types import named
from models.portrait.customer_portrait import COMPUTED, of_customer

if TYPE_CHECKING:
    from models.sales.product import Product


class OfferKind(Labelled):
    """Two questions, two lists: they are never mixed."""

    again = "again", _("再来一单")
    fresh = "fresh", _("新品推荐")


class PortraitOffer(Model):
    """A product for a customer. `because` are the keys of the products that speak for the offer.

    None for 再来一单, whose reason is the rhythm (`every` days, due in `due` days), and for what is
    popular in the industry of a customer without history (`buyers` of the industry have bought).
    """

    __tablename__ = "portrait_offer"
    __noun__ = "portraitoffer"
    __caption__ = _("产品推荐")
    __entity__ = COMPUTED

    customer_id: Mapped[int] = of_customer()
    product_id: Mapped[int] = mapped_column(
        sa.ForeignKey("product.id", ondelete="CASCADE"), nullable=False
    )
    kind: Mapped[OfferKind] = mapped_column(named(OfferKind), nullable=False)
    rank: Mapped[int] = mapped_column(sa.SmallInteger, nullable=False)
    score: Mapped[float] = mapped_column(sa.Float, nullable=False)
    because: Mapped[list[int]] = mapped_column(sa.JSON, nullable=False)
    times: Mapped[int | None] = mapped_column(sa.Integer)
    every: Mapped[int | None] = mapped_column(sa.Integer)
    due: Mapped[int | None] = mapped_column(sa.Integer)
    buyers: Mapped[int | None] = mapped_column(sa.Integer)

    product: Mapped["Product"] = relationship()

    __table_args__ = (
        sa.CheckConstraint("rank >= 1", name="rank_from_one"),
        sa.Index("ix_portrait_offer_product", "product_id", "kind", "score"),
    )
