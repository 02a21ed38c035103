"""The audit log: who changed what, when; rows are only added, each sealed, batches chained."""

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
from models.rights.seal import fresh_salt, sealing

if TYPE_CHECKING:
    from models.people.user import User


class AuditAction(Labelled):
    """What kind of thing happened."""

    create = "create", _("新建")
    update = "update", _("修改")
    delete = "delete", _("删除")
    export = "export", _("导出")
    login = "login", _("登录")
    logout = "logout", _("退出登录")
    login_failed = "login_failed", _("登录失败")
    view = "view", _("查看敏感信息")
    import_in = "import_in", _("导入")
    erase = "erase", _("清除个人信息")


class AuditLog(Model):
    """One change of one record: old and new values by field key."""

    __tablename__ = "audit_log"
    __noun__ = "audit"
    __caption__ = _("审计日志")
    __entity__ = Entity(
        kind="system",
        order=22,
        icon="eye",
        section="system",
        sight="audit",
        grants={"manager": "read"},
        traits="forever forgets",
        rules="audit",
        audited=False,
    )

    at: Mapped[dt.datetime] = field(
        _("时间"), UtcDateTime, nullable=False, form=False, listed=True, filter=True, index=True
    )
    actor_id: Mapped[int | None] = field(
        _("操作人"),
        sa.ForeignKey("user_account.id"),
        form=False,
        listed=True,
        filter=True,
        index=True,
    )
    action: Mapped[AuditAction] = field(
        _("动作"), named(AuditAction), nullable=False, form=False, listed=True, filter=True
    )
    noun: Mapped[str] = field(
        _("业务类型"), sa.String(40), nullable=False, form=False, listed=True, filter=True
    )
    record_id: Mapped[int | None] = field(_("记录"), sa.Integer, form=False, listed=True)
    label: Mapped[str] = field(
        _("名称"), sa.String(200), nullable=False, default="", form=False, listed=True, search=True
    )
    changes: Mapped[dict[str, Any]] = field(
        _("变更内容"), sa.JSON, nullable=False, default=dict, form=False, export=False
    )
    salt: Mapped[str] = mapped_column(
        sa.String(16), nullable=False, default=fresh_salt, server_default=""
    )
    seal: Mapped[str] = mapped_column(
        sa.String(64), nullable=False, default=sealing, server_default=""
    )

    actor: Mapped["User | None"] = relationship()

    __table_args__ = (sa.Index("ix_audit_log_record", "noun", "record_id"),)

    def __str__(self) -> str:
        """Return what was done to what."""
        return f"{self.action} · {self.label}"


class AuditBatch(Model):
    """Rows of the log that stand for good: those up to `last_id` that no earlier batch has.

    `chain` covers their seals and the batch before (services/rights/audit_chain.py).
    """

    __tablename__ = "audit_batch"
    __noun__ = "auditbatch"
    __caption__ = _("审计批次")
    __entity__ = Entity(sight="nobody", traits="forever", rules="audit", audited=False)

    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    last_id: Mapped[int] = mapped_column(sa.Integer, nullable=False, unique=True)
    rows: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    chain: Mapped[str] = mapped_column(sa.String(32), nullable=False)
