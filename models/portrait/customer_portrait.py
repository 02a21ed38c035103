"""What is known of each customer, computed by the worker: one row a customer, and one a month."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.types import Money
from models.portrait.segment_rule import SegmentRule

if TYPE_CHECKING:
    from models.customers.customer import Customer

COMPUTED = Entity(
    sight="of customer_id", of="customer", traits="part", rules="portrait", audited=False
)


def of_customer(*, alone: bool = False) -> Mapped[int]:
    """Return the column of the customer a computed row is about."""
    key = sa.ForeignKey("customer.id", ondelete="CASCADE")
    return mapped_column(key, nullable=False, unique=alone or None, index=not alone)


class CustomerPortrait(Model):
    """R, F, M of a customer as of a day, its segment, rhythms, health and chance of leaving.

    R: days since the last purchase or payment; F, M: contracts and 分 (less refunds) within the
    window. Scores and segment are empty where there is too little to tell.
    """

    __tablename__ = "customer_portrait"
    __noun__ = "customerportrait"
    __caption__ = _("客户画像")
    __entity__ = COMPUTED

    customer_id: Mapped[int] = of_customer(alone=True)
    as_of: Mapped[dt.date] = mapped_column(sa.Date, nullable=False)
    segment_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("segment_rule.id", ondelete="SET NULL"), index=True
    )
    recency: Mapped[int | None] = field(_("距上次购买或回款天数"), sa.Integer)
    frequency: Mapped[int] = field(_("购买次数"), sa.Integer, nullable=False)
    monetary: Mapped[int] = field(_("购买金额"), Money, nullable=False)
    r: Mapped[int | None] = mapped_column(sa.SmallInteger)
    f: Mapped[int | None] = mapped_column(sa.SmallInteger)
    m: Mapped[int | None] = mapped_column(sa.SmallInteger)
    orders: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    first_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    last_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    paid_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    met_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    months_active: Mapped[int] = field(_("有购买的月数"), sa.Integer, nullable=False)
    buys_every: Mapped[int | None] = mapped_column(sa.Integer)
    pays_every: Mapped[int | None] = mapped_column(sa.Integer)
    meets_every: Mapped[int | None] = mapped_column(sa.Integer)
    strip: Mapped[list[int]] = mapped_column(sa.JSON, nullable=False)
    health: Mapped[int | None] = field(_("健康度"), sa.SmallInteger)
    ailments: Mapped[list[Any]] = mapped_column(sa.JSON, nullable=False)
    leaving: Mapped[int | None] = field(_("流失概率"), sa.SmallInteger)
    causes: Mapped[list[Any]] = mapped_column(sa.JSON, nullable=False)

    customer: Mapped["Customer"] = relationship()
    segment: Mapped[SegmentRule | None] = relationship()

    __table_args__ = (
        sa.CheckConstraint(
            "leaving IS NULL OR leaving BETWEEN 0 AND 1000", name="leaving_permille"
        ),
        sa.CheckConstraint("health IS NULL OR health BETWEEN 0 AND 100", name="health_percent"),
    )


class PortraitMonth(Model):
    """The segment a customer was in at the end of a month; of this month: up to now."""

    __tablename__ = "portrait_month"
    __noun__ = "portraitmonth"
    __caption__ = _("客户分层的月份")
    __entity__ = COMPUTED

    customer_id: Mapped[int] = of_customer()
    month: Mapped[dt.date] = mapped_column(sa.Date, nullable=False)
    segment_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("segment_rule.id", ondelete="SET NULL")
    )

    __table_args__ = (sa.Index("ix_portrait_month_month_customer", "month", "customer_id"),)
