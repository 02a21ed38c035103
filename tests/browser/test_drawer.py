"""The drawer beside the grid opens at the part that its address leads to."""

import pytest

from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PLACES = """() => {
  const places = ['#pane [data-content]', '#pane #portrait'];
  const [content, part] = places.map((one) => document.querySelector(one));
  const top = part.getBoundingClientRect().top - content.getBoundingClientRect().top;
  return [content.scrollTop, Math.round(top), content.scrollHeight - content.clientHeight];
}"""


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_the_drawer_opens_at_the_portrait_where_the_address_leads_to_it(app, site, size):
    with World(app) as world:
        world.approved("sales", street="光谷大道 1 号", remark="很长的说明。" * 60)
    page = site.visit("sales", size=size)
    page.set_viewport_size({"width": page.viewport_size["width"], "height": 500})

    for hash_, leads in (("", False), ("#portrait", True), ("#nothing", False)):
        site.go(page, f"/admin/customer/?tab=all{hash_}")
        page.reload()  # another hash alone is the same page
        page.locator("tbody a.open").first.click()
        page.locator("#pane #portrait").wait_for()
        page.wait_for_timeout(100)
        scrolled, top, most = page.evaluate(PLACES)
        assert (scrolled > 0) is leads
        assert not leads or abs(top) <= 1 or scrolled >= most - 1
