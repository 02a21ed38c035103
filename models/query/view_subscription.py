"""A saved view that comes by mail: how often, when, as which file."""

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
    from models.query.saved_view import SavedView


class Rhythm(Labelled):
    """How often a view is mailed."""

    daily = "daily", _("每天")
    weekly = "weekly", _("每周")
    monthly = "monthly", _("每月")


class FileForm(Labelled):
    """As what it is mailed."""

    xlsx = "xlsx", _("Excel 文件")
    pdf = "pdf", _("PDF 文件")


class ViewSubscription(Model):
    """One person's mail of one view.

    `day` is 1 (Monday) to 7 for a week, 1 to 31 for a month, which ends a short one; `last_on` the
    last day that was dealt with, so that each is dealt with once; `told` why its mail was not made.
    """

    __tablename__ = "view_subscription"
    __noun__ = "viewsubscription"
    __caption__ = _("视图订阅")
    __entity__ = Entity(sight="person", rules="views", audited=False)

    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False
    )
    view_id: Mapped[int] = mapped_column(
        sa.ForeignKey("saved_view.id", ondelete="CASCADE"), nullable=False, index=True
    )
    rhythm: Mapped[Rhythm] = mapped_column(named(Rhythm), nullable=False)
    day: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=1)
    hour: Mapped[int] = mapped_column(sa.Integer, nullable=False, default=8)
    form: Mapped[FileForm] = mapped_column(named(FileForm), nullable=False)
    last_on: Mapped[dt.date] = mapped_column(sa.Date, nullable=False)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    told: Mapped[str | None] = mapped_column(sa.String(300))
    stopped_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    view: Mapped["SavedView"] = relationship()

    __table_args__ = (
        sa.UniqueConstraint("user_id", "view_id"),
        sa.CheckConstraint("day BETWEEN 1 AND 31", name="day_of_month"),
        sa.CheckConstraint("rhythm <> 'weekly' OR day <= 7", name="day_of_week"),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name="hour_of_day"),
    )
