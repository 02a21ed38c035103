"""The editor of flows in a real browser: the preview follows, putting in force asks first."""

import pytest

from tests.support.browser import overflow, settled

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
    admin.locator("[data-line]", has_text="[金额 ≥ 50 万元] finance").wait_for()
    assert overflow(admin) <= 0

    # Left in the middle: the draft comes back with its steps and conditions.
    admin.on("dialog", lambda dialog: dialog.accept())
    site.go(admin, "/admin/")
    site.go(admin, "/admin/flow/new/?noun=opportunity&action=create")
    admin.click("[data-use]")
    admin.locator("#s1-name").wait_for()
    assert admin.input_value("#s1-name") == "财务"
    assert admin.input_value("[name=s1-r0-value]") == "50万"
    admin.locator("[data-line]", has_text="[金额 ≥ 50 万元] finance").wait_for()
    admin.fill("#name", "")
    admin.click("button[value=save]")
    admin.locator("#name[aria-invalid=true]").wait_for()
    assert admin.input_value("[name=s1-r0-value]") == "50万"
    admin.fill("#name", "大额商机")
    admin.click("button[value=save]")
    admin.wait_for_url("**/details/**")
    site.go(admin, "/admin/flow/new/?noun=opportunity&action=create")
    admin.wait_for_load_state("networkidle")
    assert not admin.is_visible("[data-restore]")
    settled(admin, admin.go_back)
    admin.wait_for_url("**/details/**")
    admin.click("form[action*=activate] button")
    assert admin.locator("#confirm[open]").count() == 1
    admin.click("#confirm [data-yes]")
    admin.wait_for_selector(".tag.ok")

    assert "已启用" in admin.inner_text("main")
    assert overflow(admin) <= 0


def test_values_of_a_condition_are_taken_from_the_searched_list(site):
    admin = site.visit("admin")
    site.go(admin, "/admin/flow/new/?noun=customer&action=create")
    admin.click("button[value=add]")
    admin.fill("#s1-name", "行业")
    admin.click("button[value='rule-1']")
    field = admin.locator("#s1-r0-field-box")
    field.press_sequentially("hangye")
    admin.keyboard.press("Enter")
    assert admin.input_value("#s1-r0-field") == "industry_id"
    admin.select_option("[name=s1-r0-op]", "in")
    box = admin.locator("#s1 .picks input")
    for typed in ("fzfz", "机械装"):
        box.press_sequentially(typed)
        admin.keyboard.press("Enter")
        admin.locator("#s1 .picks [aria-expanded=false]").wait_for()
    assert admin.input_value("[name=s1-r0-value]") == "纺织服装,机械装备"
    admin.locator("[data-line]", has_text="纺织服装").wait_for()
    admin.locator(".picked .chip").first.click()
    assert admin.input_value("[name=s1-r0-value]") == "机械装备"
    admin.select_option("[name=s1-r0-op]", "empty")
    assert admin.locator("#s1 .picks").count() == 0
