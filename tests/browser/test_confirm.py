"""What a click may not do by itself."""

import pytest

pytestmark = pytest.mark.browser
COMPANY = "武汉长江机械有限公司"


def test_a_deletion_asks_first(site):
    sales = site.visit("sales")
    site.go(sales, "/admin/customer/new/")
    sales.fill("[name=company]", COMPANY)
    sales.click("button[name=_save]")
    sales.wait_for_selector(".toast")

    sales.click("[data-confirm][class*=bad] >> nth=0")

    assert sales.locator("#confirm[open]").count() == 1
    assert "/details/" in sales.url
