"""Behind a proxy everybody keeps his own address; nobody gives himself another one."""

import contextlib
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from urllib.parse import urlencode

import pytest

from services.rights.throttle import MOST
from tests.support.databases import ROOT
from tests.support.world import PASSWORD, make_app, token_of
from views.setup.environment import proxies_of
from views.setup.proxies import Proxies

INNER = "10.0.0.0/24, ::1, unix"


def seen(peer, forwarded=None, proto=None, trusted=INNER, **more):
    """Return what the application sees of a request, and what a cookie of its becomes."""
    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", **more}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    if proto is not None:
        environ["HTTP_X_FORWARDED_PROTO"] = proto
    sent = []

    def inner(given, start):
        start("200 OK", [("Set-Cookie", "a=b; Path=/"), ("Set-Cookie", "c=d; Secure")])
        return [given["REMOTE_ADDR"], given["wsgi.url_scheme"]]

    found = Proxies(inner, proxies_of(trusted))(environ, lambda _s, headers: sent.extend(headers))
    return (*found, [value for _name, value in sent])


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.5", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.5", "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.5", "6.6.6.6, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
        ("10.0.0.5", "10.0.0.7, 10.0.0.9", "10.0.0.7"),
        ("10.0.0.5", "203.0.113.7:4711", "203.0.113.7"),
        ("10.0.0.5", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.5", "::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.5", "junk, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.5", "203.0.113.7, junk", "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", None, "10.0.0.5"),
        ("::1", "203.0.113.7", "203.0.113.7"),
        ("", "203.0.113.7", "203.0.113.7"),
        ("198.51.100.4", "6.6.6.6", "198.51.100.4"),
        ("198.51.100.4", "6.6.6.6, 10.0.0.5", "198.51.100.4"),
    ],
)
def test_the_address_is_what_the_outermost_proxy_of_ours_saw(peer, forwarded, address):
    assert seen(peer, forwarded)[0] == address


def test_without_proxies_nothing_forwarded_is_believed():
    assert seen("127.0.0.1", "6.6.6.6", "https", trusted="") == (
        "127.0.0.1", "http", ["a=b; Path=/", "c=d; Secure"],
    )  # fmt: skip
    assert seen("", "6.6.6.6", "https", trusted="10.0.0.5")[:2] == ("", "http")


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [
        ("10.0.0.5", "https", "https"),
        ("10.0.0.5", "http, https", "https"),
        ("10.0.0.5", "https, http", "http"),
        ("10.0.0.5", "gopher", "http"),
        ("198.51.100.4", "https", "http"),
    ],
)
def test_https_is_what_the_nearest_proxy_says(peer, proto, scheme):
    _address, found, cookies = seen(peer, "203.0.113.7", proto)

    assert found == scheme
    assert all(("Secure" in cookie) for cookie in cookies) is (scheme == "https")


def test_gunicorn_s_own_belief_in_its_host_is_taken_back():
    mine = {"gunicorn.socket": object(), "wsgi.url_scheme": "https"}

    assert seen("127.0.0.1", None, "https", trusted="", **mine)[1] == "http"


def test_probes_come_by_address_where_people_come_by_name(databases):
    with databases.fresh("sqlite") as url:
        app = make_app(url, TRUSTED_HOSTS=["crm.yawei.cn"])
        client = app.test_client()
        statuses = {
            path: client.get(path, headers={"Host": "10.0.0.8:8000"}).status_code
            for path in ("/healthz", "/readyz", "/login", "/healthz/")
        }

        assert statuses["/healthz"] == statuses["/readyz"] == 200
        assert statuses["/login"] == statuses["/healthz/"] == 400
        assert client.get("/login", headers={"Host": "crm.yawei.cn"}).status_code == 200


# -- a real one ------------------------------------------------------------------------------------

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
SITE = ROOT / "deploy" / "nginx.conf"
AROUND = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {servers}
}}
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
         "-days", "1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def configure(folder, port, behind):
    """Write the site that we ship with this test's ports, files and application."""
    sample = SITE.read_text(encoding="utf-8")
    for ours, theirs in (
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("crm.example.com.pem", "cert.pem"),
        ("crm.example.com.key", "key.pem"),
        ("/etc/ssl", str(folder)),
        ("127.0.0.1:8000", f"127.0.0.1:{behind}"),
    ):
        assert ours in sample
        sample = sample.replace(ours, theirs)
    user = "user root;" if os.getuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(AROUND.format(folder=folder, servers=sample, user=user), encoding="utf-8")
    return path


