"""Enter takes what was typed, and nothing else: filters, look-ups, bulk values, the search box."""

import pytest
import sqlalchemy as sa

import models as m
from tests.support.browser import browsing, chromium
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
GRID = "/admin/customer/"


@pytest.fixture
def site(app):
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with World(app) as world:
        with world.acting("admin"):
            user = world.session.get_one(m.User, world.id_of("sales2"))
            user.name = "张伟"
        world.approved("sales", company="武汉楚江机电有限公司")
        world.approved("sales", company="宜昌三峡水泵有限公司")
    with browsing(app) as found:
        yield found
        assert found.faults == []


def picked(page, field, typed, *, wait=0):
    """Return the chips after a value was typed into the filter's picker and Enter was pressed."""
    page.locator(".rule select").nth(0).select_option(field)
    box = page.locator(".picks input")
    box.press_sequentially(typed)
    page.wait_for_timeout(wait)
    page.keyboard.press("Enter")
    page.wait_for_timeout(400)
    return [text.split("✕")[0].strip() for text in page.locator(".picked .chip").all_inner_texts()]


@pytest.mark.parametrize("wait", [0, 600], ids=["at once", "after the list came"])
def test_the_filter_takes_the_value_that_was_typed(site, wait):
    page = site.go(site.visit("office"), GRID)
    page.click(".drawer > summary")

    assert picked(page, "status", "洽谈", wait=wait) == ["洽谈中"]
    assert picked(page, "owner_id", "张伟", wait=wait) == ["张伟"]
    assert picked(page, "status", "qtz", wait=wait) == ["洽谈中"]
    assert picked(page, "status", "没有这个", wait=wait) == []
    assert "没有匹配" in page.inner_text(".picks .hits")
    assert page.input_value(".picks input") == "没有这个"
    page.click("text=应用筛选")
    assert page.url.endswith(GRID)
    assert page.evaluate("document.querySelector('.picks input').validationMessage")

    page.fill(".picks input", "已流失")
    page.keyboard.press("Enter")
    page.locator(".picked .chip").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**f.status=in:lost**")


def test_on_a_phone_nothing_lies_over_the_button_once_a_value_was_taken(site):
    page = site.go(site.visit("office", size="phone"), GRID)
    page.click(".drawer > summary")
    assert picked(page, "status", "洽谈") == ["洽谈中"]
    page.keyboard.press("ArrowDown")  # opens it again
    page.locator(".picks [aria-selected=true]").wait_for()
    page.keyboard.press("Enter")
    page.locator(".picked .chip").nth(1).wait_for()
    page.click("text=应用筛选")

    page.wait_for_url("**f.status=in:negotiating,**")


def test_a_look_up_takes_its_hit_and_sends_nothing(site):
    page = site.visit("sales")
    page.on("dialog", lambda dialog: dialog.accept())
    for wait in (0, 600):
        site.go(page, "/admin/opportunity/new/")
        box = page.locator("#f-customer_id")
        box.press_sequentially("楚江")
        page.wait_for_timeout(wait)
        page.keyboard.press("Enter")
        page.locator("[name=customer_id__id]:not([value=''])").wait_for(state="attached")
        assert box.input_value() == "武汉楚江机电有限公司"
    box.fill("没有这个客户")
    page.keyboard.press("Enter")
    page.locator(".hits .muted", has_text="没有匹配").wait_for()

    assert page.url.endswith("/opportunity/new/")
    assert page.locator("[data-focus-error]").count() == 0


def test_a_bulk_value_becomes_the_only_choice_it_can_mean(site, app):
    page = site.go(site.visit("office"), GRID)
    page.locator("tbody input[name=rowid]").first.check()
    page.click("summary:has-text('修改字段')")
    with page.expect_response("**/values/**"):
        page.select_option("#bulk-field", "status")
    page.wait_for_timeout(100)
    page.locator("#bulk-value").press_sequentially("跟进")
    page.keyboard.press("Enter")
    assert "多个" in page.evaluate("document.querySelector('#bulk-value').validationMessage")
    page.fill("#bulk-value", "洽谈")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="修改字段 · 1 条").click()
    page.wait_for_load_state()

    with World(app) as world:
        found = world.session.scalars(sa.select(m.Customer.status)).all()
        assert sorted(one.name for one in found) == ["negotiating", "new"]


def test_the_search_box_forgets_what_was_marked_when_more_is_typed(site):
    page = site.visit("sales")
    page.locator("[data-palette]").press_sequentially("有限")
    page.locator("#palette a").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.type("三峡没有")
    page.keyboard.press("Enter")

    page.wait_for_url("**/search/?q=**")
