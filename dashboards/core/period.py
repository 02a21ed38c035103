"""Periods in business days (Asia/Shanghai): presets, UTC bounds, the steps of a time axis."""

import dataclasses
import datetime as dt
from collections.abc import Callable

from services.core.days import ZONE

DAY = dt.timedelta(days=1)
MOST_DAYS, MOST_WEEKS = 31, 26  # above these a time axis goes by weeks, by months


@dataclasses.dataclass(frozen=True, slots=True)
class Period:
    """Half-open: `start` belongs to it, `end` does not."""

    start: dt.date
    end: dt.date

    @property
    def last(self) -> dt.date:
        """Return the inclusive end, which is what a form shows."""
        return self.end - DAY

    @property
    def instants(self) -> tuple[dt.datetime, dt.datetime]:
        """Return the half-open interval in UTC, to compare with raw timestamp columns."""
        return midnight(self.start), midnight(self.end)


def midnight(day: dt.date) -> dt.datetime:
    """Return the UTC instant at which a business day begins."""
    return dt.datetime.combine(day, dt.time(), ZONE).astimezone(dt.UTC)


def month_start(day: dt.date, months: int = 0) -> dt.date:
    """Return the first of the day's month, moved by a number of months."""
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def _days(count: int) -> Callable[[dt.date], Period]:
    return lambda today: Period(today - DAY * (count - 1), today + DAY)


def _months(size: int, back: int = 0) -> Callable[[dt.date], Period]:
    def period(today: dt.date) -> Period:
        into = (today.month - 1) % size
        start = month_start(today, -into - back * size)
        return Period(start, month_start(start, size))

    return period


def _week(back: int) -> Callable[[dt.date], Period]:
    def period(today: dt.date) -> Period:
        start = today - DAY * (today.weekday() + 7 * back)
        return Period(start, start + 7 * DAY)

    return period


PRESETS: dict[str, Callable[[dt.date], Period]] = {
    "today": _days(1),
    "yesterday": lambda today: Period(today - DAY, today),
    "week": _week(0),
    "last_week": _week(1),
    "month": _months(1),
    "last_month": _months(1, 1),
    "quarter": _months(3),
    "last_quarter": _months(3, 1),
    "year": _months(12),
    "last_year": _months(12, 1),
    "7d": _days(7),
    "30d": _days(30),
    "90d": _days(90),
    "365d": _days(365),
}


# The unit that comes before one that runs.
UNITS = {"week": "last_week", "month": "last_month", "quarter": "last_quarter", "year": "last_year"}


def elapsed_before(today: dt.date) -> Period:
    """Return last month cut at the same elapsed days as this month, clipped to its end."""
    start = month_start(today, -1)
    end = min(start + DAY * today.day, month_start(today))
    return Period(start, end)


def year_before(period: Period) -> Period:
    """Return the period with both ends one year back (29 February → 28 February)."""
    return Period(_last_year(period.start), _last_year(period.end))


def _last_year(day: dt.date) -> dt.date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def steps(period: Period, today: dt.date) -> tuple[str, list[dt.date]]:
    """Return the unit (day, week, month) and the first days of all steps of a time axis.

    Zero-filled from the start to min(end, today + 1): a quiet week is shown as 0.
    """
    end = max(min(period.end, today + DAY), period.start + DAY)
    days = (end - period.start).days
    unit = "day" if days <= MOST_DAYS else "week" if days <= MOST_WEEKS * 7 else "month"
    found, at = [], step_of(period.start, unit)
    while at < end:
        found.append(at)
        at = month_start(at, 1) if unit == "month" else at + DAY * (1 if unit == "day" else 7)
    return unit, found


def step_of(day: dt.date, unit: str) -> dt.date:
    """Return the first day of the step a day falls into; a week starts on Monday."""
    if unit == "month":
        return day.replace(day=1)
    return day - DAY * day.weekday() if unit == "week" else day
