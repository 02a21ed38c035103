"""How a customer without an account follows an order: a link that ends, and mail when it moves."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.mixins import Stamped
from models.core.types import UtcDateTime

if TYPE_CHECKING:
    from models.deals.order import Order


class ProgressLink(Model, Stamped):
    """An address that shows one order until `expires_on` (inclusive) or until it is revoked.

    The address is the key signed with the secret of the installation: no row holds it.
    """

    __tablename__ = "progress_link"
    __noun__ = "progresslink"
    __caption__ = _("查询链接")
    __entity__ = Entity(sight="of order_id", rules="enquiry")

    order_id: Mapped[int] = mapped_column(
        sa.ForeignKey("sales_order.id", ondelete="CASCADE"), nullable=False, index=True
    )
    expires_on: Mapped[dt.date] = field(_("有效期至"), sa.Date, nullable=False, form=False)
    revoked_at: Mapped[dt.datetime | None] = field(_("作废时间"), UtcDateTime, form=False)

    order: Mapped["Order"] = relationship()

    def __str__(self) -> str:
        """Return until when it holds."""
        return f"{self.expires_on}"


class ProgressFollower(Model):
    """A mailbox that is told of every step that is done, once its reader has confirmed it.

    `told` holds the keys of the steps its reader knows of: those done when it was confirmed, and
    those it was mailed about since.
    """

    __tablename__ = "progress_follower"
    __noun__ = "progressfollower"
    __caption__ = _("进度订阅")
    __entity__ = Entity(sight="of order_id", rules="enquiry", audited=False)

    order_id: Mapped[int] = mapped_column(
        sa.ForeignKey("sales_order.id", ondelete="CASCADE"), nullable=False
    )
    email: Mapped[str] = mapped_column(sa.String(120), nullable=False)
    language: Mapped[str] = mapped_column(sa.String(10), nullable=False)
    asked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    stopped_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    told: Mapped[list[Any]] = mapped_column(sa.JSON, nullable=False, default=list)

    order: Mapped["Order"] = relationship()

    __table_args__ = (sa.UniqueConstraint("order_id", "email"),)
