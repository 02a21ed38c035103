"""Next dates as people say them, on days they work."""

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.calendar_day import CalendarDay
from services.core.days import ZONE, today
from services.core.worktime import WorkCalendar

HOUR = dt.time(10)  # when a planned call is due
AHEAD = 75  # days of the calendar that the chips may reach
NEXT_DAY = _("下个工作日")  # where nobody works tomorrow
CHIPS = ((_("明天"), 1), (_("3 天后"), 3), (_("1 周后"), 7), (_("2 周后"), 14), (_("1 个月后"), 30))


def around(session: Session, first: dt.date, last: dt.date) -> WorkCalendar:
    """Return the calendar between two dates, both inclusive, in one statement; it has no shifts."""
    table = CalendarDay.__table__
    query = sa.select(table.c.day, table.c.workday).where(table.c.day.between(first, last))
    return WorkCalendar(dict(session.execute(query).all()), ())


def next_workday(day: dt.date, calendar: WorkCalendar) -> dt.date:
    """Return the day itself, or the first working day after it (a month ahead at most)."""
    for n in range(31):
        later = day + dt.timedelta(days=n)
        if calendar.works_on(later):
            return later
    return day


def chips(session: Session, *, now: dt.datetime) -> list[tuple[object, dt.datetime]]:
    """Return (caption, aware time) of the usual next dates; holidays and weekends are skipped."""
    first = today(now)
    calendar = around(session, first, first + dt.timedelta(days=AHEAD))
    found = []
    for caption, days in CHIPS:
        wanted = first + dt.timedelta(days=days)
        day = next_workday(wanted, calendar)
        said = NEXT_DAY if days == 1 and day != wanted else caption
        found.append((said, dt.datetime.combine(day, HOUR, ZONE)))
    return found
