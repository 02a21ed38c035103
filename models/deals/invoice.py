"""Invoices on a contract."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.core.base import Model
from models.core.entity import Entity, Imports, Number
from models.core.field import MORE, field
from models.core.labels import Labelled
from models.core.mixins import SoftDeleted, Stamped
from models.core.types import Money, UtcDateTime, named

if TYPE_CHECKING:
    from models.customers.customer import Customer
    from models.deals.contract import Contract
    from models.people.user import User


class InvoiceType(Labelled):
    """What the tax office calls it."""

    special = "special", _("专票")
    general = "general", _("普票")
    receipt = "receipt", _("收据")


class InvoiceState(Labelled):
    """Where an invoice stands; 红冲 is a row of its own with a negative amount."""

    requested = "requested", _("申请中")
    issued = "issued", _("已开")
    red = "red", _("红冲")


class Invoice(Model, Stamped, SoftDeleted):
    """An invoice in 分, tax included; a negative amount takes back what was invoiced.

    `over_ceiling` is what may be invoiced of the contract in all where that is beyond its amount:
    asked for with a reason, issued only once somebody agreed.
    """

    __tablename__ = "invoice"
    __noun__ = "invoice"
    __caption__ = _("发票")
    __entity__ = Entity(
        whole=("contracts", "code type amount issued_on number state"),
        kind="record",
        order=10,
        icon="receipt",
        section="progress",
        sight="customer",
        traits="attachable importable linked large lookup",
        grants={
            "admin": "export",
            "office": "create edit_own delete_own import export",
            "sales": "create edit_own delete_own",
            "manager": "exceed",
            "finance": "create edit import export",
        },
        rules="contract",
        number=Number("{prefix}-FP-{yyyymmdd}-{n}"),
        imports=Imports(keys=("code", "number", "external_ref")),
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
    amount: Mapped[int] = field(
        _("金额"),
        Money,
        nullable=False,
        required=True,
        listed=True,
        filter=True,
        help=_("价税合计；红冲填负数"),
    )
    tax_rate_bp: Mapped[int | None] = field(
        _("税率%"), sa.Integer, widget="percent", help=_("填写后自动算出不含税金额和税额")
    )
    net_amount: Mapped[int | None] = field(_("不含税金额"), Money)
    tax_amount: Mapped[int | None] = field(_("税额"), Money)
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
    reverses_id: Mapped[int | None] = field(
        _("红冲的发票"),
        sa.ForeignKey("invoice.id"),
        filter=True,
        index=True,
        section=MORE,
        help=_("红冲哪一张已开的发票"),
    )
    over_reason: Mapped[str | None] = field(
        _("超开理由"),
        sa.String(200),
        section=MORE,
        help=_("开票超出合同金额时填写，经批准后才能开具"),
    )
    over_ceiling: Mapped[int | None] = field(_("超开上限"), Money, form=False, section=MORE)
    over_agreed_by_id: Mapped[int | None] = field(
        _("超开批准人"), sa.ForeignKey("user_account.id"), form=False, section=MORE
    )
    over_agreed_at: Mapped[dt.datetime | None] = field(
        _("超开批准时间"), UtcDateTime, form=False, section=MORE
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

    external_ref: Mapped[str | None] = field(_("外部编号"), sa.String(80), form=False)

    contract: Mapped["Contract"] = relationship()
    customer: Mapped["Customer"] = relationship()
    owner: Mapped["User | None"] = relationship(foreign_keys=[owner_id])
    reverses: Mapped["Invoice | None"] = relationship(remote_side="Invoice.id")
    over_agreed_by: Mapped["User | None"] = relationship(foreign_keys=[over_agreed_by_id])

    __table_args__ = (
        sa.CheckConstraint("amount <> 0", name="amount_not_zero"),
        sa.Index("uq_invoice_external_ref", "external_ref", unique=True),
        sa.CheckConstraint("state = 'requested' OR issued_on IS NOT NULL", name="issued_has_date"),
        sa.CheckConstraint(
            "state = 'requested' OR (state = 'red') = (amount < 0)", name="red_is_negative"
        ),
        sa.CheckConstraint("reverses_id IS NULL OR amount < 0", name="reversal_is_negative"),
        sa.CheckConstraint(
            "(net_amount IS NULL) = (tax_amount IS NULL) "
            "AND (net_amount IS NULL OR net_amount + tax_amount = amount)",
            name="net_and_tax",
        ),
        sa.CheckConstraint(
            "tax_rate_bp IS NULL OR tax_rate_bp BETWEEN 0 AND 10000", name="tax_rate_percent"
        ),
        sa.CheckConstraint(
            "over_ceiling IS NULL OR state = 'requested' OR over_agreed_at IS NOT NULL",
            name="over_is_agreed",
        ),
    )

    def __str__(self) -> str:
        """Return the invoice number, or our own while there is none."""
        return self.number or self.code
