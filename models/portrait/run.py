"""A run of the portraits: recomputed or evaluated, as of which day, how far, with what figures."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Model
from models.core.entity import Entity
from models.core.labels import Labelled
from models.core.types import UtcDateTime, named


class RunKind(Labelled):
    """What a run does."""

    recompute = "recompute", _("重算")
    evaluate = "evaluate", _("评估")


class PortraitRun(Model):
    """`done` of `total` steps; `figures` is what the page shows, `choice` what later runs go by."""

    __tablename__ = "portrait_run"
    __noun__ = "portraitrun"
    __caption__ = _("画像计算")
    __entity__ = Entity(sight="may portrait:read", rules="portrait", audited=False)

    kind: Mapped[RunKind] = mapped_column(named(RunKind), nullable=False)
    as_of: Mapped[dt.date] = mapped_column(sa.Date, nullable=False)
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, nullable=False)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    done: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    total: Mapped[int] = mapped_column(sa.Integer, nullable=False)
    figures: Mapped[dict[str, Any]] = mapped_column(sa.JSON, nullable=False)
    choice: Mapped[dict[str, Any]] = mapped_column(sa.JSON, nullable=False)

    __table_args__ = (sa.Index("ix_portrait_run_kind_id", "kind", "id"),)
