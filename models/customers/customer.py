"""Key accounts: the 17 fields of 大客户录入 (9 of them on the primary contact)."""

from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.bulk.tag import Tagged
from models.core.base import Model
from models.core.entity import Entity, Imports, Number
from models.core.field import ADDRESS, BASIC, MORE, PEOPLE, field
from models.core.keys import company_key, derived, sorting
from models.core.labels import Labelled
from models.core.mixins import Owned, Reviewed, SoftDeleted, Stamped, review_checks
from models.core.spelling import LONGEST, spelled
from models.core.types import named

if TYPE_CHECKING:
    from models.customers.contact import Contact
    from models.people.user import User
    from models.records.dictionary import DictionaryOption


class CustomerClass(Labelled):
    """The class gives the number its letter: G or X."""

    high_value = "high_value", _("高价值客户")
    project = "project", _("项目客户")


class Level(Labelled):
    """How important a customer is, and so how often somebody must call."""

    a = "a", _("A级: 非常重要, 合同洽谈")
    b = "b", _("B级: 重要, 方案报价")
    c = "c", _("C级: 一般, 需求沟通")
    d = "d", _("D级: 潜在, 初步接触")

    @property
    def short(self) -> str:
        """Return it without its explanation, which stands in forms."""
        return str(self).partition(":")[0]


class CustomerStatus(Labelled):
    """Where the relation stands; follow-ups move it."""

    new = "new", _("未跟进")
    contacting = "contacting", _("跟进中")
    intent = "intent", _("有意向")
    negotiating = "negotiating", _("洽谈中")
    won = "won", _("已成交")
    dormant = "dormant", _("沉睡")
    lost = "lost", _("已流失")
    invalid = "invalid", _("无效")


class Customer(Model, Stamped, Owned, Reviewed, SoftDeleted, Tagged):
    """A company we sell to. `owner_id` NULL on an approved customer is 公海 (the public pool)."""

    __tablename__ = "customer"
    __noun__ = "customer"
    __caption__ = _("客户")
    __entity__ = Entity(
        paper="statement",
        kind="record",
        order=1,
        icon="building",
        section="records",
        sight="self",
        traits="searchable attachable importable linked large lookup answers",
        grants={
            "office": "create edit submit merge import export delete_own",
            "sales": "create edit_own submit claim delete_own",
            "manager": "create edit submit assign handover export delete_own",
            "analyst": "export",
        },
        rules="follow_up merge ownership",
        called=("company", "code"),
        movable=("status", "technical_id", "incomplete"),
        number=Number("{prefix}-{yyyymmdd}-{letter}{n}", width=1),
        flow="客户审批",
        imports=Imports(keys=("code", "external_ref", "company")),
    )

    code: Mapped[str | None] = field(
        _("客户编号"), sa.String(40), unique=True, form=False, listed=True, search=True
    )
    customer_class: Mapped[CustomerClass] = field(
        _("客户类别"),
        named(CustomerClass),
        nullable=False,
        default=CustomerClass.high_value,
        radio=True,
        controlled=True,
        filter=True,
    )
    company: Mapped[str | None] = field(
        _("客户单位"),
        sa.String(120),
        required=True,
        listed=True,
        search=True,
        controlled=True,
        index=True,
        widget="name",
    )
    industry_id: Mapped[int | None] = field(
        _("行业"),
        sa.ForeignKey("dictionary_option.id"),
        options="industry",
        filter=True,
        listed=True,
    )
    level: Mapped[Level | None] = field(
        _("客户等级"), named(Level), default=Level.a, listed=True, filter=True, controlled=True
    )
    source_id: Mapped[int | None] = field(
        _("客户来源"),
        sa.ForeignKey("dictionary_option.id"),
        options="source",
        required=True,
        filter=True,
    )
    status: Mapped[CustomerStatus] = field(
        _("客户状态"),
        named(CustomerStatus),
        nullable=False,
        default=CustomerStatus.new,
        required=True,
        listed=True,
        filter=True,
    )
    technical_id: Mapped[int | None] = field(
        _("技术协同人"), sa.ForeignKey("user_account.id"), section=PEOPLE, filter=True, index=True
    )
    region_code: Mapped[str | None] = field(
        _("省/市/区"),
        sa.String(6),
        required=True,
        section=ADDRESS,
        controlled=True,
        widget="region",
        index=True,
    )
    region_text: Mapped[str | None] = field(
        _("地区"), sa.String(60), section=ADDRESS, controlled=True, form=False, listed=True
    )
    street: Mapped[str | None] = field(
        _("详细地址"), sa.String(160), section=ADDRESS, controlled=True
    )
    remark: Mapped[str | None] = field(_("备注"), sa.Text, section=MORE, multiline=True)
    duplicate_note: Mapped[str | None] = field(
        _("重复说明"),
        sa.String(300),
        section=MORE,
        help=_("客户单位、手机或座机与已有客户相同时必填，请填写仍需录入的原因"),
    )
    company_key: Mapped[str | None] = derived("company", company_key)
    pinyin: Mapped[str | None] = derived("company", spelled, LONGEST)
    sort_key: Mapped[str | None] = sorting("company")
    region_key: Mapped[str | None] = sorting("region_text")
    incomplete: Mapped[bool] = field(
        _("资料不全"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
        form=False,
        filter=True,
        section=BASIC,
    )
    placeholder: Mapped[bool] = mapped_column(
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
    )

    industry: Mapped["DictionaryOption | None"] = relationship(foreign_keys=[industry_id])
    source: Mapped["DictionaryOption | None"] = relationship(foreign_keys=[source_id])
    technical: Mapped["User | None"] = relationship(foreign_keys=[technical_id])
    contacts: Mapped[list["Contact"]] = relationship(
        back_populates="customer", order_by="Contact.is_primary.desc(), Contact.id"
    )

    __table_args__ = (
        *review_checks(),
        sa.CheckConstraint(
            "region_code IS NULL OR length(region_code) = 6", name="region_has_six_digits"
        ),
        # The operator class lets LIKE 'abc%' use the index whatever the database's collation is.
        sa.Index(
            "ix_customer_company_key",
            "company_key",
            postgresql_ops={"company_key": "text_pattern_ops"},
        ),
        sa.Index("uq_customer_external_ref", "external_ref", unique=True),
        sa.Index("ix_customer_approval_owner", "approval", "owner_id"),
    )

    def __str__(self) -> str:
        """Return the company, or what stands in for it in an empty draft."""
        return self.company or self.code or str(_("未命名客户"))
