"""Single sign-on against a real provider: only who is known comes in, and nothing forged does."""

import dataclasses
import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
import sqlalchemy as sa

from models.core.base import db
from models.people.login_key import LoginIdentity
from models.people.user import User
from models.rights.audit import AuditAction, AuditLog
from tests.support.provider import SECRET
from tests.support.visitors import Visitors
from tests.support.world import World, make_app
from views.setup.config import load_config
from views.setup.misconfigured import Misconfigured

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "sso.toml.example"
HERE = {  # the hosts of the shipped file, played by the test's provider
    "https://id.example.com/realms/company": "",
    "https://accounts.feishu.cn/open-apis/authen/v1/authorize": "/own/authorize",
    "https://open.feishu.cn/open-apis/authen/v2/oauth/token": "/feishu/token",
    "https://open.feishu.cn/open-apis/authen/v1/user_info": "/feishu/user",
    "https://login.dingtalk.com/oauth2/auth": "/own/authorize",
    "https://api.dingtalk.com/v1.0/oauth2/userAccessToken": "/dingtalk/token",
    "https://api.dingtalk.com/v1.0/contact/users/me": "/dingtalk/me",
    "https://login.work.weixin.qq.com/wwlogin/sso/login": "/own/authorize",
    "https://qyapi.weixin.qq.com/cgi-bin/gettoken": "/wecom/gettoken",
    "https://qyapi.weixin.qq.com/cgi-bin/auth/getuserinfo": "/wecom/user",
}
SECRETS = [f"TCOS_SSO_{name}_SECRET" for name in ("COMPANY", "FEISHU", "DINGTALK", "WECOM")]
OWN = """
[[provider]]
key = "acme"
caption = "企业账号"
client_id = "tcos"
secret_env = "TCOS_SSO_COMPANY_SECRET"
issuer = "{at}"
"""


def sample(at):
    """Return the file that is shipped, with every host played at one address."""
    text = SAMPLE.read_text(encoding="utf-8")
    for address, path in HERE.items():
        assert address in text
        text = text.replace(address, at + path)
    assert "https://" not in re.sub("#.*", "", text)
    return text


