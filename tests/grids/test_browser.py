"""Grids in a real browser: what the scripts add to plain links and forms."""

import pytest

from models.customers.customer import Level
from tests.support.browser import browsing, chromium, overflow, settled
from tests.support.crowd import worked
from tests.support.world import World

GRID = "/admin/customer/"


@pytest.fixture
def site(lite):
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with World(lite) as world:
        for n, level in enumerate([Level.a, Level.b, Level.c, Level.a]):
            world.customer("sales", company=f"光谷{n}", level=level)
    with browsing(lite) as found:
        yield found
        assert found.faults == []


def companies(page):
    return page.locator("tbody td.first").all_inner_texts()


def test_the_builder_writes_a_readable_address_and_reads_it_again(site):
    page = site.go(site.visit("sales"), GRID)
    page.click(".drawer > summary")
    page.locator(".rule select").nth(0).select_option("level")
    page.locator(".picks input").click()
    page.locator(".hits button", has_text="A级").click()
    page.locator(".hits button", has_text="B级").click()
    page.get_by_role("button", name="＋ 加条件组").click()
    page.locator(".inner .rule select").nth(0).select_option("company")
    page.locator(".inner .rule > input").fill("光谷0")
    page.locator(".inner").get_by_role("button", name="＋ 加条件", exact=True).click()
    page.locator(".inner .rule").nth(1).locator("select").nth(0).select_option("company")
    page.locator(".inner .rule").nth(1).locator("> input").fill("光谷1")
    page.click("text=应用筛选")
    page.wait_for_url("**f.level=in:a,b**")

    assert "g=any(company=contains:" in page.url
    assert sorted(companies(page)) == ["光谷0", "光谷1"]
    assert page.locator(".chips a.chip").count() == 2
    page.click(".drawer > summary")
    assert page.locator(".inner .rule").count() == 2
    assert page.locator(".picked .chip").count() == 2
    page.keyboard.press("Escape")
    page.locator(".chips a.chip").nth(1).click()
    page.wait_for_url(lambda url: "g=" not in url)
    assert sorted(companies(page)) == ["光谷0", "光谷1", "光谷3"]


def test_the_builder_fits_a_phone(site):
    page = site.go(
        site.visit("sales", size="phone"), f"{GRID}?f.level=in:a,b&f.created_at=ge:2026-11-01"
    )
    page.click(".drawer > summary")

    assert overflow(page) == 0
    assert companies(page) == ["光谷3", "光谷1", "光谷0"]


def test_a_row_opens_beside_the_grid_and_what_is_done_there_leads_back(site):
    page = site.go(site.visit("sales"), f"{GRID}?f.level=in:a,b&sort=company")
    page.locator("tbody a.open", has_text="光谷1").click()
    page.locator("#pane h1", has_text="光谷1").wait_for()
    assert page.inner_text("[data-place]") == "2 / 3"
    assert page.locator("#pane nav").count() == 0

    page.click("[data-step='1']")
    page.locator("#pane h1", has_text="光谷3").wait_for()
    assert page.locator("[data-step='1']").is_disabled()
    page.keyboard.press("Escape")
    assert not page.locator("#pane").is_visible()
    assert page.evaluate("document.activeElement.textContent") == "光谷3"

    page.keyboard.press("Enter")
    page.locator("#pane a", has_text="编辑").click()
    page.wait_for_url("**/edit/**")
    page.fill("[name=remark]", "x")
    page.click("button[name=_save]")
    page.wait_for_url(f"**{GRID}?f.level=in:a,b&sort=company")


def test_the_pane_fills_a_phone_and_closes(site):
    page = site.visit("sales", size="phone")
    site.go(page, GRID)
    page.locator("tbody a.open").first.click()
    page.locator("#pane h1").wait_for()

    box = page.locator("#pane").bounding_box()
    assert (box["x"], box["width"], box["height"]) == (0, 390, 844)
    assert overflow(page) == 0
    page.click("#pane [data-close]")
    assert not page.locator("#pane").is_visible()


