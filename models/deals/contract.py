"""Contracts with their product lines; the payment plan is in payment_plan.py."""

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.bulk.tag import Tagged
from models.core.base import Model
from models.core.entity import Entity, Number
from models.core.field import MONEY, MORE, PEOPLE, TIME, field
from models.core.keys import derived, sorting
from models.core.labels import Labelled
from models.core.line import ProductLine, line_checks
from models.core.mixins import Owned, Reviewed, SoftDeleted, Stamped, review_checks
from models.core.spelling import LONGEST, spelled
from models.core.types import Money, UtcDateTime, named

if TYPE_CHECKING:
    from models.customers.customer import Customer
    from models.deals.order import Order
    from models.deals.payment_plan import PaymentPlan
    from models.people.user import User
    from models.records.dictionary import DictionaryOption
    from models.sales.opportunity import Opportunity


class ContractType(Labelled):
    """What kind of agreement it is."""

    sale = "sale", _("销售")
    agency = "agency", _("代理")
    service = "service", _("服务")
    framework = "framework", _("框架")


class ContractState(Labelled):
    """已到期 is computed (active and end < today), never stored."""

    to_sign = "to_sign", _("待签署")
    active = "active", _("履行中")
    done = "done", _("履行完毕")
    void = "void", _("作废")


IN_FORCE = (ContractState.active, ContractState.done)


class ContractLine(Model, ProductLine):
    """A product the customer bought."""

    __tablename__ = "contract_line"
    __noun__ = "contractline"
    __caption__ = _("产品明细")
    __table_args__ = line_checks()

    contract_id: Mapped[int] = mapped_column(
        sa.ForeignKey("contract.id", ondelete="CASCADE"), nullable=False, index=True
    )
    contract: Mapped["Contract"] = relationship(back_populates="lines")


