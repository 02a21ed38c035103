"""An analyst's day: filter, pivot, drill, keep, subscribe, take away, print; another reads it."""

import email
import email.policy
import io
import re
from pathlib import Path
from urllib.parse import urlsplit

import openpyxl
import pytest

from jobs import deliver
from jobs.queue import GIVEN_UP, KNOWN
from tests.cockpits.test_browser import drawn
from tests.jobs.test_worker import mailbox  # noqa: F401 # a fixture
from tests.support.books import seed_books
from tests.support.browser import calm
from tests.support.stage import ONCE, staged

pytestmark = pytest.mark.browser
PAGE = "/admin/cockpit/performance/"


@pytest.fixture(params=ONCE)
def stage(request, databases):
    yield from staged(request, databases, seed_books)


def total_of(content):
    """Return what the column of contract amounts adds up to in a workbook."""
    rows = list(openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].values)
    column = next(n for n, head in enumerate(rows[0]) if head in {"合同额", "Contract amount"})
    return f"{rows[-1][column]:,.2f}"


def total_on(stage, page):
    """Return the total of the contracts as the table's foot shows it."""
    return page.locator(f"#rows tfoot td[data-label='{stage.say('合同额')}']").inner_text().strip()


def filtered(stage, page):
    """Ask for the year by owner with the form; return the total of the contracts."""
    stage.go(page, f"{PAGE}?preset=year")
    page.select_option("[name=by]", "owner")
    page.click(".filterbar form button.p")
    page.wait_for_url("**by=owner**")
    drawn(page)
    stage.keep(page, "cockpit-story-1-filter")
    return total_on(stage, page)


def pivoted(stage, page, total):
    """Cross owners with months; the corner is the summary's total and opens its contracts."""
    stage.go(page, "/admin/cockpit/pivot/?preset=year&rows=owner&cols=month&unit=yuan")
    page.click(f".filterbar a[title='{stage.say('行列互换')}']")
    page.wait_for_url("**rows=month**")
    corner = page.locator("table.pivot tfoot td").last
    assert corner.inner_text() == total
    drawn(page)
    with page.expect_download():
        page.locator("[data-png]").click()
    stage.keep(page, "cockpit-story-2-pivot")
    first = page.locator("table.pivot tbody td a").first
    amount = first.inner_text()
    first.click()
    page.wait_for_url("**by=contract**")
    assert total_on(stage, page) == amount  # its contracts, and the way back
    page.locator("nav.back a").click()
    page.wait_for_url("**/pivot/**")


def kept(stage, page):
    """Keep the filter as a view, have it mailed and sent now; return the view's key."""
    stage.go(page, f"{PAGE}?preset=year&by=owner")
    page.locator("details.drop summary", has_text=stage.say("视图")).click()
    page.fill("#view-name", "Team 2026")
    page.get_by_role("button", name=stage.say("保存视图")).click()
    page.wait_for_url("**view=**")
    key = re.search(r"view=(\d+)", page.url)[1]
    stage.go(page, f"{PAGE}view/?id={key}")
    page.select_option("#rhythm", "daily")
    for button in ("订阅", "现在发一份"):
        page.get_by_role("button", name=stage.say(button), exact=True).click()
        calm(page)
    stage.keep(page, "cockpit-story-3-kept")
    return key


def mailed(stage, box):
    """Let the worker run; return the total that the attached workbook has."""
    stage.app.config["TCOS_SMTP_URL"] = box.url
    deliver.tasks(stage.app, KNOWN, GIVEN_UP)
    deliver.mails(stage.app)
    letters = [
        email.message_from_string(text, policy=email.policy.default) for _to, text in box.letters
    ]
    letter = next(one for one in letters if "Team 2026" in one["Subject"])
    (file,) = letter.iter_attachments()
    return total_of(file.get_content())


def taken(page, kind):
    with page.expect_download() as download:
        page.locator(f".head a[href*='export.{kind}']").click()
    return Path(download.value.path()).read_bytes()


def test_one_number_is_filtered_crossed_opened_kept_mailed_taken_and_read(stage, mailbox):  # noqa: F811
    page = stage.visit("analyst")
    page.on("dialog", lambda dialog: dialog.accept())
    total = filtered(stage, page)
    pivoted(stage, page, total)
    kept(stage, page)
    assert mailed(stage, mailbox) == total

    drawn(stage.go(page, f"{PAGE}?preset=year&by=owner"))
    assert total_of(taken(page, "xlsx")) == total
    assert taken(page, "pdf").startswith(b"%PDF")
    link = page.get_attribute("[data-copy]", "data-copy")
    page.emulate_media(media="print")
    assert total_on(stage, page) == total
    assert not page.locator(".head .btn:visible").count()
    stage.keep(page, "cockpit-story-4-paper")

    other = stage.visit("admin")
    parts = urlsplit(link)
    drawn(stage.go(other, f"{parts.path}?{parts.query}"))
    assert total_on(stage, other) == total
    seller = stage.visit("sales")  # the same link shows a seller what is his
    stage.go(seller, f"{parts.path}?{parts.query}")
    assert total_on(stage, seller) != total
