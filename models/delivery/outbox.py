"""The outbox: what must leave the database after commit, written in the same transaction."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.labels import Labelled
from models.core.types import UtcDateTime, named

if TYPE_CHECKING:
    from models.people.user import User


class Channel(Labelled):
    """Where a row goes: to a mailbox, to a person's robot, or to the worker as a task."""

    mail = "mail", _("邮件")
    job = "job", _("后台任务")
    robot = "robot", _("群机器人")


class OutboxState(Labelled):
    """How far a row is; `sending` is a lease that runs out when the worker dies."""

    waiting = "waiting", _("等待发送")
    sending = "sending", _("发送中")
    sent = "sent", _("已发送")
    unconfigured = "unconfigured", _("未配置")
    parked = "parked", _("多次失败，已停止发送")


class Outbox(Model):
    """One delivery, at least once; `dedupe_key` makes a second posting of the same thing none.

    `next_at` is when it may be tried; while `sending` it is when the lease runs out.
    """

    __tablename__ = "outbox"
    __noun__ = "outbox"
    __caption__ = _("发件箱")
    __entity__ = Entity(
        kind="system",
        order=24,
        icon="outbox",
        section="system",
        sight="may outbox:read",
        rules="notice",
        audited=False,
    )

    channel: Mapped[Channel] = field(
        _("渠道"), named(Channel), nullable=False, listed=True, filter=True
    )
    state: Mapped[OutboxState] = field(
        _("状态"),
        named(OutboxState),
        nullable=False,
        default=OutboxState.waiting,
        listed=True,
        filter=True,
    )
    user_id: Mapped[int | None] = field(
        _("收件人"), sa.ForeignKey("user_account.id"), listed=True, filter=True
    )
    address: Mapped[str | None] = field(_("收件邮箱"), sa.String(120), listed=True, search=True)
    title: Mapped[str] = field(_("标题"), sa.String(200), nullable=False, listed=True, search=True)
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON, nullable=False)
    dedupe_key: Mapped[str] = mapped_column(sa.String(160), nullable=False, unique=True)
    attempts: Mapped[int] = field(_("尝试次数"), sa.Integer, nullable=False, default=0, listed=True)
    reason: Mapped[str | None] = field(_("原因"), sa.String(300), listed=True)
    created_at: Mapped[dt.datetime] = field(
        _("创建时间"), UtcDateTime, nullable=False, listed=True, filter=True
    )
    next_at: Mapped[dt.datetime] = field(_("下次尝试"), UtcDateTime, nullable=False)
    sent_at: Mapped[dt.datetime | None] = field(_("发送时间"), UtcDateTime, listed=True)

    user: Mapped["User | None"] = relationship()

    __table_args__ = (
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        sa.CheckConstraint("state <> 'parked' OR reason IS NOT NULL", name="parked_has_reason"),
        sa.CheckConstraint(
            "channel <> 'mail' OR user_id IS NOT NULL OR address IS NOT NULL",
            name="mail_has_recipient",
        ),
        sa.Index(
            "ix_outbox_open",
            "channel",
            "next_at",
            sqlite_where=sa.text("state IN ('waiting', 'sending')"),
            postgresql_where=sa.text("state IN ('waiting', 'sending')"),
        ),
    )

    def __str__(self) -> str:
        """Return the title."""
        return self.title
