"""大客户录入 in a real browser, wide and on a phone, in both languages; check-in on the phone."""

import pytest
import sqlalchemy as sa

from models.delivery.attachment import Attachment
from models.sales.follow_up import FollowUp, FollowUpKind
from models.sales.plan import FollowUpPlan
from tests.support import clock
from tests.support.browser import SIZES, overflow, settled
from tests.support.uploads import JPEG, PDF
from tests.support.world import World

pytestmark = pytest.mark.browser
COMPANY = "宜昌三峡水泵有限公司"
LOOKS = [("wide", "zh", "提交审批"), ("phone", "en", "Submit for approval")]


@pytest.fixture
def folder(app, tmp_path):
    app.config["TCOS_ATTACHMENT_DIR"] = str(tmp_path)


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def form(request, folder, site):
    """Return the page of a salesperson with a blank form, and the word on its first button."""
    size, language, submit = request.param
    page = site.visit("sales", size=size)
    site.go(page, f"/lang/{language}?next=/admin/customer/new/")
    page.wait_for_selector("#f-region_code[role=combobox]")
    return page, SIZES[size][1], submit


def fill(page, mobile="13912345678"):
    page.fill("[name=company]", COMPANY)
    page.fill("[name='primary.name']", "王伟")
    page.fill("[name='primary.mobile']", mobile)
    page.locator("#f-region_code").press_sequentially("whhs")
    page.keyboard.press("Enter")


def test_the_form_starts_with_its_defaults_and_its_buttons_stay_in_sight(form):
    page, height, submit = form

    chosen = "e => e.selectedOptions[0].text"
    assert page.eval_on_selector("[name=owner_id]", chosen) == "sales"
    assert page.input_value("[name=status]") == "new"
    assert page.input_value("[name=level]") == "a"
    assert page.input_value("[name=source_id]")
    foot = page.locator(".foot").bounding_box()
    assert foot["y"] + foot["height"] <= height
    assert page.locator(".foot .btn").all_inner_texts()[0] == submit
    assert page.locator(".foot .btn").count() == 4
    assert overflow(page) == 0


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(form):
    page, *_rest = form
    fill(page, mobile="12")
    file = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": PDF}
    page.set_input_files("[name=files]", file)
    page.click("button[name=_submit]")

    page.wait_for_selector("[id='f-primary-mobile-err']")
    assert page.get_attribute("[name='primary.mobile']", "aria-invalid") == "true"
    assert page.input_value("[name=company]") == COMPANY
    assert page.evaluate("document.querySelector('[name=files]').files[0].name") == "a.pdf"
    page.fill("[name='primary.mobile']", "13912345678")
    page.click("button[name=_submit]")
    page.wait_for_url("**/details/**")
    assert page.locator("#files a").inner_text() == "a.pdf"


def test_a_local_draft_is_offered_again_until_it_is_saved(form):
    page, *_rest = form
    asked, blank = [], page.url
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.locator("[name=company]").press_sequentially(COMPANY)
    page.goto(page.url.replace("/new/", "/"))
    assert asked == ["beforeunload"]

    settled(page, page.go_back)
    page.click("[data-use]")
    assert page.input_value("[name=company]") == COMPANY
    page.route("**/customer/new/", lambda route: route.abort())
    page.click("button[name=_save]")
    page.wait_for_timeout(300)
    page.unroute("**/customer/new/")
    page.goto(blank)
    page.wait_for_selector("[data-restore]", state="visible")


def test_saved_and_new_leaves_a_blank_form_without_a_draft(form):
    page, *_rest = form
    fill(page)
    page.click("button[name=_another]")

    page.wait_for_selector(".toast.success")
    assert page.input_value("[name=company]") == ""
    assert not page.is_visible("[data-restore]")
    assert page.evaluate("Object.keys(localStorage).some((k) => k.startsWith('draft:'))") is False


def test_a_visit_begins_on_the_phone_with_position_and_photo(app, folder, site):
    with World(app) as world:
        key = world.approved("sales")
        with world.acting("sales"):
            world.create(FollowUpPlan, customer_id=key, due_at=clock.now(), kind=FollowUpKind.visit)
    page = site.visit("sales", size="phone")
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": 30.5, "longitude": 114.4})
    site.go(page, "/admin/plan/calendar/")
    photo = page.locator("input[name=photo]")
    assert photo.get_attribute("capture") == "environment"
    photo.set_input_files({"name": "门头.jpg", "mimeType": "image/jpeg", "buffer": JPEG})
    assert "✓" in page.inner_text(".checkin label")
    assert overflow(page) == 0
    page.click(".checkin button")
    page.wait_for_url("**/followup/edit/**")

    with World(app) as world:
        visit = world.session.scalars(sa.select(FollowUp).order_by(FollowUp.id.desc())).first()
        assert (visit.latitude, visit.longitude) == (30.5, 114.4)
        assert world.session.scalars(sa.select(Attachment.name)).all() == ["门头.jpg"]


def test_back_and_save_leads_to_the_record(site):
    page = site.visit("sales")
    site.go(page, "/admin/customer/new/")
    page.fill("[name=company]", COMPANY)
    page.click("[name=_save]")
    page.wait_for_url("**/details/**")
    first = page.url
    settled(page, page.go_back)
    assert page.input_value("[name=company]") == COMPANY
    page.click("[name=_save]")
    page.wait_for_url("**/details/**")

    assert page.url == first
    assert "已保存过" in page.inner_text(".toasts")
