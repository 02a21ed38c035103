"""Passkeys in a real browser, with a device that Chromium plays: made, used, named, lost."""

import json
import re
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.people.login_key import Passkey
from models.people.user import User
from models.rights.audit import AuditAction, AuditLog
from tests.support.browser import browsing, chromium, overflow
from tests.support.visitors import Visitors
from tests.support.world import PASSWORD, login, token_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ADDED = "text=已添加通行密钥"


@pytest.fixture
def named(site):
    """The site by a host name: a passkey is good for a name, never for an address."""
    site.address = site.address.replace("127.0.0.1", "localhost")
    return site


@pytest.fixture
def lone(lite):
    """The same on SQLite alone."""
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with browsing(lite) as found:
        found.address = found.address.replace("127.0.0.1", "localhost")
        yield found
        assert found.faults == []


def device(page, *, knows_holder=True):
    """Give a page's browser a device; return what asks it things."""
    asks = page.context.new_cdp_session(page)
    asks.send("WebAuthn.enable")
    told = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    told |= {"hasUserVerification": True, "isUserVerified": knows_holder}
    told |= {"automaticPresenceSimulation": True}
    asks.send("WebAuthn.addVirtualAuthenticator", {"options": told})
    return asks


def add(site, page, name):
    site.go(page, "/admin/profile/")
    page.fill("#passkey-name", name)
    page.click("text=添加通行密钥")
    page.wait_for_selector(ADDED)


def out(site, page):
    page.context.clear_cookies()
    site.go(page, "/login")


def by_key(page):
    page.click("text=用通行密钥登录")
    page.wait_for_url("**/admin/**")


def table(app, model):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(sa.select(model.__table__).order_by(model.__table__.c.id)).all()


def changes(app, action=AuditAction.update):
    return [row.changes for row in table(app, AuditLog) if row.action is action]


def test_a_key_is_made_logs_in_is_renamed_and_taken_away_each_with_a_trace(named, app):
    page = named.visit("sales")
    device(page)
    add(named, page, "办公室电脑")
    assert table(app, Passkey)[0].used_at is None
    assert {"passkey": [None, "办公室电脑"]} in changes(app)
    out(named, page)

    by_key(page)
    kept = table(app, Passkey)[0]
    assert kept.used_at is not None
    assert changes(app, AuditAction.login)[-1]["way"] == [None, "通行密钥 · 办公室电脑"]
    named.go(page, "/admin/profile/")
    assert page.locator("text=最近使用").count() == 1
    page.fill("input[aria-label=名称]", "旧电脑")
    page.click("text=改名")
    page.wait_for_selector("input[value=旧电脑]")
    assert {"passkey": ["办公室电脑", "旧电脑"]} in changes(app)
    page.locator("section[aria-label=通行密钥] button:has-text('删除')").click()
    page.click("dialog button.bad, dialog button.p")
    page.wait_for_selector("text=已删除通行密钥")
    assert table(app, Passkey) == []
    assert {"passkey": ["旧电脑", None]} in changes(app)

    out(named, page)
    page.click("text=用通行密钥登录")
    page.wait_for_selector("text=这个通行密钥不能登录")
    assert changes(app, AuditAction.login_failed)[-1]["result"] == [None, "unknown"]


def test_a_key_is_the_second_factor_after_a_password_and_a_recovery_code_stands_in(lone, lite):
    page = lone.visit("sales")
    asks = device(page)
    add(lone, page, "手机")
    found = Visitors(lite)
    codes = found.post("sales2", "/admin/profile/")  # somebody else is not asked for anything
    assert codes.status_code in {303, 422}
    lone.go(page, "/mf-recovery-codes")
    page.click("text=生成恢复码")
    code = re.search(r"\b[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}\b", page.inner_text("pre"))[0]
    out(lone, page)
    page.fill("#email", "sales@demo.tcos.cn")
    page.fill("#password", PASSWORD)
    page.click("button[name=submit]")
    page.wait_for_url("**/passkey/second**")
    assert page.request.get(f"{lone.address}/admin/profile/").url.endswith(
        "/login?next=/admin/profile/"
    )
    by_key(page)

    client = lite.test_client()
    answer = login(client, "sales")
    assert answer.location.startswith("/passkey/second")
    shown = client.get(answer.location).get_data(as_text=True)
    assert "/mf-recovery" in shown
    form = {"csrf_token": token_of(shown), "code": code}
    assert client.post("/mf-recovery", data=form).status_code == 302
    assert client.get("/admin/profile/").status_code == 200
    asks.detach()


