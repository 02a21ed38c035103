"""Where a person is logged in: one row a device, gone when it is ended."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Model
from models.core.entity import Entity
from models.core.types import UtcDateTime


class LoginSession(Model):
    """`key` is the digest of what the cookie holds; `mark` the person's `fs_uniquifier` then.

    Whoever gets a new one (password, roles, disabled) leaves all rows of the old one behind.
    """

    __tablename__ = "login_session"
    __noun__ = "loginsession"
    __caption__ = _("登录设备")
    __entity__ = Entity(sight="nobody", rules="profile", audited=False)

    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False, index=True
    )
    key: Mapped[str] = mapped_column(sa.String(64), nullable=False, unique=True)
    mark: Mapped[str] = mapped_column(sa.String(64), nullable=False)
    address: Mapped[str] = mapped_column(sa.String(45), nullable=False)
    agent: Mapped[str] = mapped_column(sa.String(200), nullable=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, index=True)
