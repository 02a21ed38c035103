"""Forms that were sent: one key a rendered form, so that it makes one record."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Model
from models.core.entity import Entity
from models.core.types import UtcDateTime


class IdempotencyKey(Model):
    """A used key: written in the transaction of what the form made, gone with it if that fails."""

    __tablename__ = "idempotency_key"
    __noun__ = "idempotencykey"
    __caption__ = _("已保存的表单")
    __entity__ = Entity(sight="nobody", rules="idempotency")

    key: Mapped[str] = mapped_column(sa.String(64), nullable=False)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), nullable=False)
    path: Mapped[str] = mapped_column(sa.String(200), nullable=False)
    digest: Mapped[str] = mapped_column(sa.String(64), nullable=False)  # of what was sent
    location: Mapped[str | None] = mapped_column(sa.String(2000))  # where the answer led
    noun: Mapped[str | None] = mapped_column(sa.String(40))
    record_id: Mapped[int | None] = mapped_column(sa.Integer)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, index=True)

    __table_args__ = (sa.UniqueConstraint("user_id", "path", "key"),)
