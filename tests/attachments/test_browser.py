"""The card 附件 in a real browser, wide and on a phone, under the strict policy."""

import pytest

from tests.support.browser import browsing, chromium, overflow
from tests.support.uploads import PDF

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: set TCOS_TEST_CHROMIUM"),
]


def test_a_scan_is_attached_downloaded_and_removed_after_asking(lite, few, folder, tmp_path):
    scan, huge, page_ = tmp_path / "合同扫描件.pdf", tmp_path / "录像.zip", tmp_path / "网页.pdf"
    scan.write_bytes(PDF)
    huge.write_bytes(b"\0" * (20 * 1024 * 1024 + 1))
    page_.write_bytes(b"<!doctype html>")
    address = f"/admin/contract/details/?id={few['contract']}"
    with browsing(lite) as site:
        page = site.go(site.visit("sales"), address)
        page.set_input_files("#file", huge)
        told = page.locator("#file").evaluate("field => field.validationMessage")
        page.set_input_files("#file", page_)
        page.click("#files form[enctype] button")
        page.wait_for_selector("#file-err")
        focused = page.evaluate("document.activeElement.id")
        page.set_input_files("#file", scan)
        page.click("#files form[enctype] button")
        page.wait_for_selector("#files a:text-is('合同扫描件.pdf')")
        site.keep(page, "attachments-wide")
        with page.expect_download() as download:
            page.click("#files a")
        saved_as = download.value.suggested_filename
        phone = site.go(site.visit("sales", size="phone"), address)
        over = overflow(phone)
        phone.locator("#files").scroll_into_view_if_needed()
        site.keep(phone, "attachments-phone")
        phone.click("#files button[data-confirm]")
        phone.click("#confirm [data-yes]")
        phone.wait_for_selector(".toast")
        left = phone.locator("#files a").count()
        faults = site.faults

    assert told == "文件超过上限 20 MB"
    assert focused == "file"
    assert saved_as == "合同扫描件.pdf"
    assert (over, left, faults) == (0, 0, [])
