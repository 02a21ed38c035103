"""From a segment that somebody makes of a filter, by a push, to what came of it.

Played in Chinese on a wide screen on SQLite; in English on a phone on PostgreSQL at night.
"""

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from bench import histories
from models.core.base import db
from services.portrait import recompute
from services.rights.actor import SYSTEM
from tests.support.books import AT, Books
from tests.support.stage import ONCE, staged
from tests.support.world import World

pytestmark = pytest.mark.browser
SHAPE = histories.Shape(customers=40, orders=600, lines=1_500, products=20)


@pytest.fixture(params=ONCE[:2])
def stage(request, databases):
    for found in staged(request, databases):
        with found.app.app_context(), db.engine.begin() as connection:
            owner = Books(connection).people["sales"][0]
            histories.write(connection, histories.draw(SHAPE), owner, AT)
        with World(found.app) as world:
            world.be(SYSTEM)
            recompute.recompute(world.session, as_of=dt.date(2026, 11, 20), now=world.now)
        yield found


def made(stage, page):
    """Make a segment of a filter; how many match is told before it is applied."""
    say = stage.say
    stage.go(page, "/admin/portrait/own/")
    page.click(f"a:has-text('{say('新建客群')}')")
    rule = page.locator("[data-builder] .rule").first
    rule.locator("select").first.select_option("months_active", force=True)
    rule.locator("select").nth(1).select_option("ge", force=True)
    with page.expect_response(lambda one: "months_active=ge:1" in one.url) as told:
        rule.locator("input[maxlength='200']").last.fill("1")
    number = told.value.json()["count"]
    expect(page.locator("[data-live]")).to_have_text(say("符合 {n} 条").replace("{n}", str(number)))
    stage.keep(page, "segment")
    page.click(f"[data-builder] button:has-text('{say('应用筛选')}')")
    page.wait_for_url("**f.months_active**")
    page.locator("details.drop summary", has_text=say("视图")).click()
    page.fill("#view-name", "有购买")
    page.click(f"button:has-text('{say('保存视图')}')")
    page.wait_for_url("**view=**")
    return number


def pushed(stage, page, number):
    """Push to all of the segment; return the address of the push."""
    say = stage.say
    stage.go(page, "/admin/portrait/own/")
    expect(page.locator("td.r a").first).to_have_text(str(number))
    page.click(f"td button:has-text('{say('推送')}')")
    expect(page.locator("#push_name")).to_have_value("有购买")
    page.fill("#push_control", "40")
    stage.keep(page, "push-form")
    page.locator(".acts button.p").click()
    page.wait_for_url("**/portrait/own/**")
    stage.go(page, "/admin/portrait/pushes/")
    page.click("td a:has-text('有购买')")
    page.wait_for_url("**/portrait/push/**")
    return page.url.partition("/admin")[2]


def test_from_a_segment_by_a_push_to_its_answer(stage):
    say, page = stage.say, stage.visit("sales")
    number = made(stage, page)
    address = pushed(stage, page, number)
    reached = page.locator("tr", has=page.locator("a", has_text=say("跟进任务")))
    set_aside = page.locator("td .tag", has_text=say("对照组"))
    assert 0 < set_aside.count() < number

    reached.first.locator("a", has_text=say("跟进任务")).click()
    page.wait_for_url("**/plan/details/**")
    page.click(f"a:has-text('{say('写跟进')}')")
    page.fill("[name=content]", "客户要报价")
    page.click("button[name=_save]")
    page.wait_for_url("**/details/**")

    stage.go(page, f"/admin{address}")
    first = page.locator("tbody tr").first
    expect(first).to_contain_text(say("完成跟进任务"))
    expect(first).to_contain_text(re.compile(r"\b1/\d+"))
    stage.keep(page, "push")