def test_columns_keep_the_order_and_width_they_are_given(site):
    page = site.go(site.visit("sales"), GRID)
    page.click("summary:has-text('列设置')")
    page.locator(".columns button[name=down]").first.click()
    page.fill("[name=w-company]", "240")
    with page.expect_navigation():
        page.click(".columns button[name=save]")

    heads = page.locator("th[data-key]")
    assert heads.nth(1).get_attribute("data-key") == "company"
    assert round(heads.nth(1).bounding_box()["width"]) == 240
    grip = heads.nth(1).locator(".grip").bounding_box()
    page.mouse.move(grip["x"] + 3, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(grip["x"] + 63, grip["y"] + 5, steps=3)
    with page.expect_response("**/columns/"):
        page.mouse.up()
    settled(page, page.reload)
    assert round(page.locator("th[data-key=company]").bounding_box()["width"]) == 300


def test_after_a_verb_the_page_stands_where_it_stood(site, lite):
    with World(lite) as world:
        for n in range(8):
            world.customer("sales", company=f"东湖{n}", level=Level.a)
    page = site.visit("sales")
    page.set_viewport_size({"width": 1280, "height": 420})
    site.go(page, f"{GRID}?f.level=in:a&sort=company")
    page.evaluate("document.querySelector('.grid .scroll').scrollTop = 120")
    page.locator("tbody tr", has_text="光谷3").locator("input[name=rowid]").check()
    page.locator("button[value=delete]").click()
    page.get_by_role("button", name="删除 · 1 条").click()
    page.locator(".toast a", has_text="撤销").wait_for()

    assert page.url.endswith(f"{GRID}?f.level=in:a&sort=company")
    assert page.evaluate("document.querySelector('.grid .scroll').scrollTop") >= 80
    assert "光谷3" not in companies(page)


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_a_wide_verb_is_asked_shown_at_work_and_told(site, lite, monkeypatch, size):
    for place in ("views.grid.selection.FEW", "services.bulk.runner.AT_ONCE"):
        monkeypatch.setattr(place, 2)
    page = site.go(site.visit("sales", size=size), f"{GRID}?page_size=2")
    page.locator("tbody input[name=rowid]").first.check()
    page.locator("[data-everything]").check()
    page.click("button[value=delete]")
    page.wait_for_selector("text=删除：共 4 条记录")
    assert "在后台分批执行" in page.inner_text("main")
    assert overflow(page) == 0
    page.click("section button.bad")
    page.wait_for_url("**/admin/batch/**")
    assert "正在后台处理：0 / 4" in page.inner_text("main")
    assert overflow(page) == 0

    worked(lite)
    page.wait_for_selector("text=成功 4", timeout=30_000)  # it refreshes itself
    page.click("text=撤销删除")
    page.wait_for_selector("text=正在后台处理")
    worked(lite)
    page.wait_for_selector("text=成功 4", timeout=30_000)
    assert overflow(page) == 0


def test_rows_are_gone_through_and_ticked_without_a_mouse(site):
    page = site.go(site.visit("sales"), f"{GRID}?sort=company")
    focused = "document.activeElement.closest('tr')?.dataset.id"
    ids = page.locator("tbody tr").evaluate_all("rows => rows.map((row) => row.dataset.id)")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    assert page.evaluate(focused) == ids[1]
    page.keyboard.press("x")
    assert page.inner_text("[data-ticked]") == "1"
    page.keyboard.press("Enter")
    page.locator("#pane h1", has_text="光谷1").wait_for()
    page.keyboard.press("ArrowDown")
    page.locator("#pane h1", has_text="光谷2").wait_for()
    page.keyboard.press("k")
    page.locator("#pane h1", has_text="光谷1").wait_for()
    page.keyboard.press("Escape")
    page.fill("#q", "j")  # what is typed stays what is typed
    assert page.input_value("#q") == "j"

    page.locator("tbody input[name=rowid]").nth(3).click()
    page.locator("tbody input[name=rowid]").nth(2).click(modifiers=["Shift"])
    assert page.inner_text("[data-ticked]") == "3"
    page.locator("tbody td.tick label").nth(0).click(modifiers=["Shift"], position={"x": 3, "y": 3})
    assert page.inner_text("[data-ticked]") == "4"


def test_the_menu_leads_back_to_the_grid_as_it_was_left(site):
    page = site.visit("sales")
    with page.expect_response("**/left/"):
        site.go(page, f"{GRID}?f.level=in:a&sort=company&page_size=1")
    page.get_by_role("link", name="下一页").click()
    page.wait_for_url("**page=1")
    page.wait_for_load_state("networkidle")
    page.locator("#side a[href='/admin/opportunity/']").click()
    page.wait_for_url("**/opportunity/")
    page.locator(f"#side a[href='{GRID}']").click()
    page.wait_for_url("**f.level=in:a&sort=company&page_size=1&page=1")
    assert companies(page) == ["光谷3"]
    page.fill("#goto", "1")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "page=" not in url.replace("page_size=", ""))
    assert companies(page) == ["光谷0"]
    page.locator(".tabs a", has_text="全部").click()
    page.wait_for_url("**tab=all")
    assert len(companies(page)) == 4
