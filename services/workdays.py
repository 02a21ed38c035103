"""Working days: Monday to Friday, corrected by the editable calendar."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services.numbers import ZONE, today

HOUR = dt.time(10)  # when a planned call is due
AHEAD = 75  # days of the calendar that the chips may reach
SATURDAY = 5
CHIPS = (
    (_("明天"), 1),
    (_("3 天后"), 3),
    (_("1 周后"), 7),
    (_("2 周后"), 14),
    (_("1 个月后"), 30),
)


def special_days(session: Session, first: dt.date, last: dt.date) -> dict[dt.date, m.CalendarDay]:
    """Return the days between two dates, both inclusive, that the calendar says something of."""
    day = m.CalendarDay
    rows = session.scalars(sa.select(day).where(day.day >= first, day.day <= last))
    return {row.day: row for row in rows}


def works(day: dt.date, special: dict[dt.date, m.CalendarDay]) -> bool:
    """Tell whether people work on a day."""
    found = special.get(day)
    return found.workday if found is not None else day.weekday() < SATURDAY


def next_workday(day: dt.date, special: dict[dt.date, m.CalendarDay]) -> dt.date:
    """Return the day itself, or the first working day after it (a month ahead at most)."""
    for n in range(31):
        later = day + dt.timedelta(days=n)
        if works(later, special):
            return later
    return day


def chips(session: Session, *, now: dt.datetime) -> list[tuple[object, dt.datetime]]:
    """Return (caption, aware time) of the usual next dates; holidays and weekends are skipped."""
    first = today(now)
    special = special_days(session, first, first + dt.timedelta(days=AHEAD))
    found = []
    for caption, days in CHIPS:
        day = next_workday(first + dt.timedelta(days=days), special)
        found.append((caption, dt.datetime.combine(day, HOUR, ZONE)))
    return found