def test_an_administrator_who_must_have_a_second_factor_makes_a_key_at_the_log_in(lone, lite):
    lite.config["TCOS_SECOND_FACTOR"] = "admin"
    page = lone.browser.new_context().new_page()
    lone.contexts.append(page.context)
    device(page)
    for _time in range(2):
        lone.go(page, "/login")
        page.fill("#email", "admin@demo.tcos.cn")
        page.fill("#password", PASSWORD)
        page.click("button[name=submit]")
        if _time == 0:
            page.wait_for_url("**/tf-setup")
            page.fill("#passkey-name", "机房")
            page.click("text=添加通行密钥")
        else:
            page.click("text=用通行密钥登录")
        page.wait_for_url("**/admin/")
        page.context.clear_cookies()
    assert [row.name for row in table(lite, Passkey)] == ["机房"]


def test_who_lost_all_keys_gets_in_again_by_an_administrator(lone, lite):
    page = lone.visit("sales")
    device(page)
    add(lone, page, "手机")
    found = Visitors(lite)
    key = next(row.id for row in table(lite, User) if row.email.startswith("sales@"))
    shown = found.get("admin", f"/admin/user/details/?id={key}").get_data(as_text=True)
    assert "取消两步验证" in shown
    assert found.post("admin", "/admin/user/second/", {"id": key}).status_code == 303
    assert table(lite, Passkey) == []
    assert {"passkey": [["手机"], None]} in changes(lite)


class Caught:
    """What a device said at the log-in, caught before it left, and the session it was said in."""

    def __init__(self, lone, lite, page):
        self.lone, self.lite = lone, lite
        page.context.clear_cookies()
        lone.go(page, "/login")
        page.route("**/passkey/enter", lambda route: route.abort())
        with page.expect_event("requestfailed") as caught:  # not before it was stopped
            page.click("text=用通行密钥登录")
        self.given = parse_qs(caught.value.post_data)["credential"][0]
        page.unroute("**/passkey/enter")
        jar = {one["name"]: one["value"] for one in page.context.cookies()}
        self.session = jar["session"]

    def sent(self, text=None, session=None):
        client = self.lite.test_client()
        client.set_cookie("session", session or self.session, domain="localhost")
        token = token_of(client.get("/login").get_data(as_text=True))
        base = self.lone.address
        headers = {"Referer": f"{base}/login"}
        form = {"csrf_token": token, "credential": self.given if text is None else text}
        return client.post("/passkey/enter", data=form, base_url=base, headers=headers).status_code


SPOILT = (
    lambda told: told["response"].update(signature="AAAA"),
    lambda told: told["response"].update(userHandle="AAAA"),
    lambda told: told.update(id="AAAA"),
    lambda told: told.pop("response"),
    lambda told: told["response"].pop("clientDataJSON"),
)


def test_what_a_device_said_is_good_once_for_its_challenge_and_its_person(lone, lite):
    page = lone.visit("sales")
    device(page)
    add(lone, page, "手机")
    caught = Caught(lone, lite, page)

    other = lite.test_client()
    token = token_of(other.get("/login").get_data(as_text=True))
    other.post("/passkey/ask", data={"csrf_token": token})
    foreign = other.get_cookie("session").value
    assert caught.sent(session=foreign) == 422  # another challenge
    for spoil in SPOILT:
        one = json.loads(caught.given)
        spoil(one)
        assert caught.sent(json.dumps(one)) == 422
    for text in ("", "[]", "null", "{", "x" * 30_000, '{"id": 1}'):
        assert caught.sent(text) == 422

    assert caught.sent() == 303
    assert caught.sent() == 422  # its counter was seen
    done = lite.test_cli_runner().invoke(args=["deactivate-user", "sales@demo.tcos.cn"])
    assert done.exit_code == 0
    lone.go(page, "/login")
    page.click("text=用通行密钥登录")
    page.wait_for_selector("text=这个通行密钥不能登录")


def test_a_device_that_does_not_know_its_holder_makes_no_key(lone, lite):
    page = lone.visit("sales")
    device(page, knows_holder=False)
    lone.go(page, "/admin/profile/")
    page.click("text=添加通行密钥")
    page.wait_for_selector("text=设备没有生成通行密钥")
    assert table(lite, Passkey) == []


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_its_pages_fit_both_sizes_in_both_languages(lone, lite, size, language):
    page = lone.visit("sales", size=size)
    device(page)
    add(lone, page, "手机 " + "长" * 36)
    lone.go(page, f"/lang/{language}?next=/admin/profile/")
    assert overflow(page) == 0
    lone.keep(page, f"passkeys-{size}-{language}")
    page.context.clear_cookies()
    lone.go(page, f"/lang/{language}?next=/login")
    assert overflow(page) == 0
    page.wait_for_selector("form[data-passkey] button")
    lone.keep(page, f"passkey-login-{size}-{language}")
