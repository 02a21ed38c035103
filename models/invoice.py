"""Invoices on a contract."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.base import Model
from models.entity import Entity, Number
from models.field import MORE, field
from models.labels import Labelled
from models.mixins import SoftDeleted, Stamped
from models.types import Money, named

if TYPE_CHECKING:
    from models.contract import Contract
    from models.customer import Customer
    from models.user import User


class InvoiceType(Labelled):
    """What the tax office calls it."""

    special = "special", _("专票")
    general = "general", _("普票")
    receipt = "receipt", _("收据")


class InvoiceState(Labelled):
    """Where an invoice stands."""

    requested = "requested", _("申请中")
    issued = "issued", _("已开")
    red = "red", _("红冲")


class Invoice(Model, Stamped, SoftDeleted):
    """An invoice in 分."""

    __tablename__ = "invoice"
    __noun__ = "invoice"
    __caption__ = _("发票")
    __entity__ = Entity(
        kind="record",
        order=10,
        section="progress",
        sight="customer",
        traits="linked large",
        grants={
            "admin": "export",
            "office": "create export",
            "sales": "create",
            "finance": "create edit export",
        },
        rules="import contract",
        number=Number("{prefix}-FP-{yyyymmdd}-{n}"),
    )

    code: Mapped[str] = field(
        _("申请编号"),
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
    type: Mapped[InvoiceType] = field(
        _("发票类型"),
        named(InvoiceType),
        nullable=False,
        default=InvoiceType.special,
        listed=True,
        filter=True,
    )
    amount: Mapped[int] = field(_("金额"), Money, nullable=False, required=True, listed=True)
    issued_on: Mapped[dt.date | None] = field(_("开票日期"), sa.Date, listed=True, filter=True)
    title: Mapped[str | None] = field(_("抬头"), sa.String(120), search=True, section=MORE)
    tax_no: Mapped[str | None] = field(
        _("税号"),
        sa.String(40),
        section=MORE,
        widget="tax",
        help=_("18 位统一社会信用代码；旧税号 15 或 20 位"),
    )
    bank: Mapped[str | None] = field(_("开户行"), sa.String(120), section=MORE)
    account_no: Mapped[str | None] = field(_("账号"), sa.String(60), section=MORE)
    number: Mapped[str | None] = field(
        _("发票号码"), sa.String(40), listed=True, search=True, unique=True
    )
    state: Mapped[InvoiceState] = field(
        _("状态"),
        named(InvoiceState),
        nullable=False,
        default=InvoiceState.requested,
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
        index=True,
    )

    contract: Mapped["Contract"] = relationship()
    customer: Mapped["Customer"] = relationship()
    owner: Mapped["User | None"] = relationship(foreign_keys=[owner_id])

    __table_args__ = (
        sa.CheckConstraint("amount <> 0", name="amount_not_zero"),
        sa.CheckConstraint("state = 'requested' OR issued_on IS NOT NULL", name="issued_has_date"),
    )

    def __str__(self) -> str:
        """Return the invoice number, or our own while there is none."""
        return self.number or self.code
