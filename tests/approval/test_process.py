"""Figures of the process: working hours by step and person, rejections with reasons, rework."""

import datetime as dt
import re
from html import unescape

import pytest

from dashboards import process
from services.core.worktime import calendar
from tests.approval.flows import flow
from tests.approval.test_monitor import listed
from tests.approval.test_overview import wait
from tests.support.visitors import Visitors
from tests.support.world import World

PLACE = "/admin/overview/figures/"
LINK = re.compile(r'href="(/admin/monitor/[^"]*)">(\d+)</a>')


def played(world):
    """One approved at once, one rejected and mended, one rejected for good, one still open."""
    flow(world, {"people": ["reviewer"]}, {"people": ["manager"]})
    first = world.submitted(company="武汉甲")[1]
    wait(world, first, 3)  # from Friday 10:00 to Monday 10:00: one working day
    world.decided(first, "reviewer")
    world.decided(first, "manager")
    key, second = world.submitted(company="武汉乙")
    world.decided(second, "reviewer", "reject", "资料不全")
    third = world.submitted(key=key)[1]
    world.decided(third, "reviewer")
    world.decided(third, "manager")
    world.decided(world.submitted("sales2", company="武汉丙")[1], "reviewer", "reject", "资料不全")
    world.submitted(company="武汉丁")


def figures(world, who="admin"):
    world.be(who)
    return process.process(world.session, "last_30_days", now=world.now)


def test_requests_and_decisions_are_counted_apart(world):
    played(world)
    day = calendar(world.session).day_hours

    found = figures(world)

    whole = found.whole
    assert (whole.requests, whole.rejected, whole.again, len(whole.hours)) == (4, 2, 1, 6)
    assert (whole.mean, whole.median) == (round(day / 6, 1), 0)
    assert [(row.name, len(row.hours), row.mean) for row in found.steps] == [
        ("新建客户 · 1 第1步", 4, round(day / 4, 1)),
        ("新建客户 · 2 第2步", 2, 0),
    ]
    assert [(row.name, row.requests) for row in found.people] == [("reviewer", 4), ("manager", 2)]
    assert [(row.name, row.requests, row.rejected) for row in found.departments] == [
        ("华中", 3, 1),
        ("华东", 1, 1),
    ]
    assert [(row.name, row.requests) for row in found.reasons] == [("资料不全", 2)]


def test_a_person_sees_the_figures_of_his_scope(small):
    played(small)

    assert figures(small, "sales2").whole.requests == 1
    assert figures(small, "analyst").whole.requests == 0


def test_every_number_opens_exactly_its_requests(app):
    with World(app) as world:
        played(world)
    visitors = Visitors(app)

    page = visitors.get("admin", PLACE).text
    links = [(unescape(path), int(number)) for path, number in LINK.findall(page)]

    assert len(links) >= 12
    for path, number in links:
        assert len(listed(visitors, path)) == number, path
    assert "资料不全" in page
    told = visitors.get("admin", f"/admin/overview/figures.json?period={process.WHEN[0]}").json
    assert [list(one["data"][0]["y"]) for one in told["charts"]][1] == ["资料不全"]


@pytest.mark.parametrize("who", ["sales", "reviewer", "analyst"])
def test_the_figures_are_for_who_leads(lite, who):
    assert Visitors(lite).get(who, PLACE).status_code == 403


def test_a_period_without_decisions_and_one_there_is_not(lite):
    visitors = Visitors(lite)

    assert "所选时间内没有审批" in visitors.get("admin", f"{PLACE}?period=last_month").text
    assert visitors.get("admin", f"{PLACE}?period=ever").status_code == 422


def test_charts_are_as_high_as_they_have_bars():
    rows = [process.ProcessRow(f"步骤{n}", hours=[n]) for n in range(30)]
    empty = process.ProcessRow("")
    found = process.Process(empty, [], rows, [], [], [])

    assert process.hours_chart(found).layout.height > process.reasons_chart(found).layout.height
    assert dt.timedelta(hours=rows[3].mean) == dt.timedelta(hours=3)
