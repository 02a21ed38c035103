"""No parameter and no header sends anybody off this host."""

from urllib.parse import quote, urlsplit

import pytest

from tests.support.plain import plain
from tests.support.world import PASSWORD, token_of

HOST = "evil.test"
PAYLOADS = (
    "http://evil.test", "https://evil.test", "HTTP://evil.test", "//evil.test", "///evil.test",
    "////evil.test", "http:evil.test", "http:/evil.test", "http:///evil.test", "https:evil.test",
    "/\\evil.test", "\\\\evil.test", "\\/evil.test", "/\\/evil.test", "\\evil.test",
    "http://localhost\\@evil.test", "http://localhost@evil.test", "//localhost@evil.test",
    "http://localhost:80@evil.test/", "http://evil.test#localhost", "http://evil.test?localhost",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,evil.test", "vbscript:x",
    "\tjavascript:alert(1)", " //evil.test", "\t//evil.test", "\n//evil.test", "/\t/evil.test",
    "/\n/evil.test", "/\r/evil.test", "/%0a/evil.test\n", "\x00//evil.test", "/\x00/evil.test",
    "\u2028//evil.test", "/\u00a0/evil.test\t", "//evil.test/%2f..", "//evil%2etest",
    "/login\r\nLocation: http://evil.test", "/login\r\nSet-Cookie: a=b", "//[::1]@evil.test",
    "//\u3002evil.test", "ftp://evil.test", "file:///etc/passwd", "evil.test", "./evil.test",
    "../evil.test", "?next=//evil.test", "#//evil.test", "http://127.0.0.1.evil.test",
)  # fmt: skip


def stays(answer):
    """Tell whether a browser that follows the answer stays on the host."""
    target = answer.headers.get("Location")
    if target is None:
        return True
    parts = urlsplit(target)
    plain_path = target.startswith("/") and not target.startswith(("//", "/\\"))
    return plain_path and not parts.netloc and not parts.scheme and "Set-Cookie: a" not in target


def test_there_are_enough_payloads_and_a_plain_view_follows_one():
    assert len(set(PAYLOADS)) >= 40
    with plain() as stock:
        answer = stock.client.post("/admin/thing/new/?url=http:evil.test", data={"name": "x"})
        assert not stays(answer)


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_foreign_address_is_never_followed(target, payload):
    asked = quote(payload, safe="")
    key = target.customer().id
    answers = [
        target.get(None, f"/lang/zh?next={asked}"),
        target.get(None, f"/login?next={asked}"),
        target.get("sales", f"/login?next={asked}"),
        target.get(None, f"/admin/customer/?next={asked}&url={asked}"),
        target.get("sales", f"/admin/customer/details/?id={key}&url={asked}"),
        target.post("sales", f"/admin/customer/new/?url={asked}", {"url": payload, "company": ""}),
        target.post("sales", "/admin/cc/read/", {"next": payload}),
    ]

    assert all(stays(answer) for answer in answers), [a.headers.get("Location") for a in answers]
    assert all(answer.status_code < 500 for answer in answers)
    assert "a" not in {c.split("=")[0] for a in answers for c in a.headers.getlist("Set-Cookie")}


def test_a_log_in_goes_home_whatever_it_was_asked(target):
    for payload in PAYLOADS[:12]:
        client = target.app.test_client()
        page = client.get("/login").get_data(as_text=True)
        form = {"email": "sales@demo.tcos.cn", "password": PASSWORD, "next": payload}
        answer = client.post("/login", data={**form, "csrf_token": token_of(page)})
        assert stays(answer), payload


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Original-Host", "Forwarded"])
def test_a_forged_host_is_reflected_nowhere(target, header):
    for path in ("/login", "/admin/", "/admin/customer/", "/nowhere"):
        answer = target.client(None).get(path, headers={header: HOST, "X-Forwarded-Proto": "http"})
        assert stays(answer)
        assert HOST not in answer.get_data(as_text=True)
        assert HOST not in str(answer.headers)


def test_only_trusted_hosts_are_served(databases):
    from admin_app import create_app  # the only test that needs its own factory

    with databases.fresh("sqlite") as url:
        app = create_app(
            {"TCOS_ENV": "test", "SQLALCHEMY_DATABASE_URI": url, "SECRET_KEY": "x" * 40,
             "TRUSTED_HOSTS": ["crm.example.cn"]}
        )  # fmt: skip
        client = app.test_client()
        assert client.get("/login", headers={"Host": HOST}).status_code == 400
        assert client.get("/login", headers={"Host": "crm.example.cn"}).status_code == 200
