"""A leaked password opens nothing where a second factor is asked for."""

import html
import re
import time

import pytest
import sqlalchemy as sa
from passlib.totp import TOTP

from models.core.base import db
from models.people.user import User
from models.rights.audit import AuditLog
from services.rights import throttle
from tests.support.visitors import Visitors
from tests.support.world import PASSWORD, World, login, token_of
from views.setup.config import load_config
from views.setup.misconfigured import Misconfigured

SOON = 30  # seconds: a code is good for that long, and taken once


def code_of(key, ahead=0):
    """Return what the app on the phone shows, now or `ahead` steps later."""
    phone = TOTP(key=key.replace("-", ""), format="base32")
    return phone.generate(time=time.time() + ahead * SOON).token


def posted(client, path, **form):
    page = client.get("/login" if path.startswith("/login") else path)
    token = token_of(page.get_data(as_text=True)) or form.pop("token", "")
    return client.post(path, data={"csrf_token": token, **form})


def key_on(page):
    return re.search(r"<code>([A-Z2-7-]+)</code>", page)[1]


@pytest.fixture
def own(app):
    """Sales has set up an app; returns (visitors, its key)."""
    found = Visitors(app)
    page = found.post("sales", "/tf-setup", {"setup": "authenticator"}).get_data(as_text=True)
    key = key_on(page)
    goes = re.search(r'action="(/tf-setup/[^"]+)"', page)[1]
    assert found.post("sales", goes, {"code": code_of(key, -1)}).status_code == 302
    assert row(app).tf_totp_secret
    return found, key


def row(app, who="sales"):
    user = User.__table__
    with app.app_context(), db.engine.connect() as connection:
        query = sa.select(user).where(user.c.email == f"{who}@demo.tcos.cn")
        return connection.execute(query).one()


def counted(app):
    """Forget which code was used last: the next one would be shown in half a minute."""
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.update(User.__table__).values(tf_counter=None))


def hidden(page):
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


def is_in(client):
    return client.get("/admin/profile/").status_code == 200


def half(app, who="sales"):
    """Return a browser after the right password."""
    client = app.test_client()
    answer = login(client, who)
    assert answer.status_code == 302
    return client, answer.location


def test_the_password_alone_opens_nothing_and_a_code_is_taken_once(own):
    found, key = own
    client, location = half(found.app)
    assert location.startswith("/tf-validate")
    assert not is_in(client)
    code = code_of(key)

    assert posted(client, "/tf-validate", code="000000").status_code == 200
    assert not is_in(client)
    assert posted(client, "/tf-validate", code=code).status_code == 302
    assert is_in(client)

    again, _location = half(found.app)
    assert posted(again, "/tf-validate", code=code).status_code == 200
    assert not is_in(again)


HOST = "http://localhost"
WAYS = {
    "": "/admin/", "/login": "/admin/", f"{HOST}/login": "/admin/", "/logout": "/admin/",
    "/tf-validate?next=/admin/": "/admin/", f"{HOST}/": "/admin/", "/": "/admin/",
    "/admin/customer/?q=a&page=2": "/admin/customer/?q=a&page=2",
    f"{HOST}/admin/customer/": "/admin/customer/",
}  # fmt: skip


@pytest.mark.parametrize("typed", [True, False])
def test_a_log_in_from_anywhere_leads_past_the_code_to_the_page_one_wanted(own, typed):
    found, key = own
    for asked, leads in WAYS.items():
        client = found.app.test_client()
        page = client.get("/login", query_string={"next": asked} if asked else {})
        form = {"email": "sales@demo.tcos.cn", "password": PASSWORD}
        form |= {"csrf_token": token_of(page.get_data(as_text=True))}
        query = {} if typed else {"next": asked}
        form |= {"next": asked} if typed else {}
        answer = client.post("/login", data=form, query_string=query)
        assert answer.status_code == 302, (asked, answer.get_data(as_text=True))
        token = token_of(client.get(answer.location).get_data(as_text=True))
        counted(found.app)
        done = client.post(answer.location, data={"csrf_token": token, "code": code_of(key)})
        assert (done.status_code, done.location) == (302, leads), asked
        assert client.get(done.location).status_code == 200


def test_a_log_in_over_tls_and_after_a_log_out_leads_home_and_never_to_another_host(own):
    found, key = own
    client, base = found.app.test_client(), "https://crm.example.com"
    more = {"base_url": base, "headers": {"Referer": f"{base}/login"}}
    for asked in ("http://evil.test/", "http://crm.example.com.evil.test/admin/", "//evil.test"):
        assert client.get("/login", query_string={"next": asked}, **more).status_code == 400
    for _time in range(2):
        token = token_of(client.get("/login", **more).get_data(as_text=True))
        form = {"email": "sales@demo.tcos.cn", "password": PASSWORD, "csrf_token": token}
        answer = client.post("/login", data=form, **more)
        page = client.get(answer.location, **more)
        assert page.status_code == 200
        token = token_of(page.get_data(as_text=True))
        counted(found.app)
        code = {"csrf_token": token, "code": code_of(key)}
        assert client.post(answer.location, data=code, **more).location == "/admin/"
        token = token_of(client.get("/admin/", **more).get_data(as_text=True))
        assert client.post("/logout", data={"csrf_token": token}, **more).location == "/login"


