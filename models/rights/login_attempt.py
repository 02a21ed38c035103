"""How often a password was tried: one row an account and address, one lock for all workers."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Model
from models.core.entity import Entity
from models.core.types import UtcDateTime


class LoginAttempt(Model):
    """The attempts of one window; `key` is a digest, so that the table names nobody."""

    __tablename__ = "login_attempt"
    __noun__ = "loginattempt"
    __caption__ = _("登录记录")
    __entity__ = Entity(sight="nobody")

    key: Mapped[str] = mapped_column(sa.String(64), nullable=False, unique=True)
    n: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    since: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, index=True)

    __table_args__ = (sa.CheckConstraint("n >= 1", name="n_counts_up"),)
