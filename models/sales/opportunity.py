"""Opportunities: what we may sell to whom, by when, how likely."""

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.bulk.tag import Tagged
from models.core.base import Model
from models.core.entity import Entity, Number
from models.core.field import MONEY, MORE, PEOPLE, STAGE, field
from models.core.keys import derived, sorting
from models.core.line import ProductLine, line_checks
from models.core.mixins import Owned, Reviewed, SoftDeleted, Stamped, review_checks
from models.core.spelling import LONGEST, spelled
from models.core.types import Money, UtcDateTime, named
from models.sales.stage import StageKind

if TYPE_CHECKING:
    from models.customers.contact import Contact
    from models.customers.customer import Customer
    from models.people.user import User
    from models.records.dictionary import DictionaryOption
    from models.sales.stage import Stage, StageHistory


class OpportunityLine(Model, ProductLine):
    """A product the customer may buy."""

    __tablename__ = "opportunity_line"
    __noun__ = "opportunityline"
    __caption__ = _("意向产品")
    __table_args__ = line_checks()

    opportunity_id: Mapped[int] = mapped_column(
        sa.ForeignKey("opportunity.id", ondelete="CASCADE"), nullable=False, index=True
    )
    opportunity: Mapped["Opportunity"] = relationship(back_populates="lines")


class Opportunity(Model, Stamped, Owned, Reviewed, SoftDeleted, Tagged):
    """`state` follows the kind of the stage; closing stamps date, owner and department once."""

    __tablename__ = "opportunity"
    __noun__ = "opportunity"
    __caption__ = _("商机")
    __entity__ = Entity(
        paper="quotation",
        whole=("opportunities", "code name stage_id amount expected_on state approval"),
        kind="record",
        order=3,
        icon="target",
        section="records",
        traits="searchable attachable importable linked large lookup answers",
        grants={
            "office": "create edit submit import export delete_own",
            "sales": "create edit_own submit delete_own",
            "manager": "create edit submit export delete_own",
            "analyst": "export",
        },
        rules="follow_up stage ownership",
        called=("name", "code"),
        movable=("technical_id", "incomplete"),
        number=Number("{prefix}-SJ-{yyyymmdd}-{n}"),
        flow="商机审批",
    )
    __open__: ClassVar[dict[str, str]] = {
        "field": "state",
        "op": "eq",
        "value": "open",
    }  # what may be overdue
    __lines__ = ("lines",)

    code: Mapped[str | None] = field(
        _("商机编号"), sa.String(40), unique=True, form=False, listed=True, search=True
    )
    name: Mapped[str | None] = field(
        _("商机名称"), sa.String(120), required=True, listed=True, search=True
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
    contact_id: Mapped[int | None] = field(_("联系人"), sa.ForeignKey("contact.id"))
    amount: Mapped[int | None] = field(
        _("金额"),
        Money,
        required=True,
        listed=True,
        filter=True,
        controlled=True,
        section=MONEY,
        help=_("有意向产品时，金额为各行小计之和"),
    )
    expected_on: Mapped[dt.date | None] = field(
        _("预计成交日"), sa.Date, required=True, listed=True, filter=True, section=STAGE
    )
    stage_id: Mapped[int | None] = field(
        _("阶段"),
        sa.ForeignKey("stage.id"),
        required=True,
        listed=True,
        filter=True,
        section=STAGE,
        index=True,
    )
    probability: Mapped[int | None] = field(
        _("赢率（%）"), sa.Integer, section=STAGE, listed=True, help=_("留空时按阶段自动带出")
    )
    state: Mapped[StageKind] = field(
        _("状态"),
        named(StageKind),
        nullable=False,
        default=StageKind.open,
        form=False,
        listed=True,
        filter=True,
        section=STAGE,
    )
    stage_since: Mapped[dt.datetime | None] = field(
        _("进入阶段时间"), UtcDateTime, form=False, section=STAGE
    )
    closed_on: Mapped[dt.date | None] = field(
        _("关闭日期"), sa.Date, form=False, filter=True, section=STAGE, index=True
    )
    lost_reason_id: Mapped[int | None] = field(
        _("丢单原因"),
        sa.ForeignKey("dictionary_option.id"),
        options="lost_reason",
        section=STAGE,
        help=_("阶段为输单时必填"),
    )
    lost_note: Mapped[str | None] = field(_("丢单说明"), sa.String(300), section=STAGE)
    source_id: Mapped[int | None] = field(
        _("来源"), sa.ForeignKey("dictionary_option.id"), options="source", section=MORE
    )
    need: Mapped[str | None] = field(_("需求描述"), sa.Text, multiline=True, section=MORE)
    competitor: Mapped[str | None] = field(_("竞争对手"), sa.String(120), section=MORE)
    technical_id: Mapped[int | None] = field(
        _("技术协同人"), sa.ForeignKey("user_account.id"), section=PEOPLE
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
    closing_owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    closing_department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    pinyin: Mapped[str | None] = derived("name", spelled, LONGEST)
    sort_key: Mapped[str | None] = sorting("name")

    customer: Mapped["Customer | None"] = relationship()
    contact: Mapped["Contact | None"] = relationship()
    stage: Mapped["Stage | None"] = relationship()
    lost_reason: Mapped["DictionaryOption | None"] = relationship(foreign_keys=[lost_reason_id])
    source: Mapped["DictionaryOption | None"] = relationship(foreign_keys=[source_id])
    technical: Mapped["User | None"] = relationship(foreign_keys=[technical_id])
    lines: Mapped[list[OpportunityLine]] = relationship(
        back_populates="opportunity",
        cascade="all, delete-orphan",
        order_by="OpportunityLine.ordinal",
        info={"caption": _("意向产品"), "controlled": True},
    )
    stage_history: Mapped[list["StageHistory"]] = relationship(
        back_populates="opportunity", order_by="StageHistory.at"
    )

    __table_args__ = (
        *review_checks(),
        sa.CheckConstraint("amount IS NULL OR amount >= 0", name="amount_not_negative"),
        sa.CheckConstraint(
            "probability IS NULL OR probability BETWEEN 0 AND 100", name="probability_percent"
        ),
        sa.CheckConstraint("(state = 'open') = (closed_on IS NULL)", name="closed_has_date"),
        sa.Index("uq_opportunity_external_ref", "external_ref", unique=True),
        sa.Index("ix_opportunity_created_owner", "created_owner_id", "created_at"),
        # Whose customers somebody sees because of an open opportunity: asked for every grid.
        sa.Index(
            "ix_opportunity_held",
            "owner_id",
            "customer_id",
            sqlite_where=sa.text("state = 'open' AND deleted_at IS NULL"),
            postgresql_where=sa.text("state = 'open' AND deleted_at IS NULL"),
        ),
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name or self.code or str(_("未命名商机"))