COMPANY = "宜昌三峡水泵有限公司"


def refused(found, client):
    """Send a form whose log-in has ended, and the right password; return the page that answers."""
    page = client.get("/admin/customer/new/").get_data(as_text=True)
    with World(found.app) as world:
        by = str(world.id_of("sales"))
    client.post("/logout", data={"csrf_token": token_of(page)})
    typed = {"csrf_token": token_of(page), "typed_by": by, "company": COMPANY}
    here = {"Origin": HOST}
    page = client.post("/admin/customer/new/", data=typed, headers=here).get_data(as_text=True)
    form = {"email": "sales@demo.tcos.cn", "password": PASSWORD}
    return client.post("/login", data=form | hidden(page)).get_data(as_text=True)


def sent_on(client, page, path, **more):
    """Send the form of a page that goes to a path, with all it carries; return the answer."""
    whole = next(one for one in page.split("<form")[1:] if f'action="{path}' in one)
    goes = html.unescape(re.search(r'action="([^"]*)"', whole)[1])
    return client.post(goes, data=hidden(whole.partition("</form>")[0]) | more)


def test_a_refused_form_travels_past_the_code(own):
    found, key = own
    sales = found.client("sales")
    page = refused(found, sales)
    counted(found.app)
    for code in ("000000", code_of(key)):
        answer = sent_on(sales, page, "/tf-validate", code=code)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200
    assert is_in(sales)
    assert f'value="{COMPANY}"' in page


def test_a_refused_form_travels_past_a_recovery_code(own):
    found, _key = own
    sales = found.client("sales")
    shown = found.post("sales", "/mf-recovery-codes").get_data(as_text=True)
    code = re.search(r"\b[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}\b", shown)[0]
    page = refused(found, sales)

    asked = sent_on(sales, page, "/mf-recovery").get_data(as_text=True)
    assert "code-err" not in asked
    wrong = sent_on(sales, asked, "/mf-recovery", code="0000-0000-0000").get_data(as_text=True)
    assert "code-err" in wrong
    page = sent_on(sales, wrong, "/mf-recovery", code=code).get_data(as_text=True)

    assert is_in(sales)
    assert f'value="{COMPANY}"' in page


def test_a_refused_form_travels_past_a_set_up_that_is_asked_for(app):
    app.config["TCOS_SECOND_FACTOR"] = "all"
    found = Visitors(app)
    found.clients["sales"] = sales = app.test_client()
    app.config["TCOS_SECOND_FACTOR"] = "none"
    assert login(sales, "sales").status_code == 302
    app.config["TCOS_SECOND_FACTOR"] = "all"
    page = refused(found, sales)

    shown = sent_on(sales, page, "/tf-setup", setup="authenticator").get_data(as_text=True)
    code = code_of(key_on(shown))
    page = sent_on(sales, shown, "/tf-validate", code=code).get_data(as_text=True)

    assert is_in(sales)
    assert f'value="{COMPANY}"' in page


def test_asking_for_the_page_of_recovery_codes_is_no_guess_and_a_code_always_is(own):
    found, _key = own
    client, _location = half(found.app)
    token = token_of(client.get("/mf-recovery").get_data(as_text=True))
    for _n in range(throttle.MOST + 2):
        assert client.post("/mf-recovery", data={"csrf_token": token}).status_code == 200
    answers = [
        client.post("/mf-recovery", data={"csrf_token": token, "code": ""}).status_code
        for _n in range(throttle.MOST + 1)
    ]
    assert answers == [200] * throttle.MOST + [429]


def test_who_waited_too_long_for_the_code_begins_anew_and_comes_home(own):
    found, _key = own
    for path in ("/tf-validate?next=/admin/customer/", "/mf-recovery"):
        assert found.app.test_client().get(path).location == "/login"


def picture_on(page):
    return re.search(r'src="(data:[^"]+)"', page)[1]


def test_a_wrong_code_in_the_set_up_keeps_its_key_and_is_told_beside_the_field(app):
    found = Visitors(app)
    first = found.post("sales", "/tf-setup", {"setup": "authenticator"}).get_data(as_text=True)
    goes = re.search(r'action="(/tf-setup/[^"]+)"', first)[1]
    for wrong in ("000000", "", "abc"):
        page = found.post("sales", goes, {"code": wrong}).get_data(as_text=True)
        assert (key_on(page), picture_on(page)) == (key_on(first), picture_on(first))
        assert re.search(r'id="code-err">验证码不正确', page)
        assert "Invalid" not in page
        assert f'action="{goes}"' in page
    assert row(app).tf_totp_secret is None
    assert "Invalid" not in found.get("sales", "/admin/profile/").get_data(as_text=True)

    assert found.post("sales", goes, {"code": code_of(key_on(first))}).status_code == 302
    assert row(app).tf_totp_secret


