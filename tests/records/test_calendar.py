"""The calendar: what is planned and what was done, by month and week; its secret feed."""

import datetime as dt
import html
import re

import pytest
import sqlalchemy as sa
from icalendar import Calendar

from models.people.user import User
from models.sales.follow_up import FollowUp, FollowUpKind
from models.sales.plan import FollowUpPlan
from services.core.days import ZONE
from services.people import people
from tests.support.visitors import Doors
from views.sales import calendar

HOUR = dt.timedelta(hours=1)
ADDRESS = re.compile(r'value="[^"]*(/calendar/[^"]+\.ics)"')


def busy(world, who="sales"):
    """Plan a visit and a call, and make a visit; return the customer's name."""
    key = world.approved(who, company="武汉光谷激光有限公司")
    other = world.approved(who, company="宜昌阀门有限公司")
    with world.acting(who):
        for hours, kind in ((1, FollowUpKind.visit), (30, FollowUpKind.call)):
            plan = {"customer_id": key, "due_at": world.now + hours * HOUR, "kind": kind}
            plan["owner_id"] = world.id_of(who)
            world.create(FollowUpPlan, **plan, content="带样品; 第一行\n第二行")
        at = world.now - 50 * HOUR
        visit = {"kind": FollowUpKind.visit, "at": at, "content": "看了产线"}
        world.create(FollowUp, customer_id=other, **visit)
    return key


def address(doors, who):
    found = ADDRESS.search(doors.get(who, "/admin/profile/").text)
    return found and found[1]


def test_the_calendar_shows_time_kind_and_past_visits_by_month_and_week(small):
    busy(small)
    doors = Doors(small)
    at = (small.now + HOUR).astimezone(ZONE)

    week = doors.get("sales", f"/admin/plan/calendar/?week={at.date()}").text
    month = doors.get("sales", f"/admin/plan/calendar/?month={at:%Y-%m}").text

    for page in (week, month):
        assert f"{at:%H:%M} 上门拜访" in " ".join(page.split())
        assert "武汉光谷激光" in page
    assert "/admin/followup/details/" in month
    assert 'class="done"' in month
    assert week.count("<tr>") < month.count("<tr>")
    now = doors.get("sales", "/admin/plan/calendar/").text
    (add, *_later) = re.findall(r'class="add" href="([^"]+)"', now)
    form = doors.get("sales", html.unescape(add)).text
    due = re.search(r'name="due_at"[^>]*value="([^"]+)"', form)
    assert due[1].endswith(f"T{calendar.soon(small.now)}")


def test_who_sees_a_department_sees_its_calendar_or_his_own(small):
    busy(small)
    doors = Doors(small)

    assert "武汉光谷激光" in doors.get("manager", "/admin/plan/calendar/").text
    assert "武汉光谷激光" not in doors.get("manager", "/admin/plan/calendar/?whose=own").text
    assert "武汉光谷激光" not in doors.get("sales2", "/admin/plan/calendar/?whose=team").text


@pytest.mark.parametrize(
    ("args", "first"),
    [
        ({"week": "2026-11-29"}, dt.date(2026, 11, 23)),
        ({"week": "x"}, dt.date(2026, 11, 23)),
        ({"week": "0001-01-01"}, dt.date(2026, 11, 23)),
        ({"month": "2028-02"}, dt.date(2028, 2, 1)),
        ({}, dt.date(2026, 11, 1)),
    ],
)
def test_a_week_begins_on_monday_and_junk_is_now(args, first):
    day = dt.date(2026, 11, 24)

    assert calendar.first_of(args, day, week="week" in args) == first
    assert calendar.shown_days(first, week="week" in args)[0].weekday() == 0


@pytest.mark.parametrize(
    ("hour", "minute", "offered"),
    [(3, 0, "09:00"), (8, 59, "09:00"), (9, 0, "10:00"), (17, 40, "18:00"), (23, 10, "23:59")],
)
def test_a_plan_of_today_is_not_offered_in_the_past(hour, minute, offered):
    assert calendar.soon(dt.datetime(2026, 11, 24, hour, minute, tzinfo=ZONE)) == offered


def test_the_feed_is_read_by_its_address_alone_and_a_new_one_ends_the_old(world):
    busy(world)
    doors, visitor = Doors(world), world.app.test_client()
    assert address(doors, "sales") is None

    assert doors.post("sales", "/admin/profile/feed/", {"on": "1"}).status_code == 303
    first = address(doors, "sales")
    answer = visitor.get(first)

    assert answer.mimetype == "text/calendar"
    events = Calendar.from_ical(answer.data).walk("VEVENT")
    assert [str(one["summary"]) for one in events] == [
        "上门拜访 宜昌阀门有限公司", "上门拜访 武汉光谷激光有限公司", "电话 武汉光谷激光有限公司",
    ]  # fmt: skip
    assert str(events[1]["description"]) == "带样品; 第一行\n第二行"
    assert events[1]["dtstart"].dt == (world.now + HOUR).replace(microsecond=0)
    for wrong in (
        first[:-5] + "0.ics",
        first.replace("-", "x"),
        "/calendar/1-.ics",
        "/calendar/1.ics",
    ):
        assert visitor.get(wrong).status_code == 404, wrong

    doors.post("sales", "/admin/profile/feed/", {"on": "1"})
    second = address(doors, "sales")
    assert visitor.get(first).status_code == 404
    assert visitor.get(second).status_code == 200
    doors.post("sales", "/admin/profile/feed/", {})
    assert visitor.get(second).status_code == 404
    doors.post("sales", "/admin/profile/feed/", {"on": "1"})
    assert address(doors, "sales") not in {first, second}


def test_the_feed_shows_what_its_person_may_see_now(world):
    key = busy(world)
    doors, visitor = Doors(world), world.app.test_client()
    doors.post("sales", "/admin/profile/feed/", {"on": "1"})
    place = address(doors, "sales")
    with world.acting("admin"):
        table = FollowUpPlan.__table__
        gone = sa.update(table).where(table.c.customer_id == key)
        world.session.connection().execute(gone.values(owner_id=world.id_of("sales2")))

    assert "武汉光谷激光" not in visitor.get(place).text
    with world.acting("admin"):
        user = world.session.get_one(User, world.id_of("sales"))
        people.set_active(world.call, user, active=False)
    assert visitor.get(place).status_code == 404
