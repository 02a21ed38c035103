"""Follow-ups: what happened with a customer. A visit is a row here, not a table of its own."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity, Imports
from models.core.field import BASIC, PEOPLE, STAGE, VISIT, field
from models.core.labels import Labelled
from models.core.mixins import SoftDeleted, Stamped
from models.core.types import UtcDateTime, named
from models.customers.customer import CustomerStatus

if TYPE_CHECKING:
    from models.customers.contact import Contact
    from models.customers.customer import Customer
    from models.deals.contract import Contract
    from models.people.user import User
    from models.records.dictionary import DictionaryOption
    from models.sales.opportunity import Opportunity
    from models.sales.stage import Stage


class FollowUpKind(Labelled):
    """How the customer was met; `system` rows are written by approval alone."""

    call = "call", _("电话")
    wechat = "wechat", _("微信")
    email = "email", _("邮件")
    sms = "sms", _("短信")
    visit = "visit", _("上门拜访")
    reception = "reception", _("来访")
    meeting = "meeting", _("会议")
    other = "other", _("其他")
    system = "system", _("审批同步")


VISITS = (FollowUpKind.visit, FollowUpKind.reception)


class FollowUpResult(Labelled):
    """What came of it."""

    intent = "intent", _("有意向")
    going_on = "going_on", _("继续跟进")
    none = "none", _("暂无意向")
    won = "won", _("成交")
    lost = "lost", _("流失")


class Origin(Labelled):
    """Written by a person, or by the final approval of a request."""

    manual = "manual", _("手工录入")
    approval = "approval", _("审批同步")


class FollowUp(Model, Stamped, SoftDeleted):
    """One contact with a customer. The next date lives in follow_up_plan, nowhere else."""

    __tablename__ = "follow_up"
    __noun__ = "followup"
    __caption__ = _("跟踪记录")
    __entity__ = Entity(
        whole=("timeline", ""),
        kind="record",
        order=4,
        icon="note",
        section="progress",
        sight="customer",
        traits="attachable importable linked large lookup",
        grants={
            "office": "create edit_own import delete_own",
            "sales": "create edit_own delete_own",
            "manager": "create edit_own",
            "analyst": "export",
        },
        rules="approval follow_up",
        imports=Imports(rank=1),
    )

    at: Mapped[dt.datetime] = field(
        _("跟进时间"),
        UtcDateTime,
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
        required=True,
        listed=True,
        filter=True,
    )
    opportunity_id: Mapped[int | None] = field(
        _("商机"), sa.ForeignKey("opportunity.id"), listed=True, index=True
    )
    contract_id: Mapped[int | None] = field(_("合同"), sa.ForeignKey("contract.id"), index=True)
    contact_id: Mapped[int | None] = field(_("联系人"), sa.ForeignKey("contact.id"))
    kind: Mapped[FollowUpKind] = field(
        _("跟进方式"),
        named(FollowUpKind),
        nullable=False,
        default=FollowUpKind.call,
        required=True,
        listed=True,
        filter=True,
    )
    purpose_id: Mapped[int | None] = field(
        _("目的"), sa.ForeignKey("dictionary_option.id"), options="purpose", filter=True
    )
    content: Mapped[str] = field(
        _("跟进内容"),
        sa.Text,
        nullable=False,
        required=True,
        listed=True,
        search=True,
        multiline=True,
    )
    feedback: Mapped[str | None] = field(_("客户反馈/要求"), sa.Text, multiline=True)
    result: Mapped[FollowUpResult | None] = field(
        _("结果"), named(FollowUpResult), listed=True, filter=True
    )
    status_to: Mapped[CustomerStatus | None] = field(
        _("客户状态更新为"), named(CustomerStatus), section=STAGE, help=_("留空时不变")
    )
    stage_to_id: Mapped[int | None] = field(
        _("商机阶段更新为"), sa.ForeignKey("stage.id"), section=STAGE, help=_("留空时不变")
    )
    started_at: Mapped[dt.datetime | None] = field(_("开始时间"), UtcDateTime, section=VISIT)
    ended_at: Mapped[dt.datetime | None] = field(_("结束时间"), UtcDateTime, section=VISIT)
    place: Mapped[str | None] = field(_("地点"), sa.String(160), section=VISIT)
    latitude: Mapped[float | None] = field(
        _("签到纬度"), sa.Float, section=VISIT, form=False, export=False
    )
    longitude: Mapped[float | None] = field(
        _("签到经度"), sa.Float, section=VISIT, form=False, export=False
    )
    checked_in_at: Mapped[dt.datetime | None] = field(
        _("签到时间"), UtcDateTime, section=VISIT, form=False
    )
    companions: Mapped[str | None] = field(_("同行人"), sa.String(120), section=VISIT)
    owner_id: Mapped[int | None] = field(
        _("跟进人"),
        sa.ForeignKey("user_account.id"),
        required=True,
        listed=True,
        filter=True,
        section=PEOPLE,
        index=True,
    )
    owner_department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    origin: Mapped[Origin] = field(
        _("记录方式"),
        named(Origin),
        nullable=False,
        default=Origin.manual,
        form=False,
        listed=True,
        filter=True,
        section=BASIC,
    )
    request_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("approval_request.id"), unique=True
    )
    external_ref: Mapped[str | None] = field(_("外部编号"), sa.String(80), form=False)

    customer: Mapped["Customer"] = relationship()
    opportunity: Mapped["Opportunity | None"] = relationship()
    contract: Mapped["Contract | None"] = relationship()
    contact: Mapped["Contact | None"] = relationship()
    purpose: Mapped["DictionaryOption | None"] = relationship()
    stage_to: Mapped["Stage | None"] = relationship()
    owner: Mapped["User | None"] = relationship(foreign_keys=[owner_id])

    __table_args__ = (
        sa.CheckConstraint(
            "(origin = 'approval') = (kind = 'system') AND (origin = 'approval') = "
            "(request_id IS NOT NULL)",
            name="approval_rows_have_request",
        ),
        sa.CheckConstraint(
            "started_at IS NULL OR ended_at IS NULL OR started_at <= ended_at", name="ends_later"
        ),
        # Without what is in the bin: SQLite tells by the index alone when a customer was followed
        # last. PostgreSQL, without statistics, would change its plans of the tracking summary.
        sa.Index(
            "ix_follow_up_customer_at",
            "customer_id",
            "at",
            sqlite_where=sa.text("deleted_at IS NULL"),
        ),
        sa.Index("uq_follow_up_external_ref", "external_ref", unique=True),
    )

    def __str__(self) -> str:
        """Return kind and the first words."""
        return f"{self.kind} · {(self.content or '')[:20]}"
