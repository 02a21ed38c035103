"""The main job as three people do it: entered, approved in bulk, synced, copied, added up."""

import pytest

pytestmark = pytest.mark.browser
COMPANY = "武汉长江机械有限公司"


def enter_customer(site, page):
    site.go(page, "/admin/customer/new/")
    page.fill("[name=company]", COMPANY)
    page.fill("[name='primary.name']", "陈志远")
    page.fill("[name='primary.mobile']", "13986001234")
    page.fill("[data-regions] [role=combobox]", "武汉洪山")
    page.click("[data-regions] [role=option] >> nth=0")
    site.keep(page, "main-job-1-form")
    page.click("button[name=_submit]")
    page.wait_for_selector(".toast")


def test_a_customer_goes_from_entry_to_the_cockpit(site):
    sales = site.visit("sales")
    enter_customer(site, sales)
    assert "审批中" in sales.content()

    reviewer = site.visit("reviewer")
    site.go(reviewer, "/admin/inbox/")
    reviewer.check("input[name=rowid]")
    site.keep(reviewer, "main-job-2-inbox")
    reviewer.click("button[name=verb][value=approve] >> nth=0")
    if reviewer.locator("#confirm[open] [data-yes]").count():
        reviewer.click("#confirm[open] [data-yes]")
    reviewer.wait_for_url("**/admin/batch/**")
    site.keep(reviewer, "main-job-3-confirm")
    reviewer.click("form[action*='/batch/run/'] button")
    reviewer.wait_for_selector("text=下载结果")
    assert COMPANY in reviewer.content()
    site.keep(reviewer, "main-job-4-result")

    site.go(sales, "/admin/followup/")
    assert COMPANY in sales.content()
    assert "审批同步" in sales.content()
    site.go(sales, "/admin/cc/")
    assert COMPANY in sales.content()
    site.keep(sales, "main-job-5-copies")
    site.go(sales, "/admin/cockpit/tracking/")
    assert COMPANY in sales.content()
    site.keep(sales, "main-job-6-cockpit")
