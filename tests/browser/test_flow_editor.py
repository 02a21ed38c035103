"""The editor of flows in a real browser: the preview follows, putting in force asks first."""

import pytest

from tests.support.browser import overflow

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_a_flow_is_written_with_a_live_preview_and_put_in_force(site, size):
    admin = site.visit("admin", size=size)
    site.go(admin, "/admin/flow/new/?noun=opportunity&action=create")
    admin.click("button[value=add]")
    admin.fill("#s1-name", "财务")
    admin.select_option("#s1-kind", "person")
    assert admin.locator("#s1 [data-when=role]").is_hidden()
    admin.locator("#s1 .people label", has_text="finance").click()
    admin.click("button[value='rule-1']")
    admin.select_option("#s1-r0-field", "amount")
    admin.select_option("[name=s1-r0-op]", "ge")
    admin.fill("[name=s1-r0-value]", "50万")
    admin.locator("[data-line]", has_text="[金额 ≥ 50 万] finance").wait_for()
    assert overflow(admin) <= 0

    admin.click("button[value=save]")
    admin.wait_for_url("**/details/**")
    admin.click("form[action*=activate] button")
    assert admin.locator("#confirm[open]").count() == 1
    admin.click("#confirm [data-yes]")
    admin.wait_for_selector(".tag.ok")

    assert "启用中" in admin.inner_text("main")
    assert overflow(admin) <= 0