def test_guessed_codes_meet_an_end_for_all_addresses_together(own):
    found, key = own
    statuses = []
    for n in range(throttle.MOST + 2):
        client, _location = half(found.app)
        client.environ_base["REMOTE_ADDR"] = f"10.0.0.{n}"
        statuses.append(posted(client, "/tf-validate", code="000000").status_code)

    assert statuses == [200] * throttle.MOST + [429] * 2
    client, _location = half(found.app)
    assert posted(client, "/tf-validate", code=code_of(key)).status_code == 429


def test_a_recovery_code_works_once(own):
    found, _key = own
    page = found.post("sales", "/mf-recovery-codes").get_data(as_text=True)
    codes = re.findall(r"\b[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}\b", page)
    assert len(codes) == 10
    assert codes[0] not in str(row(found.app).mf_recovery_codes)

    client, _location = half(found.app)
    assert posted(client, "/mf-recovery", code=codes[0]).status_code == 302
    assert is_in(client)
    assert "9 个恢复码" in client.get("/admin/profile/").get_data(as_text=True)
    again, _location = half(found.app)
    assert posted(again, "/mf-recovery", code=codes[0]).status_code == 200
    assert not is_in(again)
    for n, noted in enumerate((str.upper, lambda code: f" {code.replace('-', ' ').upper()} "), 1):
        client, _location = half(found.app)
        assert posted(client, "/mf-recovery", code=noted(codes[n])).status_code == 302
        assert is_in(client)


def test_the_secret_lies_encrypted_and_stands_in_no_trace(own):
    found, key = own
    plain = key.replace("-", "")
    log = AuditLog.__table__

    assert plain not in str(row(found.app))
    with found.app.app_context(), db.engine.connect() as connection:
        rows = connection.execute(sa.select(log.c.changes)).scalars().all()
    assert {"tf_totp_secret": [None, "****"]} in rows
    assert plain not in str(rows)


def test_administrators_are_asked_to_set_one_up_where_the_installation_says_so(app):
    app.config["TCOS_SECOND_FACTOR"] = "admin"
    client, location = half(app, "admin")
    assert location.startswith("/tf-setup")
    assert not is_in(client)
    assert "两步验证" in client.get("/tf-setup").get_data(as_text=True)

    first = posted(client, "/tf-setup", setup="authenticator").get_data(as_text=True)
    wrong = {"csrf_token": token_of(first), "code": "000000"}
    page = client.post("/tf-validate", data=wrong).get_data(as_text=True)
    assert (key_on(page), picture_on(page)) == (key_on(first), picture_on(first))
    assert re.search(r'id="code-err">验证码不正确', page)
    done = client.post(
        "/tf-validate", data={"csrf_token": token_of(page), "code": code_of(key_on(page))}
    )

    assert done.status_code == 302
    assert is_in(client)
    _client, other = half(app, "sales")
    assert not other.startswith("/tf-")


def test_production_asks_administrators_and_the_demo_nobody(monkeypatch):
    monkeypatch.setenv("TCOS_TRUSTED_HOSTS", "crm.example.com")
    secret = "5c7cJ2kzQwE8uN0aVb3dXy6tRm9pLh4fGs1o-Zi"
    kinds = [
        load_config({"TCOS_ENV": kind, "SECRET_KEY": secret})["TCOS_SECOND_FACTOR"]
        for kind in ("production", "demo", "test")
    ]

    assert kinds == ["admin", "none", "none"]
    monkeypatch.setenv("TCOS_SECOND_FACTOR", "admins")
    with pytest.raises(Misconfigured, match="admin, all or none"):
        load_config({"TCOS_ENV": "test", "SECRET_KEY": secret})


def test_who_lost_the_phone_gets_in_again_by_an_administrator_or_the_command(own):
    found, _key = own
    key = row(found.app).id
    assert found.post("sales2", "/admin/user/second/", {"id": key}).status_code == 403
    assert found.post("admin", "/admin/user/second/", {"id": key}).status_code == 303
    client, location = half(found.app)
    assert not location.startswith("/tf-")
    assert is_in(client)

    done = found.app.test_cli_runner().invoke(args=["reset-second-factor", "sales@demo.tcos.cn"])
    assert (done.exit_code, done.output) == (0, "sales@demo.tcos.cn had none\n")


def test_one_ends_one_s_own_by_one_s_own_page(own):
    found, _key = own

    assert found.post("sales", "/tf-setup", {"setup": "disable"}).status_code == 302

    assert row(found.app).tf_totp_secret is None
    with World(found.app) as world:
        mine = world.id_of("sales")
    assert found.post("sales", "/admin/user/second/", {"id": mine}).status_code == 403
