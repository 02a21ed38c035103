"""What a person is told: one row per person and event, for the bell; the outbox mails it."""

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
    from models.approval.request import ApprovalRequest


class NoticeKind(Labelled):
    """What happened; the caption is told in the reader's language, the title is data."""

    task = "task", _("待审批")
    decision = "decision", _("审批结果")
    returned = "returned", _("退回修改")
    withdrawn = "withdrawn", _("提交已撤回")
    transfer = "transfer", _("转交给您")
    add_sign = "add_sign", _("加签给您")
    urge = "urge", _("催办")
    comment = "comment", _("新评论")
    overdue = "overdue", _("审批超时")
    escalation = "escalation", _("审批超时升级")
    no_approver = "no_approver", _("没有找到审批人，请您处理")
    reminder = "reminder", _("跟进提醒")
    visit = "visit", _("拜访提醒")
    instalment = "instalment", _("回款提醒")
    renewal = "renewal", _("合同即将到期")
    assigned = "assigned", _("分配给您")
    handover = "handover", _("移交给您")
    pool = "pool", _("公海")
    pool_soon = "pool_soon", _("即将退回公海")
    pool_gone = "pool_gone", _("已退回公海")
    batch = "batch", _("批量任务完成")
    import_job = "import_job", _("导入完成")
    alert = "alert", _("数字预警")
    system = "system", _("系统通知")


# What waits for a decision: it is unread only as long as it waits.
TASKS = frozenset(
    NoticeKind[name]
    for name in ("task", "transfer", "add_sign", "urge", "overdue", "escalation", "no_approver")
)
RESULTS = frozenset(NoticeKind[name] for name in ("decision", "returned", "withdrawn", "comment"))


class Notification(Model):
    """One event that concerns one person; the same `dedupe_key` is told to him once.

    What a batch of many brings about is one row that counts: `number` events, the last at `until`.
    """

    __tablename__ = "notification"
    __noun__ = "notification"
    __caption__ = _("通知")
    __entity__ = Entity(sight="person", rules="read_mark notice", audited=False)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), nullable=False)
    kind: Mapped[NoticeKind] = mapped_column(named(NoticeKind), nullable=False)
    title: Mapped[str] = mapped_column(sa.String(200), nullable=False)
    url: Mapped[str] = mapped_column(sa.String(300), nullable=False)
    dedupe_key: Mapped[str] = mapped_column(sa.String(120), nullable=False)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    read_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    request_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("approval_request.id", ondelete="CASCADE"), index=True
    )
    number: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=1, server_default="1")
    until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    request: Mapped["ApprovalRequest | None"] = relationship()

    __table_args__ = (
        sa.CheckConstraint("number >= 1", name="number_positive"),
        sa.UniqueConstraint("user_id", "dedupe_key"),
        sa.CheckConstraint("url LIKE '/%' AND url NOT LIKE '//%'", name="url_is_local"),
        sa.Index("ix_notification_user_id_created_at", "user_id", "created_at"),
        sa.Index(
            "ix_notification_unread",
            "user_id",
            sqlite_where=sa.text("read_at IS NULL"),
            postgresql_where=sa.text("read_at IS NULL"),
        ),
    )

    @property
    def told(self) -> str:
        """Return what happened, and of how many the title is one."""
        if self.number == 1:
            return self.title
        return str(_("%(title)s 等 %(n)s 项", title=self.title, n=f"{self.number:,}"))

    def __str__(self) -> str:
        """Return kind and title."""
        return f"{self.kind}：{self.told}"
