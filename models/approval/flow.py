"""Approval flows as data: versions of ordered steps, who decides each, and stand-ins by date."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.labels import Labelled
from models.core.mixins import Stamped
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.people.user import User


class FlowAction(Labelled):
    """What a request asks for."""

    create = "create", _("新建")
    change = "change", _("变更")
    void = "void", _("作废")


class ApproverKind(Labelled):
    """How the approvers of a step are found."""

    role = "role", _("角色")
    person = "person", _("指定人员")
    manager = "manager", _("提交人上级")
    superior = "superior", _("提交人第 N 级上级")
    head = "head", _("部门负责人")
    chosen = "chosen", _("提交人自选")


class StepMode(Labelled):
    """How many of a step's approvers have to agree; of `cc` nobody: they get a copy."""

    any = "any", _("任一人通过")
    all = "all", _("全部通过")
    turn = "turn", _("依次通过")
    share = "share", _("按比例通过")
    cc = "cc", _("只抄送，不审批")


class Placement(Labelled):
    """Where a step stands: on the main way, in a branch of a choice, in one of several at once."""

    trunk = "trunk", _("主流程")
    choice = "choice", _("条件分支")
    parallel = "parallel", _("并行分支")


class ApprovalFlow(Model, Stamped):
    """The steps a request goes through. An edit makes a new version; running ones keep theirs.

    At most one version of a noun and action is in force (`active`). `copying`: who submits may
    name people who get a copy.
    """

    __tablename__ = "approval_flow"
    __noun__ = "flow"
    __caption__ = _("审批流程")
    __entity__ = Entity(
        kind="system", order=20, icon="branch", section="system", sight="everybody", rules="flow"
    )

    name: Mapped[str] = field(
        _("名称"), sa.String(60), nullable=False, required=True, listed=True, search=True
    )
    noun: Mapped[str] = field(
        _("业务类型"), sa.String(40), nullable=False, required=True, listed=True, filter=True
    )
    action: Mapped[FlowAction] = field(
        _("动作"),
        named(FlowAction),
        nullable=False,
        default=FlowAction.create,
        server_default="create",
        listed=True,
        filter=True,
    )
    version: Mapped[int] = field(
        _("版本"), sa.Integer, nullable=False, default=1, form=False, listed=True
    )
    active: Mapped[bool] = field(
        _("启用"), sa.Boolean(create_constraint=False), nullable=False, default=True, listed=True
    )
    copying: Mapped[bool] = field(
        _("提交人可以选择抄送的人"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=True,
        server_default=sa.true(),
        form=False,
    )

    steps: Mapped[list["ApprovalStep"]] = relationship(
        back_populates="flow", order_by="ApprovalStep.ordinal"
    )

    __table_args__ = (
        sa.UniqueConstraint("noun", "action", "version"),
        sa.Index(
            "uq_approval_flow_active",
            "noun",
            "action",
            unique=True,
            sqlite_where=sa.text("active"),
            postgresql_where=sa.text("active"),
        ),
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class ApprovalStep(Model, Stamped):
    """One step: who decides, how many of them, for which records, and by when.

    `condition` is a tree of services/query/conditions.py over the record (empty: always);
    `due_hours`
    are working hours (empty: the setting's); a step that is overdue is reminded of once and, where
    `escalate` says so, goes to the superior `escalate_hours` working hours later (empty: after the
    same time again). `share`: how many of a hundred have to agree. `collapse`: who agreed in an
    earlier step of the request agrees here too; `resume`: what is rejected here comes back here
    when it is submitted again.

    Steps in a row with the same `split` are branches of one fork, told apart by `branch`; the
    condition of a branch is that of its first step. Of a choice the first branch that applies is
    taken (if, else if, else), of a parallel fork all that apply run at once and join behind it.
    `fills` are the fields (input keys) whoever approves here may fill, or must (`fills_needed`).
    """

    __tablename__ = "approval_step"
    __noun__ = "flowstep"
    __caption__ = _("审批步骤")
    __entity__ = Entity(kind="system", order=21, sight="everybody", traits="forever", rules="flow")

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
    people: Mapped[list[int]] = mapped_column(
        sa.JSON, nullable=False, default=list, server_default="[]"
    )
    level: Mapped[int] = field(
        _("上级层数"), sa.Integer, nullable=False, default=1, server_default="1"
    )
    mode: Mapped[StepMode] = field(
        _("通过方式"),
        named(StepMode),
        nullable=False,
        default=StepMode.any,
        server_default="any",
        listed=True,
    )
    condition: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    due_hours: Mapped[int | None] = field(_("时限（工作小时）"), sa.Integer, listed=True)
    escalate: Mapped[bool] = field(
        _("再次超时升级给上级"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=True,
        server_default=sa.true(),
    )
    escalate_hours: Mapped[int | None] = field(_("提醒后几小时升级（工作小时）"), sa.Integer)
    share: Mapped[int | None] = field(_("通过的百分比"), sa.Integer)
    collapse: Mapped[bool] = field(
        _("前面步骤已同意的人不再重复审批"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
    )
    resume: Mapped[bool] = field(
        _("在此步驳回的，重新提交直接回到此步"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
    )

    placement: Mapped[Placement] = field(
        _("位置"), named(Placement), nullable=False, default=Placement.trunk, server_default="trunk"
    )
    split: Mapped[int | None] = mapped_column(sa.Integer)
    branch: Mapped[int | None] = field(_("分支号"), sa.Integer)
    fills: Mapped[list[str]] = mapped_column(
        sa.JSON, nullable=False, default=list, server_default="[]"
    )
    fills_needed: Mapped[bool] = field(
        _("通过时必须填写"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        default=False,
        server_default=sa.false(),
    )

    flow: Mapped[ApprovalFlow] = relationship(back_populates="steps")
    role: Mapped[Any] = relationship("Role")

    __table_args__ = (
        sa.UniqueConstraint("flow_id", "ordinal"),
        sa.CheckConstraint("ordinal >= 1", name="ordinal_from_one"),
        sa.CheckConstraint("level BETWEEN 1 AND 9", name="level_in_range"),
        sa.CheckConstraint("(mode = 'share') = (share IS NOT NULL)", name="share_of_mode"),
        sa.CheckConstraint("share BETWEEN 1 AND 100", name="share_in_percent"),
        sa.CheckConstraint("(placement = 'trunk') = (split IS NULL)", name="split_off_trunk"),
        sa.CheckConstraint("(split IS NULL) = (branch IS NULL)", name="split_has_branch"),
        sa.CheckConstraint("branch BETWEEN 1 AND 9", name="branch_in_range"),
        sa.CheckConstraint("due_hours IS NULL OR due_hours > 0", name="due_hours_positive"),
        sa.CheckConstraint(
            "escalate_hours IS NULL OR escalate_hours > 0", name="escalate_hours_positive"
        ),
    )

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Delegation(Model, Stamped):
    """Between two dates (inclusive) new approval tasks of one person go to another one."""

    __tablename__ = "delegation"
    __noun__ = "delegation"
    __caption__ = _("审批委托")
    __entity__ = Entity(sight="delegation", rules="delegation")

    user_id: Mapped[int] = field(
        _("委托人"),
        sa.ForeignKey("user_account.id"),
        nullable=False,
        listed=True,
        form=False,
        index=True,
    )
    delegate_id: Mapped[int] = field(
        _("受托人"),
        sa.ForeignKey("user_account.id"),
        nullable=False,
        required=True,
        listed=True,
        index=True,
    )
    from_on: Mapped[dt.date] = field(
        _("开始日期"), sa.Date, nullable=False, required=True, listed=True
    )
    to_on: Mapped[dt.date] = field(
        _("结束日期"), sa.Date, nullable=False, required=True, listed=True
    )
    reason: Mapped[str | None] = field(_("原因"), sa.String(200), listed=True)
    ended_at: Mapped[dt.datetime | None] = field(_("提前结束"), UtcDateTime, form=False)

    user: Mapped["User"] = relationship(foreign_keys=[user_id])
    delegate: Mapped["User"] = relationship(foreign_keys=[delegate_id])

    __table_args__ = (
        sa.CheckConstraint("to_on >= from_on", name="dates_in_order"),
        sa.CheckConstraint("user_id <> delegate_id", name="not_to_oneself"),
    )

    def __str__(self) -> str:
        """Return the dates."""
        return f"{self.from_on} – {self.to_on}"
