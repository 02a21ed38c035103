"""Approval: flows as data, and one request a round with its tasks, events and copies."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Model
from models.field import field
from models.labels import Labelled
from models.mixins import Approval, Stamped
from models.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.customer import Customer
    from models.user import User


class Decision(Labelled):
    """What a person did with a request."""

    submit = "submit", _("提交")
    approve = "approve", _("同意")
    reject = "reject", _("驳回")
    give_back = "give_back", _("退回")
    transfer = "transfer", _("转交")
    add_sign = "add_sign", _("加签")
    urge = "urge", _("催办")
    comment = "comment", _("评论")
    withdraw = "withdraw", _("撤回")
    import_in = "import_in", _("导入")


class RequestOrigin(Labelled):
    """Entered by a person, or one request per import file for historic rows."""

    form = "form", _("录入")
    import_file = "import_file", _("导入")


class TaskState(Labelled):
    """Whether a task still waits."""

    open = "open", _("待处理")
    done = "done", _("已处理")
    cancelled = "cancelled", _("已取消")


class ApproverKind(Labelled):
    """How the approvers of a step are found."""

    role = "role", _("角色")
    person = "person", _("指定人员")
    manager = "manager", _("提交人上级")
    head = "head", _("部门负责人")


class ApprovalFlow(Model, Stamped):
    """The steps a submission of one entity goes through; a running request keeps its version."""

    __tablename__ = "approval_flow"
    __noun__ = "flow"
    __caption__ = _("审批流程")

    name: Mapped[str] = field(
        _("名称"), sa.String(60), nullable=False, required=True, listed=True, search=True
    )
    noun: Mapped[str] = field(
        _("对象"), sa.String(40), nullable=False, required=True, listed=True, filter=True
    )
    version: Mapped[int] = field(
        _("版本"), sa.Integer, nullable=False, default=1, form=False, listed=True
    )
    active: Mapped[bool] = field(
        _("启用"), sa.Boolean(create_constraint=False), nullable=False, default=True, listed=True
    )

    steps: Mapped[list["ApprovalStep"]] = relationship(
        back_populates="flow", order_by="ApprovalStep.ordinal"
    )

    __table_args__ = (sa.UniqueConstraint("noun", "version"),)

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class ApprovalStep(Model, Stamped):
    """One step: any of its approvers decides."""

    __tablename__ = "approval_step"
    __noun__ = "flowstep"
    __caption__ = _("审批步骤")

    flow_id: Mapped[int] = field(
        _("审批流程"),
        sa.ForeignKey("approval_flow.id"),
        nullable=False,
        required=True,
        listed=True,
        index=True,
    )
    ordinal: Mapped[int] = field(_("步骤"), sa.Integer, nullable=False, default=1, listed=True)
    name: Mapped[str] = field(_("名称"), sa.String(60), nullable=False, required=True, listed=True)
    approver_kind: Mapped[ApproverKind] = field(
        _("审批人"), named(ApproverKind), nullable=False, default=ApproverKind.role, listed=True
    )
    role_id: Mapped[int | None] = field(_("角色"), sa.ForeignKey("role.id"), listed=True)
    person_id: Mapped[int | None] = field(
        _("指定人员"), sa.ForeignKey("user_account.id"), listed=True
    )

    flow: Mapped[ApprovalFlow] = relationship(back_populates="steps")
    role: Mapped[Any] = relationship("Role")
    person: Mapped["User | None"] = relationship(foreign_keys=[person_id])

    __table_args__ = (
        sa.UniqueConstraint("flow_id", "ordinal"),
        sa.CheckConstraint("ordinal >= 1", name="ordinal_from_one"),
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class ApprovalRequest(Model):
    """One round of one record: what was submitted (frozen, hashed) and where it stands.

    `seen_version` is the record's row_version at submission: a decision names it, so that
    nobody approves what he did not see.
    """

    __tablename__ = "approval_request"
    __noun__ = "request"
    __caption__ = _("审批单")

    noun: Mapped[str] = field(_("对象"), sa.String(40), nullable=False, listed=True, filter=True)
    record_id: Mapped[int | None] = mapped_column(sa.Integer)
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer.id"), index=True)
    round: Mapped[int] = field(_("轮次"), sa.Integer, nullable=False, default=1, listed=True)
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
    flow_id: Mapped[int | None] = mapped_column(sa.ForeignKey("approval_flow.id"))
    step: Mapped[int] = field(_("步骤"), sa.Integer, nullable=False, default=1)
    steps: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=1)
    seen_version: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON, nullable=False)
    payload_hash: Mapped[str] = mapped_column(sa.String(64), nullable=False)
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


class ApprovalTask(Model):
    """One approver's task in one step; at most one of a step's tasks is decided."""

    __tablename__ = "approval_task"
    __noun__ = "task"
    __caption__ = _("审批任务")

    request_id: Mapped[int] = mapped_column(
        sa.ForeignKey("approval_request.id"), nullable=False, index=True
    )
    step: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=1)
    assignee_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), nullable=False)
    state: Mapped[TaskState] = mapped_column(
        named(TaskState), nullable=False, default=TaskState.open
    )
    decision: Mapped[Decision | None] = mapped_column(named(Decision))
    needs_second: Mapped[bool] = mapped_column(
        sa.Boolean(create_constraint=False), nullable=False, default=False
    )
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    due_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    request: Mapped[ApprovalRequest] = relationship(back_populates="tasks")
    assignee: Mapped["User"] = relationship()

    __table_args__ = (
        sa.UniqueConstraint("request_id", "step", "assignee_id"),
        sa.CheckConstraint("(state = 'done') = (decision IS NOT NULL)", name="done_has_decision"),
        sa.Index("ix_approval_task_assignee_state", "assignee_id", "state"),
    )


class ApprovalEvent(Model):
    """What happened to a request, for ever: rows are only added."""

    __tablename__ = "approval_event"
    __noun__ = "approvalevent"
    __caption__ = _("审批记录")

    request_id: Mapped[int] = mapped_column(
        sa.ForeignKey("approval_request.id"), nullable=False, index=True
    )
    step: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=0)
    decision: Mapped[Decision] = mapped_column(named(Decision), nullable=False)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    comment: Mapped[str | None] = mapped_column(sa.String(500))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)

    request: Mapped[ApprovalRequest] = relationship(back_populates="events")
    actor: Mapped["User | None"] = relationship()


class ApprovalCopy(Model):
    """A copy to the submitter (抄送我的): one row per request and person, unread when new."""

    __tablename__ = "approval_cc"
    __noun__ = "cc"
    __caption__ = _("抄送")

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

    request: Mapped[ApprovalRequest] = relationship()
    actor: Mapped["User | None"] = relationship(foreign_keys=[actor_id])

    __table_args__ = (sa.UniqueConstraint("request_id", "user_id"),)
