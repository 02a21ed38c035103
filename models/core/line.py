"""What a product line of an opportunity or a contract has; subtotal = half-up(q × price × bp)."""

from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, declared_attr, relationship
from sqlalchemy.sql.schema import SchemaItem

from models.core.field import field
from models.core.types import Money, Quantity

if TYPE_CHECKING:
    from models.sales.product import Product

FULL_PRICE = 10_000  # basis points: 10000 = no discount


class ProductLine:
    """Quantity with 3 decimals, price in 分, discount in basis points of the price to pay."""

    ordinal: Mapped[int] = field(_("序号"), sa.Integer, nullable=False, default=1, form=False)
    quantity: Mapped[Decimal] = field(_("数量"), Quantity, nullable=False, required=True)
    price: Mapped[int] = field(_("单价"), Money, nullable=False, required=True)
    discount_bp: Mapped[int] = field(
        _("折扣（%）"),
        sa.Integer,
        nullable=False,
        default=FULL_PRICE,
        widget="percent",
        help=_("100 表示不打折，90 表示九折"),
    )
    subtotal: Mapped[int] = field(_("小计"), Money, nullable=False, form=False)

    def __str__(self) -> str:
        """Return the place of the line."""
        return f"#{self.ordinal}"

    @declared_attr
    @classmethod
    def product_id(cls) -> Mapped[int]:
        """Return the key of the product."""
        return field(
            _("产品"),
            sa.ForeignKey("product.id"),
            nullable=False,
            required=True,
            index=True,
            sort_order=-5,  # people choose the product first
        )

    @declared_attr
    @classmethod
    def product(cls) -> Mapped["Product"]:
        """Return the product."""
        return relationship("Product")


def line_checks() -> tuple[SchemaItem, ...]:
    """Return the CHECKs of a line table."""
    return (
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        sa.CheckConstraint("price >= 0 AND subtotal >= 0", name="money_not_negative"),
        sa.CheckConstraint("discount_bp BETWEEN 0 AND 10000", name="discount_sane"),
    )
