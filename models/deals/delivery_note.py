"""Delivery notes: what of an order went out when, by product and quantity."""

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity, Number
from models.core.field import field
from models.core.mixins import SoftDeleted, Stamped
from models.core.types import Quantity

if TYPE_CHECKING:
    from models.deals.order import Order
    from models.people.user import User
    from models.sales.product import Product


class DeliveryNote(Model, Stamped, SoftDeleted):
    """One delivery; all of a contract's together are at most what it sells of each product."""

    __tablename__ = "delivery_note"
    __noun__ = "deliverynote"
    __caption__ = _("发货单")
    __entity__ = Entity(
        paper="delivery",
        kind="record",
        order=8,
        icon="truck",
        section="progress",
        sight="of order_id",
        traits="large part attachable linked answers",
        grants={
            "office": "create edit delete export",
            "sales": "create edit_own delete_own",
            "analyst": "export",
        },
        called=("code",),
        number=Number("{prefix}-FH-{yyyymmdd}-{n}"),
    )
    __lines__ = ("lines",)

    code: Mapped[str] = field(
        _("发货单号"),
        sa.String(40),
        nullable=False,
        unique=True,
        form=False,
        listed=True,
        search=True,
    )
    order_id: Mapped[int] = field(
        _("订单"),
        sa.ForeignKey("sales_order.id"),
        nullable=False,
        required=True,
        listed=True,
        filter=True,
        index=True,
    )
    delivered_on: Mapped[dt.date] = field(
        _("发货日期"), sa.Date, nullable=False, required=True, listed=True, filter=True
    )
    carrier: Mapped[str | None] = field(_("承运单位"), sa.String(60), listed=True)
    tracking: Mapped[str | None] = field(_("运单号"), sa.String(60), listed=True, search=True)
    receiver: Mapped[str | None] = field(_("签收人"), sa.String(60))
    owner_id: Mapped[int | None] = field(  # of the order when it was entered
        _("亚为销售员"), sa.ForeignKey("user_account.id"), form=False, filter=True
    )
    remark: Mapped[str | None] = field(_("备注"), sa.Text, multiline=True)

    order: Mapped["Order"] = relationship()
    owner: Mapped["User | None"] = relationship(foreign_keys=[owner_id])
    lines: Mapped[list["DeliveryLine"]] = relationship(
        back_populates="deliverynote",
        cascade="all, delete-orphan",
        order_by="DeliveryLine.ordinal",
        info={"caption": _("发货明细")},
    )

    def __str__(self) -> str:
        """Return the number."""
        return self.code


class DeliveryLine(Model):
    """How much of a product went out."""

    __tablename__ = "delivery_line"
    __noun__ = "deliveryline"
    __caption__ = _("发货明细")
    __entity__ = Entity(sight="of deliverynote_id", of="deliverynote")

    deliverynote_id: Mapped[int] = mapped_column(
        sa.ForeignKey("delivery_note.id", ondelete="CASCADE"), nullable=False, index=True
    )
    ordinal: Mapped[int] = field(_("序号"), sa.Integer, nullable=False, default=1, form=False)
    product_id: Mapped[int] = field(
        _("产品"), sa.ForeignKey("product.id"), nullable=False, required=True, index=True
    )
    quantity: Mapped[Decimal] = field(_("数量"), Quantity, nullable=False, required=True)

    deliverynote: Mapped[DeliveryNote] = relationship(back_populates="lines")
    product: Mapped["Product"] = relationship()

    __table_args__ = (sa.CheckConstraint("quantity > 0", name="quantity_positive"),)

    def __str__(self) -> str:
        """Return the place of the line."""
        return f"#{self.ordinal}"
