"""推送: one thing offered to many customers at once, what became of each, and who wants no mail."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.labels import Labelled
from models.core.mixins import Stamped
from models.core.types import UtcDateTime, named
from models.portrait.customer_portrait import of_customer

if TYPE_CHECKING:
    from models.sales.product import Product


class PushChannel(Labelled):
    """How it reaches a customer: by a task of its owner, or by mail."""

    plan = "plan", _("跟进任务")
    mail = "mail", _("邮件")


class Push(Model, Stamped):
    """What is pushed and how. `control` is the percent set aside, `days` how long answers count.

    Without a product each customer is offered what fits it best. `words` may name {客户} {联系人}
    {产品} {理由} {销售员}.
    """

    __tablename__ = "push_campaign"
    __noun__ = "pushcampaign"
    __caption__ = _("推送")
    __entity__ = Entity(sight="may portrait:read", rules="portrait")

    name: Mapped[str] = mapped_column(sa.String(80), nullable=False)
    channel: Mapped[PushChannel] = mapped_column(named(PushChannel), nullable=False)
    product_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("product.id", ondelete="SET NULL"), index=True
    )
    subject: Mapped[str | None] = mapped_column(sa.String(120))
    words: Mapped[str] = mapped_column(sa.Text, nullable=False)
    due_on: Mapped[dt.date | None] = mapped_column(sa.Date)
    control: Mapped[int] = mapped_column(sa.SmallInteger, nullable=False)
    days: Mapped[int] = mapped_column(sa.SmallInteger, nullable=False)

    product: Mapped["Product | None"] = relationship()

    __table_args__ = (
        sa.CheckConstraint("control BETWEEN 0 AND 50", name="control_percent"),
        sa.CheckConstraint("days BETWEEN 1 AND 365", name="days_of_answers"),
        sa.CheckConstraint("channel <> 'mail' OR subject IS NOT NULL", name="mail_has_subject"),
        sa.CheckConstraint("channel <> 'plan' OR due_on IS NOT NULL", name="plan_has_date"),
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class PushItem(Model):
    """A customer of a push: reached, or set aside to compare with (`control`)."""

    __tablename__ = "push_item"
    __noun__ = "pushitem"
    __caption__ = _("推送明细")
    __entity__ = Entity(
        sight="of customer_id", of="customer", traits="part", rules="portrait", audited=False
    )

    push_id: Mapped[int] = mapped_column(
        sa.ForeignKey("push_campaign.id", ondelete="CASCADE"), nullable=False
    )
    customer_id: Mapped[int] = of_customer()
    product_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("product.id", ondelete="SET NULL"), index=True
    )
    control: Mapped[bool] = mapped_column(
        sa.Boolean(create_constraint=False), nullable=False, default=False
    )
    plan_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("follow_up_plan.id", ondelete="SET NULL"), index=True
    )
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)

    __table_args__ = (sa.UniqueConstraint("push_id", "customer_id"),)


class MailStop(Model):
    """A mailbox, in small letters, whose reader wants no pushes."""

    __tablename__ = "mail_stop"
    __noun__ = "mailstop"
    __caption__ = _("退订邮箱")
    __entity__ = Entity(sight="nobody", rules="portrait", audited=False)

    address: Mapped[str] = mapped_column(sa.String(120), nullable=False, unique=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