class Contract(Model, Stamped, Owned, Reviewed, SoftDeleted, Tagged):
    """Approved means active when the signing date is filled, else to_sign."""

    __tablename__ = "contract"
    __noun__ = "contract"
    __caption__ = _("合同")
    __entity__ = Entity(
        paper="contract",
        whole=("contracts", "code name amount signed_on state approval"),
        kind="record",
        order=6,
        section="progress",
        traits="searchable attachable importable linked large lookup answers",
        grants={
            "office": "create edit submit import export delete_own finish",
            "sales": "create edit_own submit delete_own",
            "manager": "create edit submit export delete_own finish",
            "finance": "finish",
            "analyst": "export",
        },
        called=("name", "code"),
        movable=("incomplete",),
        rules="fulfilment",
        number=Number("{prefix}-HT-{yyyymmdd}-{n}"),
        flow="合同审批",
    )
    __open__: ClassVar[dict[str, str]] = {
        "field": "state",
        "op": "eq",
        "value": "active",
    }  # what may be overdue
    __lines__ = ("lines", "plan")

    # A contract is voided, never given back: nobody is asked about it.
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    code: Mapped[str | None] = field(
        _("合同编号"), sa.String(40), unique=True, form=False, listed=True, search=True
    )
    name: Mapped[str | None] = field(
        _("合同名称"), sa.String(120), required=True, listed=True, search=True, controlled=True
    )
    customer_id: Mapped[int | None] = field(
        _("客户"),
        sa.ForeignKey("customer.id"),
        required=True,
        listed=True,
        filter=True,
        controlled=True,
        index=True,
    )
    opportunity_id: Mapped[int | None] = field(
        _("商机"), sa.ForeignKey("opportunity.id"), controlled=True, index=True
    )
    renews_id: Mapped[int | None] = field(
        _("续签自"), sa.ForeignKey("contract.id"), controlled=True, filter=True, index=True
    )
    type: Mapped[ContractType] = field(
        _("合同类型"),
        named(ContractType),
        nullable=False,
        default=ContractType.sale,
        filter=True,
        controlled=True,
        listed=True,
    )
    amount: Mapped[int | None] = field(
        _("合同金额"),
        Money,
        required=True,
        listed=True,
        filter=True,
        controlled=True,
        section=MONEY,
        help=_("有产品明细时，金额为各行小计之和"),
    )
    pay_term_id: Mapped[int | None] = field(
        _("付款方式"),
        sa.ForeignKey("dictionary_option.id"),
        options="pay_term",
        section=MONEY,
        controlled=True,
    )
    terms: Mapped[str | None] = field(
        _("付款条款"),
        sa.String(40),
        section=MONEY,
        controlled=True,
        help=_("如 3-6-1、30/60/10、月付×12、月结30天；回款计划留空时按此排期"),
    )
    signed_on: Mapped[dt.date | None] = field(
        _("签订日"),
        sa.Date,
        required=True,
        listed=True,
        filter=True,
        controlled=True,
        section=TIME,
        index=True,
    )
    start_on: Mapped[dt.date | None] = field(_("开始日期"), sa.Date, controlled=True, section=TIME)
    end_on: Mapped[dt.date | None] = field(
        _("结束日期"), sa.Date, controlled=True, section=TIME, filter=True
    )
    deliver_on: Mapped[dt.date | None] = field(_("交付日"), sa.Date, controlled=True, section=TIME)
    customer_signer: Mapped[str | None] = field(
        _("客户签约人"), sa.String(60), controlled=True, section=PEOPLE
    )
    signer_id: Mapped[int | None] = field(
        _("我方签约人"),
        sa.ForeignKey("user_account.id"),
        required=True,
        controlled=True,
        section=PEOPLE,
        filter=True,
        index=True,
    )
    signer_department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    state: Mapped[ContractState] = field(
        _("合同状态"),
        named(ContractState),
        nullable=False,
        default=ContractState.to_sign,
        form=False,
        listed=True,
        filter=True,
    )
    done_on: Mapped[dt.date | None] = field(_("履行完毕日期"), sa.Date, form=False, section=TIME)
    done_note: Mapped[str | None] = field(_("结案说明"), sa.String(200), form=False, section=TIME)
    shows_money: Mapped[bool] = field(
        _("客户查询可见开票与回款"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
        section=MORE,
        help=_("客户用订单编号或链接查询进度时，是否显示开票和回款的百分比"),
    )
    remark: Mapped[str | None] = field(_("备注"), sa.Text, multiline=True, section=MORE)
    incomplete: Mapped[bool] = field(
        _("资料不全"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
        form=False,
        filter=True,
    )
    pinyin: Mapped[str | None] = derived("name", spelled, LONGEST)
    sort_key: Mapped[str | None] = sorting("name")

    customer: Mapped["Customer | None"] = relationship()
    opportunity: Mapped["Opportunity | None"] = relationship()
    renews: Mapped["Contract | None"] = relationship(remote_side="Contract.id")
    pay_term: Mapped["DictionaryOption | None"] = relationship()
    signer: Mapped["User | None"] = relationship(foreign_keys=[signer_id])
    lines: Mapped[list[ContractLine]] = relationship(
        back_populates="contract",
        cascade="all, delete-orphan",
        order_by="ContractLine.ordinal",
        info={"caption": _("产品明细"), "controlled": True},
    )
    plan: Mapped[list["PaymentPlan"]] = relationship(
        back_populates="contract",
        cascade="all, delete-orphan",
        order_by="PaymentPlan.ordinal",
        info={"caption": _("回款计划"), "controlled": True},
    )
    orders: Mapped[list["Order"]] = relationship(back_populates="contract")

    __table_args__ = (
        *review_checks(),
        sa.CheckConstraint("amount IS NULL OR amount >= 0", name="amount_not_negative"),
        sa.CheckConstraint("renews_id IS NULL OR renews_id <> id", name="renews_another"),
        sa.CheckConstraint(
            "state NOT IN ('active', 'done') OR (signed_on IS NOT NULL AND approval = 'approved')",
            name="in_force_is_signed",
        ),
        sa.CheckConstraint(
            "start_on IS NULL OR end_on IS NULL OR start_on <= end_on", name="ends_later"
        ),
        sa.Index("uq_contract_external_ref", "external_ref", unique=True),
        # Whose customers somebody sees because of a contract in force: asked for every grid.
        sa.Index(
            "ix_contract_held",
            "owner_id",
            "customer_id",
            sqlite_where=sa.text("state IN ('active', 'done') AND deleted_at IS NULL"),
            postgresql_where=sa.text("state IN ('active', 'done') AND deleted_at IS NULL"),
        ),
    )

    def __str__(self) -> str:
        """Return number and name."""
        return self.name or self.code or str(_("未命名合同"))
