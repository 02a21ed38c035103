"""Whoever decides sees 通过, 驳回 and 转交, at both widths, and nothing covers them."""

import pytest
import sqlalchemy as sa

from models.people.user import User
from tests.support import clock
from tests.support.browser import browsing, overflow
from tests.support.world import World

pytestmark = pytest.mark.browser

LONG = "重要客户，多条产线，需分期实施。" * 60
INBOX, FULL = "/admin/inbox/?id={}", "/admin/request/?id={}"
BOXES = """acts => acts.map(one => {
  const box = one.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return [box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight,
          one.contains(top), one.scrollWidth <= one.clientWidth];
})"""


@pytest.fixture
def queue(lite):
    """Three long submissions before the reviewer; who reads English is `reviewer2`."""
    with World(lite) as world:
        world.now = clock.now()
        keys = [world.submitted(remark=LONG, street="光谷大道 77 号")[1] for _n in range(3)]
        with world.acting("admin"):
            user = User
            world.session.scalars(
                sa.select(user).where(user.name == "reviewer2")
            ).one().language = "en"
    with browsing(lite) as site:
        yield site, keys
        assert site.faults == []


def in_view(page):
    """Assert that the acts lie inside the window, that a click hits them and their words fit."""
    acts = page.locator("#decide .acts :is(button, a)")
    assert acts.count() >= 4
    assert acts.evaluate_all(BOXES) == [[True, True, True]] * acts.count()


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("who", ["reviewer", "reviewer2"])
def test_the_acts_are_in_view_at_once_and_nothing_covers_them(queue, who, size):
    site, keys = queue
    page = site.visit(who, size=size)
    for path in (INBOX, FULL):
        site.go(page, path.format(keys[0]))
        in_view(page)
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        in_view(page)
        assert overflow(page) == 0

    site.go(page, INBOX.format(keys[0]))
    page.locator("#decide button[value=approve]").click()
    page.wait_for_selector(f"#panel:not([inert]):not([data-id='{keys[0]}']) #decide")
    assert page.locator(".toast").is_visible()
    in_view(page)
    head = page.locator("#panel .hd").bounding_box()
    assert 0 <= head["y"] < 300, "the next one is read from its head"
    page.locator(".toast button").click()
