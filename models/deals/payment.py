"""Collections: money that came in (or went back) on a contract, and the lines it settles."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity, Number
from models.core.field import MORE, PEOPLE, field
from models.core.labels import Labelled
from models.core.mixins import SoftDeleted, Stamped
from models.core.types import Money, UtcDateTime, named

if TYPE_CHECKING:
    from models.customers.customer import Customer
    from models.deals.contract import Contract
    from models.deals.payment_plan import PaymentPlan
    from models.people.user import User


class PaymentMethod(Labelled):
    """How it was paid."""

    cheque = "cheque", _("支票")
    cash = "cash", _("现金")
    wire = "wire", _("电汇")
    bank = "bank", _("网上转账")
    alipay = "alipay", _("支付宝")
    wechat = "wechat", _("微信")
    acceptance = "acceptance", _("承兑")
    other = "other", _("其他")


class PaymentState(Labelled):
    """Only confirmed payments count in the cockpit."""

    registered = "registered", _("已登记")
    confirmed = "confirmed", _("已确认")
    reversed = "reversed", _("已冲销")


class Payment(Model, Stamped, SoftDeleted):
    """A payment in 分; a negative amount is a refund. Owner and department are stamped once."""

    __tablename__ = "payment"
    __noun__ = "payment"
    __caption__ = _("回款")
    __entity__ = Entity(
        paper="receipt",
        whole=("contracts", "code -paid_on amount method state"),
        kind="record",
        order=9,
        icon="coin",
        section="progress",
        sight="customer",
        traits="attachable importable linked large",
        grants={
            "admin": "export",
            "office": "create edit_own delete_own import export",
            "sales": "create edit_own delete_own",
            "finance": "create edit delete import confirm reverse export",
        },
        rules="payment contract",
        number=Number("{prefix}-HK-{yyyymmdd}-{n}"),
    )

    code: Mapped[str] = field(
        _("回款编号"),
        sa.String(40),
        nullable=False,
        unique=True,
        form=False,
        listed=True,
        search=True,
    )
    contract_id: Mapped[int] = field(
        _("合同"),
        sa.ForeignKey("contract.id"),
        nullable=False,
        required=True,
        listed=True,
        filter=True,
        index=True,
    )
    customer_id: Mapped[int] = field(
        _("客户"),
        sa.ForeignKey("customer.id"),
        nullable=False,
        form=False,
        listed=True,
        filter=True,
        index=True,
    )
    paid_on: Mapped[dt.date] = field(
        _("回款日期"), sa.Date, nullable=False, required=True, listed=True, filter=True, index=True
    )
    amount: Mapped[int] = field(
        _("回款金额"),
        Money,
        nullable=False,
        required=True,
        listed=True,
        filter=True,
        help=_("负数表示退款"),
    )
    payer: Mapped[str | None] = field(_("付款方"), sa.String(120), search=True)
    method: Mapped[PaymentMethod] = field(
        _("回款方式"),
        named(PaymentMethod),
        nullable=False,
        default=PaymentMethod.bank,
        listed=True,
        filter=True,
    )
    voucher: Mapped[str | None] = field(_("凭证号"), sa.String(80), section=MORE)
    state: Mapped[PaymentState] = field(
        _("状态"),
        named(PaymentState),
        nullable=False,
        default=PaymentState.registered,
        form=False,
        listed=True,
        filter=True,
    )
    owner_id: Mapped[int | None] = field(
        _("亚为销售员"),
        sa.ForeignKey("user_account.id"),
        form=False,
        listed=True,
        filter=True,
        section=PEOPLE,
        index=True,
    )
    owner_department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    confirmed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    confirmed_at: Mapped[dt.datetime | None] = field(_("确认时间"), UtcDateTime, form=False)
    remark: Mapped[str | None] = field(_("备注"), sa.String(300), section=MORE)
    external_ref: Mapped[str | None] = field(_("外部编号"), sa.String(80), form=False)

    contract: Mapped["Contract"] = relationship()
    customer: Mapped["Customer"] = relationship()
    owner: Mapped["User | None"] = relationship(foreign_keys=[owner_id])
    allocations: Mapped[list["PaymentAllocation"]] = relationship(
        back_populates="payment", cascade="all, delete-orphan"
    )

    __table_args__ = (
        sa.CheckConstraint("amount <> 0", name="amount_not_zero"),
        sa.CheckConstraint(
            "(state = 'registered') = (confirmed_at IS NULL)", name="confirmed_has_time"
        ),
        sa.Index("uq_payment_external_ref", "external_ref", unique=True),
    )

    def __str__(self) -> str:
        """Return the number."""
        return self.code


class PaymentAllocation(Model):
    """How much of a payment settles which instalment."""

    __tablename__ = "payment_allocation"
    __noun__ = "allocation"
    __caption__ = _("回款分摊")
    __entity__ = Entity(
        sight="of payment_id", of="payment", traits="part", rules="payment import", audited=False
    )

    payment_id: Mapped[int] = field(
        _("回款"), sa.ForeignKey("payment.id", ondelete="CASCADE"), nullable=False, index=True
    )
    plan_id: Mapped[int] = field(
        _("期次"), sa.ForeignKey("payment_plan.id"), nullable=False, index=True
    )
    amount: Mapped[int] = field(_("金额"), Money, nullable=False)
    by_hand: Mapped[bool] = field(
        _("手工分摊"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
    )

    payment: Mapped[Payment] = relationship(back_populates="allocations")
    plan: Mapped["PaymentPlan"] = relationship()

    __table_args__ = (
        sa.UniqueConstraint("payment_id", "plan_id"),
        sa.CheckConstraint("amount <> 0", name="amount_not_zero"),
    )
