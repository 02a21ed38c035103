"""Approval: one request a round with its tasks, events and copies."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.approval.flow import FlowAction
from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.labels import Labelled
from models.core.mixins import Approval
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.approval.file import ApprovalFile
    from models.approval.flow import ApprovalFlow
    from models.approval.task import ApprovalTask
    from models.customers.customer import Customer
    from models.people.user import User


class Decision(Labelled):
    """What a person did with a request: in the past, beside the buttons' words."""

    submit = "submit", lazy_pgettext("event", "提交")
    approve = "approve", lazy_pgettext("event", "同意")
    reject = "reject", lazy_pgettext("event", "驳回")
    give_back = "give_back", lazy_pgettext("event", "退回")
    transfer = "transfer", lazy_pgettext("event", "转交")
    add_sign = "add_sign", lazy_pgettext("event", "加签")
    urge = "urge", lazy_pgettext("event", "催办")
    comment = "comment", lazy_pgettext("event", "评论")
    withdraw = "withdraw", lazy_pgettext("event", "撤回")
    import_in = "import_in", lazy_pgettext("event", "导入")
    take_back = "take_back", lazy_pgettext("event", "撤销审批")
    remind = "remind", lazy_pgettext("event", "超时提醒")
    escalate = "escalate", lazy_pgettext("event", "超时升级")
    no_approver = "no_approver", lazy_pgettext("event", "没有找到审批人")
    reassign = "reassign", lazy_pgettext("event", "自动移交")
    terminate = "terminate", lazy_pgettext("event", "终止")


class RequestOrigin(Labelled):
    """Entered by a person, or one request per import file for historic rows."""

    form = "form", _("录入")
    import_file = "import_file", _("导入")


class ApprovalRequest(Model):
    """One round of one record: what was submitted (frozen, hashed) and where it stands.

    `seen_version` is the record's row_version at submission: a decision names it, so that
    nobody approves what he did not see. `route` are the ordinals of the flow's steps that apply,
    fixed at submission; `step` counts along it. `lanes` tells, beside the route, which of its steps
    run at once: (split, branch) each, None on the main way and where nothing does; `step` is then
    the first of them until all are through. `chosen` are the approvers the submitter named.
    The payload of a change holds `old` beside `values`, of the changed fields only; `filled` tells
    of both what approvers put in (key → what was there before each), which counts as a new version
    for who decides after them. `summary` is what the follow-up will say of it, written at
    submission so that a bulk approval need not.
    """

    __tablename__ = "approval_request"
    __noun__ = "request"
    __caption__ = _("审批单")
    __entity__ = Entity(sight="request", traits="part", rules="approval import", audited=False)

    noun: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    record_id: Mapped[int | None] = mapped_column(sa.Integer)
    customer_id: Mapped[int | None] = field(
        _("客户"), sa.ForeignKey("customer.id"), listed=True, filter=True, index=True
    )
    round: Mapped[int] = field(_("轮次"), sa.Integer, nullable=False, default=1)
    title: Mapped[str] = field(_("标题"), sa.String(200), nullable=False, listed=True, search=True)
    state: Mapped[Approval] = field(
        _("状态"),
        named(Approval),
        nullable=False,
        default=Approval.pending,
        listed=True,
        filter=True,
        index=True,
    )
    origin: Mapped[RequestOrigin] = field(
        _("来源"), named(RequestOrigin), nullable=False, default=RequestOrigin.form
    )
    action: Mapped[FlowAction] = field(
        _("动作"),
        named(FlowAction),
        nullable=False,
        default=FlowAction.create,
        server_default="create",
    )
    flow_id: Mapped[int | None] = mapped_column(sa.ForeignKey("approval_flow.id"))
    route: Mapped[list[int] | None] = mapped_column(sa.JSON(none_as_null=True))
    lanes: Mapped[list[list[int] | None] | None] = mapped_column(sa.JSON(none_as_null=True))
    chosen: Mapped[list[int] | None] = mapped_column(sa.JSON(none_as_null=True))
    step: Mapped[int] = field(_("步骤"), sa.Integer, nullable=False, default=1, filter=True)
    steps: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=1)
    seen_version: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON, nullable=False)
    payload_hash: Mapped[str] = mapped_column(sa.String(64), nullable=False)
    summary: Mapped[str | None] = mapped_column(sa.Text)
    submitted_by_id: Mapped[int | None] = field(
        _("提交人"), sa.ForeignKey("user_account.id"), listed=True, filter=True, index=True
    )
    last_editor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    submitted_at: Mapped[dt.datetime] = field(
        _("提交时间"), UtcDateTime, nullable=False, listed=True, filter=True
    )
    decided_at: Mapped[dt.datetime | None] = field(_("审批时间"), UtcDateTime, listed=True)
    last_actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    last_comment: Mapped[str | None] = field(_("审批意见"), sa.String(500))

    customer: Mapped["Customer | None"] = relationship()
    submitted_by: Mapped["User | None"] = relationship(foreign_keys=[submitted_by_id])
    last_actor: Mapped["User | None"] = relationship(foreign_keys=[last_actor_id])
    flow: Mapped["ApprovalFlow | None"] = relationship()
    tasks: Mapped[list["ApprovalTask"]] = relationship(
        back_populates="request", order_by="ApprovalTask.step, ApprovalTask.id"
    )
    events: Mapped[list["ApprovalEvent"]] = relationship(
        back_populates="request", order_by="ApprovalEvent.id"
    )

    __table_args__ = (
        sa.UniqueConstraint("noun", "record_id", "round"),
        sa.CheckConstraint("state <> 'draft'", name="never_draft"),
        sa.CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided_has_time"),
        sa.CheckConstraint("record_id IS NOT NULL OR origin = 'import_file'", name="has_record"),
        sa.Index(
            "uq_approval_request_open",
            "noun",
            "record_id",
            unique=True,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        ),
    )

    def __str__(self) -> str:
        """Return the title."""
        return self.title


