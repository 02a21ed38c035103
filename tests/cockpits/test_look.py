"""How a summary looks in a real browser: what is chosen, what is still to come."""

import pytest

from tests.cockpits.test_browser import drawn, site  # noqa: F401 # a fixture
from tests.support.browser import overflow

pytestmark = pytest.mark.browser
# Opacity and edge of every bar, field by field, as they are painted.
PAINTED = """() => [...document.querySelectorAll('figure')].map((figure) => ({
  said: figure.querySelector('[role=img]').getAttribute('aria-label'),
  points: [...figure.querySelectorAll('.point > path[style*=fill]')].map((bar) => {
    const look = getComputedStyle(bar);
    return [Number(look.opacity), parseFloat(look.strokeWidth)];
  }),
}))"""
BUSY = """() => {
  const look = (part, end) => getComputedStyle(document.querySelector(part), end);
  const chart = look('.chart', '::before');
  const text = document.querySelector('.chart > .muted');
  return {
    drawn: chart.backgroundImage.includes('gradient'), moves: chart.animationName,
    tall: document.querySelector('.chart').offsetHeight, text: [text.offsetWidth, text.textContent.trim()],
    tile: look('.tile .n', null).backgroundImage.includes('gradient'),
    below: document.querySelector('#rows').getBoundingClientRect().top,
  };
}"""  # noqa: E501


def test_a_chosen_bar_stays_full_with_an_edge_and_is_told_by_name(site):  # noqa: F811
    page = site.visit("analyst")
    stage = drawn(site.go(page, "/admin/cockpit/opportunities/?preset=year")).evaluate(
        "document.querySelector('figure [role=img]').data[0].customdata.find((pick) => pick)[1]"
    )
    assert all(edge < 2 for one in page.evaluate(PAINTED) for _full, edge in one["points"])

    drawn(site.go(page, f"/admin/cockpit/opportunities/?preset=year&stage={stage}&reached={stage}"))
    for one in page.evaluate(PAINTED):
        (chosen,) = [full for full, edge in one["points"] if edge == 2]
        assert chosen == 1, one
        assert [full for full, edge in one["points"] if edge < 2 and full > 0.5] == [], one
        assert " · 已选：" in one["said"], one
    assert len(page.evaluate(PAINTED)[0]["points"]) > 1
    site.keep(page, "cockpit-look-chosen")


def test_a_chosen_hour_is_framed_on_a_paler_field(site):  # noqa: F811
    page = drawn(site.go(site.visit("analyst"), "/admin/cockpit/visits/?preset=year"))
    hour = page.evaluate(
        """() => {
          const { z, customdata } = document.querySelectorAll('figure [role=img]')[1].data[0];
          return customdata.flat()[z.flat().findIndex((n) => n > 0)][1];
        }"""
    )
    field = drawn(site.go(page, f"/admin/cockpit/visits/?preset=year&hour={hour}")).locator(
        "figure:nth-of-type(2) [role=img]"
    )

    assert " · 已选：" in field.get_attribute("aria-label")
    assert field.locator(".shapelayer path").count() == 1
    shades = field.locator(".heatmaplayer .hm image")
    assert shades.count() == 2
    assert shades.first.evaluate("(image) => getComputedStyle(image).opacity") == "0.35"
    site.keep(page, "cockpit-look-hour")


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_what_is_still_to_come_is_grey_moves_for_those_who_like_it_and_moves_nothing(site, size):  # noqa: F811
    page, held = site.visit("analyst", size=size), []

    def hold(route):
        held.append(route)

    for door in ("charts", "change"):
        page.route(f"**/{door}.json*", hold)
    page.goto(f"{site.address}/admin/cockpit/performance/?by=month")
    page.wait_for_function("document.querySelector('[data-changes] [aria-busy]')")

    busy = page.evaluate(BUSY)
    assert (busy["drawn"], busy["tile"], busy["moves"]) == (True, True, "waiting")
    assert busy["text"] == [1, "正在加载图表…"]
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(BUSY)["moves"] == "none"
    page.emulate_media(media="print", reduced_motion="no-preference")
    assert page.evaluate(BUSY)["moves"] == "none"
    page.emulate_media(media="screen")
    site.keep(page, f"cockpit-look-busy-{size}")
    while len(held) < 2:
        page.wait_for_timeout(20)
    for one in held:
        one.continue_()
    drawn(page).wait_for_selector("[data-compared]")
    assert page.locator("[data-changes] [aria-busy], .chart[aria-busy]").count() == 0
    tall = page.evaluate("document.querySelector('figure:last-of-type .chart').offsetHeight")
    assert tall == busy["tall"]


