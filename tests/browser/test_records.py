"""What the forms do in a real browser: regions by spelling, duplicates while typing, sums."""

import re

import pytest

from models.sales.product import Product
from tests.support.world import World

pytestmark = pytest.mark.browser
COMPANY = "宜昌三峡水泵有限公司"


def test_a_salesperson_enters_a_customer_with_keys_and_is_warned_of_its_double(site):
    sales = site.visit("sales")
    for n in range(2):
        site.go(sales, "/admin/customer/new/")
        sales.check("[name=customer_class][value=project]")
        assert re.fullmatch(r"YAV-\d{8}-X\d+", sales.inner_text("[data-preview]"))
        sales.locator("#f-company").press_sequentially(COMPANY)
        sales.fill("[name='primary.name']", "王伟")
        sales.fill("[name='primary.mobile']", f"1391234567{n}")
        sales.wait_for_selector("#f-region_code[role=combobox]")
        sales.locator("#f-region_code").press_sequentially("whhs")
        sales.keyboard.press("Enter")
        assert sales.input_value("#f-region_code") == "湖北省武汉市洪山区"
        assert sales.input_value("#f-region_code-code") == "420111"
        if n:
            sales.wait_for_selector(".note.field >> text=重复说明")
        sales.click("button[name=_submit]")
        if not n:
            sales.wait_for_url("**/details/**")

    sales.wait_for_selector("#f-duplicate_note-err:not(:empty)")
    assert "/new/" in sales.url


def test_a_contract_form_says_while_typing_whether_the_plan_adds_up(site):
    sales = site.visit("sales")
    site.go(sales, "/admin/contract/new/")
    sales.fill("[name=amount]", "1,000")
    sales.fill("[name=plan-new0-ratio_bp]", "30")
    sales.fill("[name=plan-new1-amount]", "600")
    assert "-100.00" in sales.inner_text("#f-plan [data-sum]")

    sales.click("#f-plan [data-add]")
    sales.fill("[name=plan-new101-amount]", "100")

    assert "与金额一致" in sales.inner_text("#f-plan [data-sum]")


def test_a_product_brings_its_list_price_to_a_line_and_the_row_shows_its_subtotal(app, site):
    with World(app) as world, world.acting("admin"):
        for n in (1, 2):
            world.create(Product, code=f"CP-{n}", name=f"相机{n}", price=n * 100_050)
    sales = site.visit("sales")
    site.go(sales, "/admin/opportunity/new/")
    row = sales.locator("#f-lines tbody tr").first
    price = row.locator("[name$=-price]")
    for n, shown in ((1, "1000.50"), (2, "2001.00")):
        row.locator("select").select_option(index=n)
        assert price.input_value() == shown

    row.locator("[name$=-quantity]").fill("2")
    row.locator("[name$=-discount_bp]").fill("90")
    assert row.locator("[data-worth]").inner_text() == "3,601.80"

    price.fill("10")
    row.locator("select").select_option(index=1)
    assert price.input_value() == "10"
