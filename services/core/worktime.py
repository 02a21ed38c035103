"""Working time: the calendar's special days over Monday–Friday, and the shifts of a day."""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.calendar_day import CalendarDay
from models.core.setting import Setting
from services.core.days import ZONE
from services.core.settings import CATALOGUE, get_setting
from services.core.shifts import Shift, parse_shifts

WEEKEND = 5  # the first weekday that is none
FURTHEST = 3660  # days looked ahead: a calendar without a working day must not hang
SHIFTS = "worktime.shifts"  # the setting with the hours of a working day


@dataclasses.dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Special days (day → works) and the shifts of a working day; instants are aware."""

    special: Mapping[dt.date, bool]
    shifts: tuple[Shift, ...]

    def works_on(self, day: dt.date) -> bool:
        """Tell whether a day is a working day; what the calendar does not know is Monday–Friday."""
        return self.special.get(day, day.weekday() < WEEKEND)

    @property
    def day_hours(self) -> float:
        """Return how many hours a working day has."""
        return sum((end - begin).total_seconds() for begin, end in self.shifts) / 3600

    def add(self, start: dt.datetime, hours: float | Decimal) -> dt.datetime:
        """Return the UTC instant at which so many working hours after `start` have passed.

        Zero hours outside of working time is the start of the next shift. Raises ValueError when
        the calendar has no working time left to give.
        """
        left = dt.timedelta(hours=float(hours))
        for begin, end in self._spans(start):
            if left <= end - begin:
                return (begin + left).astimezone(dt.UTC)
            left -= end - begin
        message = "the calendar has not that much working time"
        raise ValueError(message)

    def between(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """Return the working time from `start` to `end`, zero when they are the other way round."""
        found = dt.timedelta()
        for begin, stop in self._spans(start):
            if begin >= end:
                break
            found += min(stop, end) - begin
        return found

    def _spans(self, start: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """Yield what is left of the shifts from `start` on. Shanghai has no daylight saving."""
        local = start.astimezone(ZONE)
        for n in range(FURTHEST):
            day = local.date() + dt.timedelta(days=n)
            if not self.works_on(day):
                continue
            midnight = dt.datetime.combine(day, dt.time(), ZONE)
            for begin, end in self.shifts:
                if midnight + end > local:
                    yield max(midnight + begin, local), midnight + end


def calendar(session: Session) -> WorkCalendar:
    """Return the company's working calendar; load it once for many records."""
    table, setting = CalendarDay.__table__, Setting.__table__
    saved = sa.select(setting.c.value).where(setting.c.key == SHIFTS).scalar_subquery()
    rows = session.execute(sa.select(table.c.day, table.c.workday, saved)).all()
    special = {day: works for day, works, _shifts in rows}
    shifts = rows[0][2] if rows else get_setting(session, SHIFTS)
    return WorkCalendar(special, parse_shifts(shifts or CATALOGUE[SHIFTS].default))


def due_after(session: Session, start: dt.datetime, hours: float | Decimal) -> dt.datetime:
    """Return when so many working hours after `start` are over (see `WorkCalendar.add`)."""
    return calendar(session).add(start, hours)
