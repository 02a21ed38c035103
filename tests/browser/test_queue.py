"""The queue of approvals under quick fingers: nothing is decided that is not shown."""

import pytest

from tests.support import clock
from tests.support.browser import browsing
from tests.support.world import PASSWORD, World

pytestmark = pytest.mark.browser


def at_once(lite, work, n=2, path=""):
    """Run a queue of n customers in a browser for the reviewer."""
    with World(lite) as world:
        world.now = clock.now()
        for one in range(n):
            world.submitted(**{"primary.mobile": f"138111100{one:02}"})
    with browsing(lite) as site:
        page = site.visit("reviewer")
        site.go(page, f"/admin/inbox/{path}")
        work(site, page)
        assert site.faults == []


class Gate:
    """Holds the panels back until they are let in."""

    def __init__(self, page):
        self.page, self.held = page, []
        page.route("**/admin/inbox/?*id=*", self.hold)

    def hold(self, route):
        """Keep one back."""
        self.held.append(route)

    def open(self, n):
        """Let in what is held back, once so many panels are."""
        while len(self.held) < n:
            self.page.wait_for_timeout(20)
        while self.held:
            self.held.pop().continue_()


def test_a_key_decides_only_what_is_shown(lite):
    sent = []

    def work(_site, page):
        page.on("request", lambda r: sent.append(r.post_data) if "/decide/" in r.url else None)
        gate = Gate(page)
        lines, left = page.locator("tr[data-id]"), page.locator("tr[data-id]:visible")
        second = lines.nth(1).get_attribute("data-id")
        shown = f"#panel:not([inert]) [data-decide][data-id='{second}']"
        page.keyboard.press("j")
        page.keyboard.press("a")  # the second is not shown yet
        assert left.count() == lines.count()
        gate.open(1)
        page.wait_for_selector(shown)
        page.fill("#comment", "同意")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("a")
        page.keyboard.press("a")  # the first is not shown yet
        assert left.count() == 1
        page.keyboard.press("u")
        gate.open(2)
        page.wait_for_selector(shown)
        assert page.input_value("#comment") == "同意"
        assert left.count() == lines.count()
        assert sent == []

    at_once(lite, work)


def counts(page, n):
    """Wait until the head of the queue counts so many."""
    text = "n => document.querySelector('.head p').textContent.trim().startsWith(n)"
    page.wait_for_function(text, arg=f"待处理 {n} 项")


def test_a_page_worked_off_is_followed_by_the_next_tasks(lite):
    def work(_site, page):
        page.check("[data-scope]")
        assert page.locator("[data-ticked]").text_content() == "3"
        page.uncheck("input[name=rowid] >> nth=0")
        assert not page.is_checked("[data-scope]")
        assert page.locator("[data-ticked]").text_content() == "1"
        first, second = (row.get_attribute("data-id") for row in page.locator("tr[data-id]").all())
        page.keyboard.press("a")
        page.wait_for_selector(f"#panel:not([inert]) [data-decide][data-id='{second}']")
        page.keyboard.press("a")  # sends the first
        counts(page, 2)
        page.click(".pager [rel=next]")
        counts(page, 1)
        last = page.locator("tr[data-id]").get_attribute("data-id")
        assert last not in {first, second}

    at_once(lite, work, n=3, path="?page_size=2")


def test_a_decision_without_a_log_in_waits_for_it_and_its_words_stay(lite):
    def work(_site, page):
        page.wait_for_selector("#panel [data-decide]")
        mine = page.locator("#panel [data-decide]").get_attribute("data-id")
        page.fill("#comment", "请补充营业执照")
        page.context.clear_cookies()
        page.click("#panel button[value=reject]")
        page.locator("#log-in").wait_for(timeout=15_000)  # it was held for eight seconds
        page.click("#log-in [data-no]")
        page.locator(".toast.error", has_text="登录已失效").first.wait_for()
        assert page.locator(f"tr[data-id='{mine}']").is_visible()
        page.click("[data-outside] button")
        page.fill("#again-email", "reviewer@demo.tcos.cn")
        page.fill("#again-password", PASSWORD)
        page.click("#log-in button.p")
        page.locator("#log-in").wait_for(state="hidden")
        page.click(f"tr[data-id='{mine}'] a[href*='id=']")
        page.wait_for_selector(f"#panel:not([inert]) [data-decide][data-id='{mine}']")
        assert page.input_value("#comment") == "请补充营业执照"

    at_once(lite, work)
