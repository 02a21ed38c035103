"""The second factor from its set-up to the next log-in, and over a form whose log-in has ended."""

import time

import pytest
import sqlalchemy as sa
from passlib.totp import TOTP

from models.core.base import db
from models.customers.customer import Customer
from models.people.user import User
from tests.browser.test_refusals import NEW, count, enter, log_in_over, log_out_in_another_tab
from tests.support.world import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def code_of(app, key):
    """Return what the phone shows; which code was the last is forgotten, to spare half a minute."""
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.update(User.__table__).values(tf_counter=None))
    return TOTP(key=key.replace("-", ""), format="base32").generate(time=time.time()).token


def give(page, code):
    page.fill("#code", code)
    page.click("main button.p")


def set_up(app, site, page):
    """Set the second factor up, with one wrong code first; return the app's key."""
    site.go(page, "/tf-setup")
    page.click("button[name=setup]")
    key, picture = page.inner_text("code"), page.get_attribute(".qr", "src")
    give(page, "000000")
    page.locator("#code-err", has_text="验证码不正确").wait_for()
    assert (page.inner_text("code"), page.get_attribute(".qr", "src")) == (key, picture)
    assert "Invalid" not in page.inner_text("main")
    site.keep(page, "second-factor-wrong-code")
    give(page, code_of(app, key))
    page.wait_for_url("**/mf-recovery-codes")
    return key


def log_out(site, page):
    site.go(page, "/admin/")
    page.click(".person > summary")
    page.click(".person form button")
    page.wait_for_url("**/login**")


def log_in(page):
    page.fill("#email", "sales@demo.tcos.cn")
    page.fill("#password", PASSWORD)
    page.click("button[name=submit]")
    page.wait_for_url("**/tf-validate**")


def test_one_sets_it_up_logs_out_and_in_again_from_the_log_in_page(app, site):
    page = enter(site)
    key = set_up(app, site, page)

    log_out(site, page)
    log_in(page)
    give(page, "000000")
    page.locator("#code-err", has_text="验证码不正确").wait_for()
    give(page, code_of(app, key))
    page.wait_for_url("**/admin/")
    page.locator(".toast", has_text="验证码正确，已登录").wait_for()

    log_out(site, page)
    site.go(page, "/login?next=/admin/customer/")
    log_in(page)
    give(page, code_of(app, key))
    page.wait_for_url("**/admin/customer/")


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_an_ended_log_in_is_renewed_over_the_form_by_password_and_code(app, site, size):
    page = enter(site, size=size)
    key = set_up(app, site, page)
    site.go(page, NEW)
    page.fill("[name=company]", "宜昌三峡水泵有限公司")
    page.check("[name='primary.gender'] >> nth=0")
    page.fill("[name='primary.mobile']", "13912345678")
    log_out_in_another_tab(site, page)
    page.click("button[name=_save]")
    log_in_over(page, "sales")
    page.locator("#again-code").wait_for()
    assert not page.is_visible("#again-password")
    page.fill("#again-code", "000000")
    page.click("#log-in button.p")
    page.locator("#log-in [role=alert]", has_text="验证码不正确").wait_for()
    site.keep(page, f"second-factor-over-{size}")
    page.fill("#again-code", code_of(app, key))
    page.click("#log-in button.p")
    page.wait_for_url("**/details/**")
    assert count(app, Customer) == 1


def test_who_has_to_set_it_up_first_is_told_and_saves_after_it(app, site):
    page = site.go(enter(site), NEW)
    page.fill("[name=company]", "宜昌三峡水泵有限公司")
    page.check("[name='primary.gender'] >> nth=0")
    page.fill("[name='primary.mobile']", "13912345678")
    log_out_in_another_tab(site, page)
    app.config["TCOS_SECOND_FACTOR"] = "all"
    page.click("button[name=_save]")
    log_in_over(page, "sales")
    page.locator("#log-in [role=alert]", has_text="在新窗口登录并设置").wait_for()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="在新窗口登录").click()
    other = opened.value
    other.fill("#email", "sales@demo.tcos.cn")
    other.fill("#password", PASSWORD)
    other.click("button[name=submit]")
    other.wait_for_url("**/tf-setup")
    other.click("button[name=setup]")
    give(other, code_of(app, other.inner_text("code")))
    other.wait_for_url("**/admin/")
    page.click("#log-in [data-no]")
    page.click("button[name=_save]")
    page.wait_for_url("**/details/**")
    assert count(app, Customer) == 1