# Left edges of the first three cells of head, first row and totals; how wide the first two are.
EDGES = """() => [...document.querySelectorAll('#rows tr')].filter((row, n, all) => n < 2 || n === all.length - 1)
  .map((row) => [...row.cells].slice(0, 3).map((cell) => [cell.getBoundingClientRect().left, getComputedStyle(cell).position]))"""  # noqa: E501
WIDE = "preset=year&by=contract&compare=year&freeze=2"


def test_frozen_columns_stay_in_sight_beside_each_other_in_head_rows_and_totals(site):  # noqa: F811
    page = drawn(site.go(site.visit("analyst"), f"/admin/cockpit/collections/?{WIDE}"))
    before = page.evaluate(EDGES)
    scrolled = page.evaluate(
        """() => {
          const room = document.querySelector('#rows').parentElement;
          room.scrollLeft = 200;
          return room.scrollLeft;
        }"""
    )

    assert scrolled == 200
    for there, here in zip(before, page.evaluate(EDGES), strict=True):
        assert [left for left, _how in here[:2]] == pytest.approx([x for x, _how in there[:2]])
        assert here[2][0] == pytest.approx(there[2][0] - 200)
    over = page.evaluate(
        """() => {
          const cell = document.querySelector('#rows tbody td:nth-child(2)');
          cell.scrollIntoView({ block: 'center' });
          const { left, top } = cell.getBoundingClientRect();
          return document.elementFromPoint(left + 3, top + 8).closest('td').cellIndex;
        }"""
    )
    assert over == 1
    site.keep(page, "cockpit-look-frozen")


def test_cards_of_a_phone_and_a_page_without_scripts_freeze_nothing_more(site):  # noqa: F811
    phone = site.go(site.visit("analyst", size="phone"), f"/admin/cockpit/collections/?{WIDE}")
    assert {how for row in phone.evaluate(EDGES)[1:] for _left, how in row} == {"static"}

    state = phone.context.storage_state()
    plain = site.browser.new_context(java_script_enabled=False, storage_state=state)
    site.contexts.append(plain)
    page = site.go(plain.new_page(), f"/admin/cockpit/collections/?{WIDE}")
    assert page.locator("#rows tbody tr:first-child .stick").count() == 1


def test_a_limit_is_set_in_the_menu_of_columns_and_stands_out_by_colour_weight_and_sign(site):  # noqa: F811
    page = drawn(site.go(site.visit("analyst"), "/admin/cockpit/performance/?preset=year"))
    page.click(".columns summary")
    line = page.locator(".columns li", has_text="合同额").first
    field = line.locator("input[name=marks]")
    field.fill("100000")
    assert line.locator("select").evaluate("(field) => field.required")  # half a limit is not sent
    line.locator("select").select_option(label="≥")
    page.locator(".columns").get_by_role("button", name="应用").click()
    page.wait_for_url("**marks=**")

    drawn(page)
    assert page.url.count("marks=") == 2  # what is empty stays out of the address
    look = "(cell) => { const { color, backgroundColor, fontWeight } = getComputedStyle(cell); return [color, backgroundColor, fontWeight]; }"  # noqa: E501
    marked = page.locator("#rows tbody td.reached").first
    plain = page.locator("#rows tbody td.r:not(.reached)").first
    for mine, others in zip(marked.evaluate(look), plain.evaluate(look), strict=True):
        assert mine != others
    assert marked.locator("[role=img]").get_attribute("aria-label") == "≥ 100,000.00 元"
    assert page.locator("#rows tfoot td.reached").count() == 1
    assert overflow(page) == 0
    page.click(".columns summary")
    site.keep(page, "cockpit-look-limits")


def test_the_table_is_copied_as_it_stands_and_that_is_told_in_few_words(site):  # noqa: F811
    page = drawn(site.go(site.visit("analyst"), "/admin/cockpit/performance/?preset=year"))
    page.click("[data-copies]")
    toast = page.locator(".toasts .toast")
    toast.wait_for()

    lines = page.locator("[data-copies]").get_attribute("data-copy").split("\n")
    assert toast.inner_text() == "已复制表格"
    assert len(lines) == page.locator("#rows tr").count()
    assert {len(line.split("\t")) for line in lines} == {page.locator("#rows thead th").count()}
