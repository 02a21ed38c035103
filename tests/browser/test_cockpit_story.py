"""An analyst's morning: filter, drill, keep, subscribe, export, print, and pass the link on."""

import email
import email.policy
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from jobs import deliver
from jobs.queue import GIVEN_UP, KNOWN
from tests.jobs.test_worker import mailbox  # noqa: F401 # a fixture
from tests.support.books import seed_books
from tests.support.browser import browsing, chromium, overflow

pytestmark = pytest.mark.browser
DAY = (("sqlite", "zh", "wide"), ("postgres", "en", "phone"))
EVERY = [(kind, lang, size) for kind in ("sqlite", "postgres") for lang in ("zh", "en")
         for size in ("wide", "phone")]  # fmt: skip
PERIOD = "from=2025-01-01&to=2026-12-31"


@pytest.fixture(
    params=[
        pytest.param(one, id="-".join(one), marks=() if one in DAY else pytest.mark.soak)
        for one in EVERY
    ]
)
def told(request, databases, mailbox):  # noqa: F811
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    kind, language, size = request.param
    with databases.lent(kind, seed_books) as app:
        app.config["TCOS_SMTP_URL"] = mailbox.url
        with browsing(app) as site:
            page = site.visit("analyst", size=size)
            site.go(page, f"/lang/{language}?next=/admin/cockpit/performance/")
            yield app, site, page, size
            assert site.faults == []


def drawn(page):
    page.wait_for_selector("[data-drawn]")
    return page


def filtered(site, page):
    """Keep to A-level customers through the form."""
    drawn(site.go(page, f"/admin/cockpit/performance/?{PERIOD}"))
    page.click(".extra > summary")
    page.select_option("#in-level", "a")
    page.click("form[data-lean] button.p")
    page.wait_for_url("**level=a**")
    drawn(page)
    expect(page.locator(".filterbar a.chip.on")).to_have_count(2)


def drilled(page):
    """Open the contracts behind a number and come back."""
    number = page.locator("tbody a[href*='by=contract']").first
    number.click()
    page.wait_for_url("**by=contract**")
    assert page.locator("tbody tr").count() > 0
    page.click("nav.back a")
    page.wait_for_url("**level=a**")


def kept(page):
    """Save the state under a name; return the address of the view's page."""
    page.click("details.drop > summary:visible >> nth=0")
    page.fill("#view-name", "A")
    page.click("form:has(#view-name) button")
    page.wait_for_url("**view=**")
    expect(page.locator("nav.kept a[aria-current]")).to_have_text("A")
    return page.evaluate("new URL(location.href).searchParams.get('view')")


def mailed(app, site, page, key):
    """Subscribe and have one sent now; the worker's part is done here."""
    site.go(page, f"/admin/cockpit/performance/view/?id={key}")
    assert overflow(page) <= 0
    page.select_option("#rhythm", "weekly")
    page.click("form:has(#rhythm) button")
    page.wait_for_selector("input[value=send]", state="attached")
    page.click("form:has(input[value=send]) button")
    page.wait_for_load_state()
    deliver.tasks(app, KNOWN, GIVEN_UP)
    deliver.mails(app)


def test_an_analyst_keeps_mails_and_passes_on_what_was_found(told, mailbox):  # noqa: F811
    app, site, page, size = told
    filtered(site, page)
    drilled(page)
    key = kept(page)
    link = page.locator("[data-copy*='level=a']").get_attribute("data-copy")
    with page.expect_download() as found:
        page.click("a[href*='export.xlsx']")
    assert found.value.suggested_filename.endswith(".xlsx")
    page.emulate_media(media="print")
    assert not page.locator(".head .btn").first.is_visible()
    assert page.locator("h1").is_visible()
    assert page.locator("tfoot").is_visible()
    assert page.pdf(prefer_css_page_size=True)[:5] == b"%PDF-"
    page.emulate_media(media="screen")
    assert overflow(page) <= 0
    site.keep(page, f"cockpit-story-{size}")

    mailed(app, site, page, key)
    ((to, text),) = mailbox.letters
    letter = email.message_from_string(text, policy=email.policy.default)
    (file,) = letter.iter_attachments()
    assert (to, file.get_content()[:2]) == ("analyst@demo.tcos.cn", b"PK")

    parts = urlsplit(link)
    other = site.visit("sales", size=size)
    drawn(site.go(other, f"{parts.path}?{parts.query}"))
    expect(other.locator(".filterbar a.chip.on")).to_have_count(2)
    assert other.locator("tbody tr").count() > 0
    assert other.locator("a[href*='export.xlsx']").count() == 0
