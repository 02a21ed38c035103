"""Other keys than a password: an account elsewhere (single sign-on), and passkeys (WebAuthn)."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Model
from models.core.entity import Entity
from models.core.types import UtcDateTime


class LoginIdentity(Model):
    """Who a person is for a provider: `subject` never changes there, an e-mail may."""

    __tablename__ = "login_identity"
    __noun__ = "loginidentity"
    __caption__ = _("单点登录账号")
    __entity__ = Entity(sight="nobody", rules="profile", audited=False)

    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False, index=True
    )
    provider: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    subject: Mapped[str] = mapped_column(sa.String(255), nullable=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)

    __table_args__ = (
        sa.UniqueConstraint("provider", "subject"),
        sa.UniqueConstraint("user_id", "provider"),
    )


class Passkey(Model):
    """A key on a device: what it proves itself by, and how often it did (`sign_count`).

    `handle` is the number the device knows the person by: the same for all of one person's keys.
    """

    __tablename__ = "passkey"
    __noun__ = "passkey"
    __caption__ = _("通行密钥")
    __entity__ = Entity(sight="nobody", rules="profile", audited=False)

    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False, index=True
    )
    name: Mapped[str] = mapped_column(sa.String(40), nullable=False)
    handle: Mapped[str] = mapped_column(sa.String(64), nullable=False)
    credential: Mapped[str] = mapped_column(sa.String(1400), nullable=False, unique=True)
    public_key: Mapped[bytes] = mapped_column(sa.LargeBinary, nullable=False)
    sign_count: Mapped[int] = mapped_column(sa.BigInteger, nullable=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (sa.UniqueConstraint("user_id", "name"),)