class Provider:
    """The provider's process and what it says."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.at, self.file = f"http://127.0.0.1:{self.port}", folder / "says.json"
        self.says()
        words = [sys.executable, "-m", "tests.support.provider", str(self.port), str(self.file)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()

    def says(self, **told):
        self.file.write_text(json.dumps({"sub": "s-1"} | told), encoding="utf-8")

    def _wait(self):
        for _n in range(100):
            try:
                requests.get(f"{self.at}/jwks", timeout=1).close()
            except requests.RequestException:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    found = Provider(tmp_path_factory.mktemp("provider"))
    yield found
    found.process.terminate()
    found.process.wait(10)


@pytest.fixture
def house(provider, databases, tmp_path, monkeypatch):
    """The application with providers by its file, as an operator configures it."""
    file = tmp_path / "sso.toml"
    file.write_text(sample(provider.at), encoding="utf-8")
    provider.says(email="sales@demo.tcos.cn", email_verified=True)
    with databases.fresh("sqlite") as url:
        monkeypatch.setenv("TCOS_SSO", str(file))
        for name in SECRETS:
            monkeypatch.setenv(name, SECRET)
        yield make_app(url)


def away(client, key="company", **query):
    """Go to the provider as a browser does; return the address it leads back to."""
    answer = client.get(f"/sso/{key}/", query_string=query)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    with requests.get(answer.location, allow_redirects=False, timeout=10) as found:
        assert found.status_code == 302, found.text
        return found.headers["Location"]


def comes(client, key="company", **query):
    back = urlsplit(away(client, key, **query))
    return client.get(f"{back.path}?{back.query}")


def is_in(client):
    return client.get("/admin/profile/").status_code == 200


def rows(app, table):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(sa.select(table).order_by(table.c.id)).all()


def audited(app, action):
    return [row for row in rows(app, AuditLog.__table__) if row.action is action]


def test_who_is_known_by_a_verified_address_comes_in_and_is_known_by_his_number_from_then_on(
    house, provider
):
    client = house.test_client()
    page = client.get("/login").get_data(as_text=True)
    assert "用 企业账号 登录" in page
    answer = comes(client, next="/admin/customer/?q=a")
    assert (answer.status_code, answer.location) == (302, "/admin/customer/?q=a")
    assert is_in(client)

    identity = rows(house, LoginIdentity.__table__)
    assert [(one.provider, one.subject) for one in identity] == [("company", "s-1")]
    assert {"identity": [None, "company"]} in [
        r.changes for r in audited(house, AuditAction.update)
    ]
    assert audited(house, AuditAction.login)[-1].changes["way"] == [None, "企业账号"]
    assert "登录设备" in client.get("/admin/profile/").get_data(as_text=True)

    provider.says(email="renamed@elsewhere.cn", email_verified=False)
    again = house.test_client()
    assert comes(again).status_code == 302
    assert is_in(again)
    assert len(rows(house, LoginIdentity.__table__)) == 1


REFUSED = {
    "unknown address": {"email": "nobody@demo.tcos.cn", "email_verified": True},
    "address not verified": {"email": "sales@demo.tcos.cn", "email_verified": False},
    "verified is a word": {"email": "sales@demo.tcos.cn", "email_verified": "true"},
    "nothing about it": {"email": "sales@demo.tcos.cn"},
    "no address": {},
    "a zero byte": {"email": "sales@demo.tcos.cn\x00", "email_verified": True},
}


@pytest.mark.parametrize("case", REFUSED)
def test_who_is_not_known_stays_out_with_a_page_and_a_trace(house, provider, case):
    provider.says(**REFUSED[case])
    client = house.test_client()
    users = len(rows(house, User.__table__))

    answer = comes(client)

    page = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "没有对应的启用账号" in page
    assert "demo.tcos.cn" not in page
    assert not is_in(client)
    assert len(rows(house, User.__table__)) == users
    failed = audited(house, AuditAction.login_failed)
    assert failed[-1].changes["result"] == [None, "unknown"]
    english = client.get("/lang/en?next=/login")
    assert english.status_code == 303
    assert "no active account" in comes(client).get_data(as_text=True)


def test_who_was_disabled_stays_out_though_his_number_is_known(house):
    assert comes(house.test_client()).status_code == 302
    done = house.test_cli_runner().invoke(args=["deactivate-user", "sales@demo.tcos.cn"])
    assert done.exit_code == 0
    client = house.test_client()

    assert comes(client).status_code == 403
    assert not is_in(client)


FORGED = {
    "foreign key": {"foreign_key": True},
    "another issuer": {"iss": "http://127.0.0.1:1"},
    "another nonce": {"nonce": "replayed"},
    "another audience": {"claims": {"aud": ["somebody-else"]}},
    "long ago": {"claims": {"iat": 1_600_000_000, "exp": 1_600_003_600}},
    "refused there": {"denies": True},
}


@pytest.mark.parametrize("case", FORGED)
def test_what_is_forged_or_refused_opens_nothing(house, provider, case):
    provider.says(email="sales@demo.tcos.cn", email_verified=True, **FORGED[case])
    client = house.test_client()

    answer = comes(client)

    assert answer.status_code == 502
    assert "没有完成登录" in answer.get_data(as_text=True)
    assert not is_in(client)


def test_an_answer_is_good_once_in_the_browser_that_asked(house):
    client, other = house.test_client(), house.test_client()
    back = urlsplit(away(client))
    address = f"{back.path}?{back.query}"
    assert other.get(address).status_code == 400
    away(other)
    assert other.get(address).status_code == 400
    wrong = urlencode({**{k: v[0] for k, v in parse_qs(back.query).items()}, "state": "x"})
    assert client.get(f"{back.path}?{wrong}").status_code == 400

    assert client.get(address).status_code == 302
    assert is_in(client)
    client.get("/lang/zh")
    assert other.get(address).status_code == 400
    assert client.get(address).status_code == 400
    for query in ("", "?state=", "?code=1", "?state=%00&code=%00", "?error=x"):
        assert house.test_client().get(f"/sso/company/back{query}").status_code == 400
    assert house.test_client().get("/sso/nobody/").status_code == 404


def test_it_asks_with_pkce_nonce_and_state_and_leads_nowhere_else(house, provider):
    client = house.test_client()
    address = client.get("/sso/company/").location
    asked = parse_qs(urlsplit(address).query)

    assert address.startswith(f"{provider.at}/authorization?")
    assert asked["client_id"] == ["tcos-crm"]
    assert asked["code_challenge_method"] == ["S256"]
    assert all(len(asked[name][0]) >= 20 for name in ("state", "nonce", "code_challenge"))
    assert SECRET not in address
    for way in ("//evil.test", "http://evil.test/", "\\\\evil.test"):
        assert client.get("/sso/company/", query_string={"next": way}).status_code == 400
    provider.says(issuer="http://127.0.0.1:1")
    fresh = make_app(house.config["SQLALCHEMY_DATABASE_URI"]).test_client()
    assert fresh.get("/sso/company/").status_code == 502


def test_a_provider_that_is_away_is_told(house, provider):
    provider.process.terminate()
    provider.process.wait(10)
    try:
        fresh = make_app(house.config["SQLALCHEMY_DATABASE_URI"]).test_client()
        answer = fresh.get("/sso/company/")
        assert answer.status_code == 502
        assert "再试一次" in answer.get_data(as_text=True)
        assert fresh.get("/login").status_code == 200
    finally:
        words = [sys.executable, "-m", "tests.support.provider"]
        words += [str(provider.port), str(provider.file)]
        provider.process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        provider._wait()


@pytest.mark.parametrize("vouches", [True, False])
def test_the_second_factor_is_asked_unless_the_provider_vouches_for_it(house, provider, vouches):
    house.config["TCOS_SECOND_FACTOR"] = "all"
    file = house.config["TCOS_PROVIDERS"]
    if vouches:
        file["company"] = dataclasses.replace(file["company"], second_factor="provider")
    told = {"email": "sales@demo.tcos.cn", "email_verified": True}
    provider.says(**told, amr=["pwd"])
    client = house.test_client()
    assert comes(client).location.startswith("/tf-setup")
    assert not is_in(client)

    provider.says(**told, amr=["pwd", "otp"])
    client = house.test_client()
    leads = comes(client).location
    assert leads == "/admin/" if vouches else leads.startswith("/tf-setup")
    assert is_in(client) is vouches


@pytest.mark.parametrize("key", ["feishu", "dingtalk", "wecom"])
def test_one_binds_an_account_elsewhere_and_comes_in_by_it(house, provider, key):
    provider.says(sub="u-7")
    assert comes(house.test_client(), key).status_code == 403
    found = Visitors(house)
    sales = found.client("sales")
    assert sales.get(f"/sso/{key}/", query_string={"link": "forged"}).status_code == 400

    answer = comes(sales, key, link=found.token("sales"))
    assert (answer.status_code, answer.location) == (302, "/admin/profile/")
    client = house.test_client()
    assert comes(client, key).status_code == 302
    assert is_in(client)

    other = found.client("sales2")
    assert comes(other, key, link=found.token("sales2")).status_code == 409
    assert found.post("sales", f"/sso/{key}/unbind").status_code == 303
    assert comes(house.test_client(), key).status_code == 403
    changes = [row.changes for row in audited(house, AuditAction.update)]
    assert {"identity": [None, key]} in changes
    assert {"identity": [key, None]} in changes


def test_the_directory_of_the_company_is_believed_its_addresses(house, provider):
    provider.says(sub="u-8", email="sales@demo.tcos.cn")
    client = house.test_client()

    assert comes(client, "feishu").status_code == 302
    assert is_in(client)
    assert comes(house.test_client(), "dingtalk").status_code == 403


def test_binding_needs_a_log_in_of_a_moment_ago(house, provider):
    found = Visitors(house)
    sales = found.client("sales")
    token = found.token("sales")
    with sales.session_transaction() as kept:
        kept["fs_paa"] = time.time() - 3600
    answer = sales.get("/sso/company/", query_string={"link": token})
    assert answer.location.startswith("/verify?next=")
    assert "请再输入一次密码" in sales.get(answer.location).get_data(as_text=True)
    assert house.test_client().get("/sso/company/", query_string={"link": token}).status_code == 403


def test_without_a_file_there_is_no_button(lite):
    page = lite.test_client().get("/login").get_data(as_text=True)

    assert "/sso/" not in page
    with World(lite) as world:
        assert world.id_of("sales")


BAD = {
    "no file": ("", "cannot be read"),
    "no toml": ("[[provider]", "not TOML"),
    "no provider": ("a = 1", "has no"),
    "odd key": (OWN.replace('"acme"', '"A/b"'), "small letters"),
    "twice": ((OWN + OWN).replace("{at}", "https://id.example.com"), "same key"),
    "no issuer": (OWN.replace("issuer", "# issuer"), "needs an issuer"),
    "secret in the file": (OWN + 'secret = "x"', "secret_env"),
    "no variable": (OWN.replace("TCOS_SSO_COMPANY_SECRET", "TCOS_NOT_SET"), "is not set"),
    "plain http": (OWN, "no https address"),
    "odd emails": (OWN + 'emails = "all"', "one of"),
    "unknown word": (OWN + 'colour = "red"', "unknown"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_file_does_not_start_and_says_why(tmp_path, monkeypatch, case):
    text, said = BAD[case]
    file = tmp_path / "sso.toml"
    if text:
        file.write_text(text.format(at="http://id.example.com"), encoding="utf-8")
    monkeypatch.setenv("TCOS_SSO", str(file))
    monkeypatch.setenv("TCOS_SSO_COMPANY_SECRET", SECRET)
    monkeypatch.setenv("TCOS_TRUSTED_HOSTS", "crm.example.com")
    secret = "5c7cJ2kzQwE8uN0aVb3dXy6tRm9pLh4fGs1o-Zi"

    with pytest.raises(Misconfigured, match=re.escape(said)) as told:
        load_config({"TCOS_ENV": "production", "SECRET_KEY": secret})
    assert SECRET not in str(told.value)
