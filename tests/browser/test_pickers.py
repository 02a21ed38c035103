"""Enter takes what was typed, and nothing else: filters, look-ups, bulk values, the search box."""

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer
from models.people.user import User
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
            user = world.session.get_one(User, world.id_of("sales2"))
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


def test_a_condition_is_written_without_a_mouse(site):
    page = site.go(site.visit("office"), GRID)
    page.click(".drawer > summary")
    page.locator(".rule .picker input").press_sequentially("khzt")
    page.wait_for_timeout(300)
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)

    assert page.evaluate("document.activeElement.closest('.rule .picker')?.textContent.length > 0")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "比较"
    page.keyboard.press("Tab")
    page.keyboard.type("洽谈")
    page.wait_for_timeout(300)
    page.keyboard.press("Enter")
    assert page.locator(".picked .chip").inner_text().startswith("洽谈中")


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


def test_a_bulk_value_is_picked_like_any_other(site, app):
    page = site.go(site.visit("office"), GRID)
    page.locator("tbody input[name=rowid]").first.check()
    page.click("summary:has-text('修改字段')")
    page.select_option("#bulk-field", "industry_id")
    box = page.locator("#bulk-choice-box")
    box.press_sequentially("没有这个")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="修改所选").click()
    assert "从列表中选择" in page.evaluate(
        "document.querySelector('#bulk-choice-box').validationMessage"
    )
    box.fill("")
    box.press_sequentially("fzfz")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.get_by_text("「行业」改为「纺织服装」").wait_for()
    page.get_by_role("button", name="修改字段 · 1 条").click()
    page.locator(".toast.success").wait_for()

    with World(app) as world:
        found = [one.industry.code for one in world.session.scalars(sa.select(Customer))]
        assert sorted(found) == ["other", "textile"]


def test_the_search_box_forgets_what_was_marked_when_more_is_typed(site):
    page = site.visit("sales")
    page.locator("[data-palette]").press_sequentially("有限")
    page.locator("#palette a").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.type("三峡没有")
    page.keyboard.press("Enter")

    page.wait_for_url("**/search/?q=**")
