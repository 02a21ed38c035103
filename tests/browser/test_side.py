"""The side bar: it fits for every role, folds and remembers, and leads back to what one uses."""

import re

import pytest

from tests.architecture.test_house import ROOT
from tests.support.browser import browsing, chromium, overflow
from tests.support.world import PEOPLE, World
from views.menu import MENU

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
FITS = (
    "document.querySelector('#side').scrollHeight <= document.querySelector('#side').clientHeight"
)
COMPANY = "武汉楚江机电有限公司"


@pytest.fixture
def site(lite):
    """The bar is of the page: one database is enough."""
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with World(lite) as world:
        site_key = world.approved("sales", company=COMPANY)
    with browsing(lite) as found:
        found.customer = site_key
        yield found
        assert found.faults == []


def test_it_fits_for_every_role_and_every_entry_has_a_picture_of_its_own(site):
    sprite = set(re.findall(r'symbol id="(\w+)"', (ROOT / "static/icons.svg").read_text()))
    for who in PEOPLE:
        page = site.visit(who)
        for path in ("/admin/", "/admin/profile/", "/admin/dictionary/"):
            site.go(page, path)
            if not page.locator("#side").count():
                continue  # not theirs to open
            assert page.evaluate(FITS), (who, path)
        site.go(page, "/admin/")
        uses = page.locator("#side use").evaluate_all("all => all.map((one) => one.href.baseVal)")
        icons = [use.partition("#")[2] for use in uses]
        assert len(set(icons)) == len(icons), (who, icons)
        assert set(icons) <= sprite
        page.context.close()
    assert len(MENU) > len(PEOPLE)


def test_groups_fold_for_good_and_favourites_and_recent_records_stand_on_top(site):
    page = site.visit("sales")
    page.click("#group-progress")
    record = f"/admin/customer/details/?id={site.customer}"
    site.go(page, record)
    assert page.locator("[data-fold=progress]").get_attribute("open") is None
    first = page.locator("#side details").first
    assert first.locator("a").all_inner_texts() == [COMPANY]

    site.go(page, "/admin/customer/?f.level=in:a,b&page=0")
    page.click("[data-star]")
    assert page.get_attribute("[data-star]", "aria-pressed") == "true"
    site.go(page, "/admin/")
    assert first.locator("a").all_inner_texts() == ["大客户", COMPANY]
    first.locator("a").first.click()
    page.wait_for_url("**/admin/customer/?f.level=in:a,b")
    page.click("[data-star]")
    site.go(page, "/admin/")
    assert first.locator("a").all_inner_texts() == [COMPANY]

    page.click(".person summary")
    page.click(".person button")
    page.wait_for_url("**/login**")
    assert COMPANY not in page.evaluate("JSON.stringify(localStorage)")


def test_on_a_phone_it_is_a_drawer_that_scrolls(site):
    page = site.visit("admin", size="phone")
    site.go(page, "/lang/en?next=/admin/customer/")
    assert page.locator("#side").is_hidden()
    page.click("[data-toggle-side]")
    page.locator("#side a", has_text="Outbox").scroll_into_view_if_needed()
    assert page.locator("#side a", has_text="Outbox").is_visible()
    assert overflow(page) == 0
