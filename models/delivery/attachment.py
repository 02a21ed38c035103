"""Attachments: files that belong to a record. Their bytes lie outside, found by their SHA-256."""

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.mixins import SoftDeleted
from models.core.types import UtcDateTime

if TYPE_CHECKING:
    from models.people.user import User


class Attachment(Model, SoftDeleted):
    """One file of one record; the same content is kept once, however often it is attached."""

    __tablename__ = "attachment"
    __noun__ = "attachment"
    __caption__ = _("附件")
    __entity__ = Entity(sight="attachment", rules="attachment")

    noun: Mapped[str] = field(_("业务类型"), sa.String(20), nullable=False, form=False)
    record_id: Mapped[int] = field(_("记录"), sa.Integer, nullable=False, form=False)
    name: Mapped[str] = field(_("文件名"), sa.String(200), nullable=False, form=False)
    size: Mapped[int] = field(_("大小（字节）"), sa.Integer, nullable=False, form=False)
    sha256: Mapped[str] = field(
        _("内容校验值"), sa.String(64), nullable=False, form=False, index=True
    )
    mime: Mapped[str] = field(_("文件类型"), sa.String(100), nullable=False, form=False)
    uploader_id: Mapped[int | None] = field(
        _("创建人"), sa.ForeignKey("user_account.id"), form=False
    )
    at: Mapped[dt.datetime] = field(_("上传时间"), UtcDateTime, nullable=False, form=False)

    uploader: Mapped["User | None"] = relationship()

    __table_args__ = (
        sa.CheckConstraint("size > 0", name="not_empty"),
        sa.CheckConstraint("length(sha256) = 64", name="digest_whole"),
        sa.Index("ix_attachment_record", "noun", "record_id"),
    )

    def __str__(self) -> str:
        """Return the file's name."""
        return self.name