class ApprovalEvent(Model):
    """What happened to a request, for ever: rows are only added.

    `on_behalf_of_id` is whom the actor stood in for; `target_id` to whom a task went;
    `remarks` are what was said beside single fields of the snapshot, or filled into them (input
    key → text). `to_step` is where a return goes to, None for the submitter.
    """

    __tablename__ = "approval_event"
    __noun__ = "approvalevent"
    __caption__ = _("审批记录")
    __entity__ = Entity(
        sight="of request_id", traits="forever forgets", rules="approval import", audited=False
    )

    request_id: Mapped[int] = mapped_column(
        sa.ForeignKey("approval_request.id"), nullable=False, index=True
    )
    step: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=0)
    decision: Mapped[Decision] = mapped_column(named(Decision), nullable=False)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    on_behalf_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    target_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    comment: Mapped[str | None] = mapped_column(sa.String(500))
    remarks: Mapped[dict[str, str] | None] = mapped_column(sa.JSON(none_as_null=True))
    to_step: Mapped[int | None] = mapped_column(sa.Integer)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)

    request: Mapped[ApprovalRequest] = relationship(back_populates="events")
    files: Mapped[list["ApprovalFile"]] = relationship(
        back_populates="event", order_by="ApprovalFile.id"
    )
    actor: Mapped["User | None"] = relationship(foreign_keys=[actor_id])
    on_behalf_of: Mapped["User | None"] = relationship(foreign_keys=[on_behalf_of_id])
    target: Mapped["User | None"] = relationship(foreign_keys=[target_id])


class ApprovalCopy(Model):
    """A copy to the submitter (抄送我的): one row per request and person, unread when new.

    `chosen`: the submitter named this person when he submitted.
    """

    __tablename__ = "approval_cc"
    __noun__ = "cc"
    __caption__ = _("抄送")
    __entity__ = Entity(sight="person", rules="approval read_mark", audited=False)

    request_id: Mapped[int] = mapped_column(sa.ForeignKey("approval_request.id"), nullable=False)
    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id"), nullable=False, index=True
    )
    step: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=0)
    steps: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=1)
    state: Mapped[Approval] = mapped_column(named(Approval), nullable=False)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    comment: Mapped[str | None] = mapped_column(sa.String(500))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    read_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    chosen: Mapped[bool] = mapped_column(
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
    )

    request: Mapped[ApprovalRequest] = relationship()
    actor: Mapped["User | None"] = relationship(foreign_keys=[actor_id])

    __table_args__ = (sa.UniqueConstraint("request_id", "user_id"),)
