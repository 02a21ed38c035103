"""What a period is compared with: the calendar unit or the days before it, and the year before.

A period that still runs is compared up to the same elapsed day.
"""

import dataclasses

from dashboards.core.period import DAY, PRESETS, UNITS, Period, year_before
from dashboards.core.query import CockpitQuery


@dataclasses.dataclass(frozen=True, slots=True)
class ComparedPeriod:
    """A period to compare with, and how many months later its months are told.

    `shift` is None where the months of the two do not match: one begins on another day.
    """

    period: Period
    shift: int | None


def bases(query: CockpitQuery) -> dict[str, Period]:
    """Return what the period is compared with: `before`, the unit before, and `year`."""
    found = {"before": _before(query), "year": year_before(query.period)}
    return {name: _cut(base, query) for name, base in found.items()}


def base_of(query: CockpitQuery) -> ComparedPeriod | None:
    """Return the base that the address asks for."""
    if not query.compare:
        return None
    period, start = bases(query)[query.compare.replace("previous", "before")], query.period.start
    months = (start.year - period.start.year) * 12 + start.month - period.start.month
    alike = start.day == period.start.day or query.compare == "year"
    return ComparedPeriod(period, months if alike else None)


def _before(query: CockpitQuery) -> Period:
    """Return the calendar unit before, or as many days before where the period is none."""
    start, end = query.period.start, query.period.end
    if query.preset in UNITS:
        return PRESETS[UNITS[query.preset]](query.today)
    if query.preset.startswith("last_"):
        return PRESETS[query.preset](start)
    return Period(start - (end - start), start)


def runs(query: CockpitQuery) -> bool:
    """Tell whether days of the period are still to come."""
    return query.period.start <= query.today < query.period.end - DAY


def _cut(base: Period, query: CockpitQuery) -> Period:
    """Return the base up to the same elapsed days, clipped to its end."""
    if not runs(query):
        return base
    return Period(base.start, min(base.start + (query.today - query.period.start) + DAY, base.end))
