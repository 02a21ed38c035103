"""What somebody typed and has not saved: one draft a person, form and window, his alone."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Model
from models.core.entity import Entity
from models.core.types import UtcDateTime


class FormDraft(Model):
    """`form` is the address of the form or its name on the page; `tab` tells windows apart."""

    __tablename__ = "form_draft"
    __noun__ = "formdraft"
    __caption__ = _("草稿内容")
    __entity__ = Entity(sight="nobody", rules="draft", audited=False)

    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False
    )
    form: Mapped[str] = mapped_column(sa.String(200), nullable=False)
    tab: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    content: Mapped[dict[str, Any]] = mapped_column(sa.JSON, nullable=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, index=True)

    __table_args__ = (sa.UniqueConstraint("user_id", "form", "tab"),)


class DraftFile(Model):
    """A file chosen in a form that is not saved; its bytes lie in the store of attachments."""

    __tablename__ = "draft_file"
    __noun__ = "draftfile"
    __caption__ = _("草稿附件")
    __entity__ = Entity(sight="nobody", rules="draft", audited=False)

    draft_id: Mapped[int] = mapped_column(
        sa.ForeignKey("form_draft.id", ondelete="CASCADE"), nullable=False, index=True
    )
    field: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    name: Mapped[str] = mapped_column(sa.String(200), nullable=False)
    size: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    mime: Mapped[str] = mapped_column(sa.String(100), nullable=False)
    sha256: Mapped[str] = mapped_column(sa.String(64), nullable=False, index=True)

    __table_args__ = (sa.CheckConstraint("length(sha256) = 64", name="digest_whole"),)
