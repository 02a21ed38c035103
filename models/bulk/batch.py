"""Bulk verbs: the job and the stored result of every item."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.labels import Labelled
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.people.user import User


class BatchVerb(Labelled):
    """What was done to every item."""

    approve = "approve", _("批量通过")
    reject = "reject", _("批量驳回")
    submit = "submit", _("批量提交")
    delete = "delete", _("批量删除")
    edit = "edit", _("批量修改")
    restore = "restore", _("恢复")
    assign = "assign", _("批量分配")
    tag = "tag", _("加标签")
    untag = "untag", _("去标签")
    handover = "handover", _("移交")
    confirm = "confirm", _("确认到账")
    remind = "remind", _("催收提醒")
    reassign = "reassign", _("批量改派")
    urge = "urge", _("批量催办")
    terminate = "terminate", _("批量终止")
    push = "push", _("推送")


class ItemState(Labelled):
    """How it went for one item."""

    waiting = "waiting", _("等待")
    done = "done", _("成功")
    failed = "failed", _("失败")


class BatchJob(Model):
    """One bulk verb by one person; `skipped` are the titles that were flagged and left out.

    `arguments` is what the verb needs beside its items; NULL while only the items are frozen.
    """

    __tablename__ = "batch_job"
    __noun__ = "batch"
    __caption__ = _("批量任务")
    __entity__ = Entity(sight="batch", rules="approval", audited=False)

    verb: Mapped[BatchVerb] = mapped_column(named(BatchVerb), nullable=False)
    noun: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    comment: Mapped[str | None] = mapped_column(sa.String(500))
    arguments: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    actor_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id"), nullable=False, index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    started_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    skipped: Mapped[list[str]] = mapped_column(
        sa.JSON, nullable=False, default=list, server_default="[]"
    )

    actor: Mapped["User"] = relationship()
    items: Mapped[list["BatchItem"]] = relationship(
        back_populates="job", order_by="BatchItem.id", cascade="all, delete-orphan"
    )


class BatchItem(Model):
    """One item: which version was meant, why it failed if it did, what was written in it.

    A done one has a `message` where it went otherwise than the verb says: set aside by a push.
    `words`: the message in every language of the interface, by its name.
    `changes`: input → its value before and after; NULL where an undo has nothing to give back.
    """

    __tablename__ = "batch_item"
    __noun__ = "batchitem"
    __caption__ = _("批量明细")
    __entity__ = Entity(sight="of job_id", rules="approval", audited=False)

    job_id: Mapped[int] = mapped_column(
        sa.ForeignKey("batch_job.id", ondelete="CASCADE"), nullable=False
    )
    target_id: Mapped[int] = mapped_column(sa.BigInteger, nullable=False)
    seen_version: Mapped[int | None] = mapped_column(sa.Integer)
    title: Mapped[str] = mapped_column(sa.String(200), nullable=False, default="")
    state: Mapped[ItemState] = mapped_column(
        named(ItemState), nullable=False, default=ItemState.waiting
    )
    code: Mapped[str | None] = mapped_column(sa.String(40))
    message: Mapped[str | None] = mapped_column(sa.String(300))
    words: Mapped[dict[str, str] | None] = mapped_column(sa.JSON(none_as_null=True))
    changes: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))

    job: Mapped[BatchJob] = relationship(back_populates="items")

    __table_args__ = (
        sa.UniqueConstraint("job_id", "target_id"),
        sa.Index("ix_batch_item_job_state", "job_id", "state"),
        sa.CheckConstraint("(state = 'failed') = (code IS NOT NULL)", name="failed_has_code"),
    )
