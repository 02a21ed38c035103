"""The charts in a real browser."""

import pytest

from tests.support.books import seed_books
from tests.support.browser import browsing, chromium, overflow

pytestmark = pytest.mark.browser
BAR = "figure:first-of-type .bars .point path"
KEYS = ("performance", "collections", "opportunities", "followups", "visits", "tracking")
# What does not fit: a tile's words beside it, a select's choice, a row of links away from its own.
CUT = """() => {
  const found = [];
  const pen = document.createElement('canvas').getContext('2d');
  for (const tile of document.querySelectorAll('.tile')) {
    const right = tile.getBoundingClientRect().right;
    for (const part of tile.querySelectorAll('*')) {
      if (part.getBoundingClientRect().right > right) found.push(part.textContent.trim());
    }
  }
  for (const field of document.querySelectorAll('.filterbar select:not(.sr), .filterbar input')) {
    const look = getComputedStyle(field);
    const text = field.selectedOptions ? field.selectedOptions[0].text : field.placeholder;
    const arrow = field.selectedOptions ? 16 : 0;
    const room = field.clientWidth - parseFloat(look.paddingLeft) - parseFloat(look.paddingRight);
    pen.font = `${look.fontSize} ${look.fontFamily}`;
    if (field.offsetWidth && pen.measureText(text).width + arrow > room) found.push(text);
  }
  for (const row of document.querySelectorAll('.filterbar nav')) {
    const [box, here] = [row, row.querySelector('[aria-current]')].map((e) => e?.getBoundingClientRect());
    const hidden = row.scrollWidth > row.clientWidth && innerWidth > 760;
    if (hidden || (here && (here.left < box.left || here.right > box.right))) found.push(row.className);
  }
  return found;
}"""  # noqa: E501


@pytest.fixture
def site(databases):
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with databases.lent("sqlite", seed_books) as app, browsing(app) as found:
        yield found
        assert found.faults == []


def drawn(page):
    page.wait_for_selector("[data-drawn]")
    return page


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_every_summary_draws_its_charts_without_breaking_the_policy(site, size, language):
    page = site.visit("analyst", size=size)
    site.go(page, f"/lang/{language}?next=/admin/cockpit/visits/")
    for key in KEYS:
        drawn(site.go(page, f"/admin/cockpit/{key}/?from=2025-01-01&to=2026-12-31"))

        figures = page.locator("figure").count()
        assert page.locator("figure [role=img] svg.main-svg").count() >= figures, key
        assert page.locator("figure [role=alert]").count() == 0, key
        if key != "tracking":
            page.wait_for_selector("[data-compared]")
        assert overflow(page) == 0, key
        assert page.evaluate(CUT) == [], key
        site.keep(page, f"cockpit-{key}-{size}-{language}")


def test_a_click_on_a_bar_filters_the_table_and_a_second_one_lifts_the_filter(site):
    page = site.visit("analyst")
    drawn(site.go(page, "/admin/cockpit/opportunities/?preset=year"))
    assert page.locator("tbody tr").count() == 4

    page.locator("figure").first.locator(".bars .point").last.click(
        position={"x": 4, "y": 4}, force=True
    )
    page.wait_for_url("**stage=**")
    shown = drawn(page).locator("tbody tr").count()
    assert 0 < shown < 4
    assert page.locator("a.chip.on", has_text="阶段").count() == 1

    page.locator(".bars .point path").first.wait_for(state="attached")
    stage = page.evaluate("new URL(location.href).searchParams.get('stage')")
    page.evaluate(
        """(stage) => {
          const drawing = document.querySelector('figure [role=img]');
          const bar = drawing.data[0].customdata.find((pick) => pick[1] === stage);
          drawing.emit('plotly_click', { points: [{ customdata: bar }] });
        }""",
        stage,
    )
    page.wait_for_url(lambda url: "stage=" not in url)
    assert page.locator("tbody tr").count() == 4


def test_a_period_that_ends_before_it_begins_is_told_beside_its_field(site):
    page = site.go(site.visit("analyst"), "/admin/cockpit/performance/?preset=year")
    here = page.url
    page.fill("#from", "2026-12-20")
    page.fill("#to", "2026-01-01")
    page.click(".filterbar form button.p")
    assert page.evaluate("document.querySelector('#to').validationMessage")
    assert page.url == here
    page.fill("#to", "2026-12-31")
    page.click(".filterbar form button.p")
    page.wait_for_url("**to=2026-12-31**")


def test_no_figure_can_be_sent_to_a_cloud(site):
    page = site.visit("analyst")
    drawn(site.go(page, "/admin/cockpit/performance/"))

    assert page.locator(".modebar-btn").count() == 0
    assert page.get_by_text("Share chart").count() == 0
    sent = page.evaluate("document.querySelector('figure [role=img]')._context")
    assert sent["showSendToCloud"] is False
    assert sent["plotlyServerURL"] == ""


def test_a_chart_that_cannot_be_read_says_so_and_leaves_the_table(site):
    page = site.visit("analyst")
    page.route("**/charts.json*", lambda route: route.fulfill(status=503, body="{}"))
    site.go(page, "/admin/cockpit/visits/")

    page.wait_for_selector("figure [role=alert]")
    assert page.locator("tbody tr").count() > 0
    page.unroute("**/charts.json*")
    page.locator("figure [role=alert] button").first.click()
    drawn(page)


def test_without_javascript_the_form_and_the_table_work(site):
    page = site.visit("analyst")
    state = page.context.storage_state()
    plain = site.browser.new_context(java_script_enabled=False, storage_state=state)
    site.contexts.append(plain)
    page = plain.new_page()
    site.go(page, "/admin/cockpit/performance/")

    page.select_option("#in-by", "owner")
    page.click("form.inputs button")
    page.wait_for_url("**by=owner**")
    assert page.locator("tbody tr").count() == 2


def test_paper_shows_the_filters_and_the_whole_table_and_no_buttons(site):
    page = site.visit("analyst")
    drawn(site.go(page, "/admin/cockpit/performance/?preset=year&level=a,b"))
    page.wait_for_selector("[data-compared]")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1047, "height": 720})  # A4 landscape within its margins

    assert page.locator(".filterbar .chip:visible").count() == 3
    for gone in (".head .btn", ".pager", "form.inputs", ".presets", "[data-png]", ".units"):
        assert page.locator(f"{gone}:visible").count() == 0, gone
    widths = page.evaluate(
        """() => [...document.querySelectorAll('figure, .scroll')].map((box) => {
          const inner = box.querySelector('.main-svg, table').getBoundingClientRect();
          return box.getBoundingClientRect().right - inner.right;
        })"""
    )
    assert len(widths) == 3
    assert min(widths) >= -1
    site.keep(page, "cockpit-paper")
