"""The editable working calendar: holidays and make-up working days."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped

from models.core.base import Model
from models.core.entity import Entity, Imports
from models.core.field import field
from models.core.mixins import Stamped


class CalendarDay(Model, Stamped):
    """A day that differs from Monday–Friday work, or says so explicitly."""

    __tablename__ = "calendar_day"
    __noun__ = "calendarday"
    __caption__ = _("工作日历")
    __entity__ = Entity(
        kind="system",
        order=16,
        icon="sun",
        section="system",
        sight="everybody",
        traits="importable",
        grants={"office": "read"},
        imports=Imports(keys=("day",)),
    )

    day: Mapped[dt.date] = field(
        _("日期"), sa.Date, nullable=False, unique=True, required=True, listed=True
    )
    workday: Mapped[bool] = field(
        _("工作日"),
        sa.Boolean(create_constraint=False),
        nullable=False,
        listed=True,
        default=False,
        filter=True,
    )
    label: Mapped[str] = field(_("说明"), sa.String(60), nullable=False, default="", listed=True)

    def __str__(self) -> str:
        """Return the ISO date."""
        return self.day.isoformat()
