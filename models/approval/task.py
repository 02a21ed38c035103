"""Tasks of a request: who is asked in which step, and what came of it."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.labels import Labelled
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.people.user import User
from models.approval.request import ApprovalRequest, Decision


class TaskState(Labelled):
    """Whether a task still waits: for its person, or first for another task."""

    open = "open", _("待处理")
    waiting = "waiting", _("未轮到")
    done = "done", _("已处理")
    cancelled = "cancelled", _("已取消")


class ApprovalTask(Model):
    """One approver's task in one step; a person has at most one live task in it.

    `after_id` is the task that has to be approved first; `added_by_id` who asked for this extra
    signature; `on_behalf_of_id` whose stand-in the assignee is. A done one that was never due
    (`due_at`) was asked of nobody: a rule of the flow took the step as agreed to.
    """

    __tablename__ = "approval_task"
    __noun__ = "task"
    __caption__ = _("审批待办")
    __entity__ = Entity(sight="of request_id", rules="approval ownership", audited=False)

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
    after_id: Mapped[int | None] = mapped_column(sa.ForeignKey("approval_task.id"), index=True)
    added_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    on_behalf_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    reminded_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    escalated_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    request: Mapped[ApprovalRequest] = relationship(back_populates="tasks")
    assignee: Mapped["User"] = relationship(foreign_keys=[assignee_id])
    on_behalf_of: Mapped["User | None"] = relationship(foreign_keys=[on_behalf_of_id])

    __table_args__ = (
        sa.CheckConstraint("(state = 'done') = (decision IS NOT NULL)", name="done_has_decision"),
        sa.CheckConstraint("state <> 'waiting' OR after_id IS NOT NULL", name="waiting_has_other"),
        sa.Index(
            "uq_approval_task_live",
            "request_id",
            "step",
            "assignee_id",
            unique=True,
            sqlite_where=sa.text("state IN ('open', 'waiting')"),
            postgresql_where=sa.text("state IN ('open', 'waiting')"),
        ),
        sa.Index(
            "ix_approval_task_due",
            "due_at",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index("ix_approval_task_assignee_state", "assignee_id", "state"),
    )
