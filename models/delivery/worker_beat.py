"""Signs of life of the workers: one row a process."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Model
from models.core.entity import Entity
from models.core.types import UtcDateTime


class WorkerBeat(Model):
    """A worker that runs, or ran: `beat_at` moves on as long as it lives."""

    __tablename__ = "worker_beat"
    __noun__ = "workerbeat"
    __caption__ = _("后台服务")
    __entity__ = Entity(sight="nobody", rules="notice", audited=False)

    name: Mapped[str] = mapped_column(sa.String(160), nullable=False, unique=True)
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    beat_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False, index=True)