class Front:
    """A visitor who comes through the proxy from an address of this host."""

    def __init__(self, port, source):
        self.port, self.source, self.cookies = port, source, {}
        self.trust = ssl.create_default_context()
        self.trust.check_hostname, self.trust.verify_mode = False, ssl.CERT_NONE

    def ask(self, method, path, form=None, **headers):
        """Return (status, headers, text)."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self.trust, source_address=(self.source, 0), timeout=30
        )
        given = {
            "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()),
            "Referer": f"https://127.0.0.1:{self.port}/login",
            "Content-Type": "application/x-www-form-urlencoded",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        connection.request(method, path, urlencode(form or {}), given)
        answer = connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _sign, rest = cookie.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        connection.close()
        return answer.status, answer.headers, text

    def log_in(self, password, **headers):
        _status, _headers, page = self.ask("GET", "/login")
        form = {"email": "sales@demo.tcos.cn", "password": password, "csrf_token": token_of(page)}
        return self.ask("POST", "/login", form, **headers)[0]


@pytest.fixture(scope="module")
def front(databases, tmp_path_factory):
    """Return visitors of the application behind nginx, as the documentation puts it there."""
    if NGINX is None:
        pytest.skip("no nginx: install the package nginx")
    port, behind = free_port(), free_port()
    tmp_path = tmp_path_factory.mktemp("nginx")
    certificate(tmp_path)
    path = configure(tmp_path, port, behind)
    with databases.fresh("sqlite") as url, contextlib.ExitStack() as stack:
        env = os.environ | {
            "TCOS_ENV": "demo", "TCOS_DATABASE_URL": url, "TCOS_SECRET_KEY": "x" * 40,
            "TCOS_PROXIES": "127.0.0.1",
        }  # fmt: skip
        server = [sys.executable, "-W", "ignore", "-m", "gunicorn", "-w", "2", "--threads", "4",
                  "-b", f"127.0.0.1:{behind}", "admin_app:create_app()"]  # fmt: skip
        for command in (server, [NGINX, "-c", str(path), "-e", str(tmp_path / "error.log")]):
            process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        wait_for(port)
        yield lambda source: Front(port, source)


def wait_for(port):
    end = time.monotonic() + 180  # two workers load everything on a busy machine
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if Front(port, "127.0.0.1").ask("GET", "/healthz")[0] == 200:
                return
        time.sleep(0.3)
    pytest.fail("the application behind nginx does not answer")


def test_behind_nginx_nobody_locks_out_another_and_pages_stay_on_https(front):
    thief, owner = front("127.0.0.66"), front("127.0.0.77")
    spoofed = [
        thief.log_in("wrong-Password-1", X_Forwarded_For=f"6.6.6.{n}", X_Real_IP="6.6.6.6")
        for n in range(MOST + 2)
    ]
    status, headers, _page = owner.ask("GET", "/login")
    cookies = headers.get_all("Set-Cookie")

    assert spoofed == [200] * MOST + [429] * 2
    assert owner.log_in(PASSWORD, X_Forwarded_For="127.0.0.66") == 302
    assert thief.log_in(PASSWORD, X_Forwarded_For="127.0.0.77") == 429
    assert status == 200
    assert headers["Strict-Transport-Security"]
    assert headers["Cache-Control"] == "no-store"
    assert cookies
    assert all("Secure" in cookie for cookie in cookies)


def test_behind_nginx_enquiries_are_counted_by_visitor(front):
    def enquire(source, n, **headers):
        visitor = front(source)
        _status, _headers, page = visitor.ask("GET", "/progress/")
        form = {"number": f"YAV-{n}", "mobile": "13800000000", "csrf_token": token_of(page)}
        return visitor.ask("POST", "/progress/", form, **headers)[0]

    first = [enquire("127.0.0.66", n, X_Forwarded_For=f"6.6.6.{n}") for n in range(11)]

    assert first == [200] * 10 + [429]
    assert enquire("127.0.0.77", 99) == 200
