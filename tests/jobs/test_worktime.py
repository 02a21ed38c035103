"""Due times count working hours: shifts, weekends, holidays and make-up days."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.core.calendar_day import CalendarDay
from models.core.setting import Setting
from services.core.days import ZONE
from services.core.errors import Invalid
from services.core.settings import get_setting, save_settings
from services.core.shifts import parse_shifts
from services.core.worktime import WorkCalendar, calendar, due_after

PLAIN = WorkCalendar({}, parse_shifts("09:00-12:00,13:00-18:00"))


def at(day, hour, minute=0):
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        (at(23, 9), 8, at(23, 18)),
        (at(23, 10), 8, at(24, 10)),
        (at(23, 11, 30), 1, at(23, 13, 30)),
        (at(27, 17), 2, at(30, 10)),
        (at(28, 12), 1, at(30, 10)),
        (at(23, 3), 0, at(23, 9)),
        (at(23, 17, 30), 0.5, at(23, 18)),
    ],
)
def test_due_times_skip_lunch_nights_and_weekends(start, hours, due):
    assert PLAIN.add(start, hours) == due
    assert PLAIN.between(start, due) == dt.timedelta(hours=hours)


def test_special_days_win_over_monday_to_friday():
    off = {dt.date(2026, 11, 24): False, dt.date(2026, 11, 28): True}
    special = WorkCalendar(off, PLAIN.shifts)

    assert special.add(at(23, 17), 2) == at(25, 10)
    assert special.add(at(27, 17), 2) == at(28, 10)


def test_what_lies_the_other_way_round_is_no_time():
    assert PLAIN.between(at(24, 9), at(23, 9)) == dt.timedelta()


def test_a_calendar_without_working_time_is_refused_not_endless():
    never = WorkCalendar({}, ())

    with pytest.raises(ValueError, match="working time"):
        never.add(at(23, 9), 1)


def test_the_seeded_holidays_count(world):
    world.be("admin")
    eve = dt.datetime(2026, 9, 30, 17, tzinfo=ZONE)  # before the National Day week

    assert due_after(world.session, eve, 2) == dt.datetime(2026, 10, 8, 10, tzinfo=ZONE)
    assert calendar(world.session).works_on(dt.date(2031, 1, 6))
    named = world.session.scalars(sa.select(CalendarDay.label)).all()
    assert {"国庆节", "春节"} <= set(named)
    assert not any(name.isascii() for name in named)


@pytest.mark.parametrize("text", ["9-18", "13:00-12:00", "13:00-18:00,09:00-12:00", "09:00-25:00"])
def test_shifts_that_make_no_sense_are_refused(small, text):
    small.be("admin")

    with pytest.raises(Invalid):
        save_settings(small.session, {"worktime.shifts": text})
    assert get_setting(small.session, "worktime.shifts") == "09:00-12:00,13:00-18:00"
    assert small.session.query(Setting).count() == 0
