"""What the log, the metrics and the error reports tell, by processes that serve for real."""

import contextlib
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import brotli
import pytest
from itsdangerous import URLSafeSerializer

from services.enquiry.links import SALT
from tests.support import ready

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a token for the scraper"  # of this test alone
GIVEN = {
    "TCOS_ENV": "production",
    "TCOS_SECRET_KEY": "7f3c9a1e5b8d2046f1e3a5c7b9d0e2f4a6c8",
    "TCOS_TRUSTED_HOSTS": "crm.yawei.cn",
    "TCOS_METRICS_TOKEN": TOKEN,
}


def _free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(port, path, **headers):
    """Return status, headers and text; names in headers are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=named)  # http
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 # http
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.headers, problem.read().decode()


@contextlib.contextmanager
def _reports():
    """A service that takes what is reported."""
    taken = []

    class Take(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Take)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://key@127.0.0.1:{server.server_port}/1", taken
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Gunicorn as operations.md starts it: two processes, a database that is not migrated."""
    folder, port = tmp_path_factory.mktemp("served"), _free()
    with _reports() as (dsn, taken):
        environment = os.environ | GIVEN | {
            "TCOS_DATABASE_URL": f"sqlite:///{folder / 'empty.db'}",
            "WEB_CONCURRENCY": "2",
            "TCOS_SENTRY_DSN": dsn,
        }  # fmt: skip
        with (folder / "log").open("w") as log:
            words = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}"]
            words += ["admin_app:create_app()"]
            process = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=log)  # ours
            try:
                yield _wait(port), folder / "log", taken
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=30)


def _wait(port):
    for _n in range(300):
        with contextlib.suppress(OSError):
            if ask(port, "/healthz")[0] == 200:
                return port
        time.sleep(0.2)
    raise AssertionError("gunicorn did not come up")


def lines(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_every_line_is_json_with_time_and_level_gunicorns_too(served):
    _port, log, _taken = served
    found = lines(log)

    assert all({"timestamp", "level", "event"} <= one.keys() for one in found)
    assert any(one["logger"] == "gunicorn.error" for one in found)


def test_an_answer_is_a_line_with_id_person_method_path_status_and_time(served):
    port, log, _taken = served
    _status, headers, _text = ask(
        port, "/login?next=/admin/&mobile=13900001111", Host="crm.yawei.cn"
    )
    one = next(x for x in lines(log) if x.get("request_id") == headers["X-Request-Id"])

    assert (one["method"], one["path"], one["user"]) == ("GET", "/login", None)
    assert one["status"] == int(_status)
    assert one["ms"] > 0
    assert "13900001111" not in log.read_text()


def test_a_line_cannot_be_forged_by_an_address(served):
    port, log, _taken = served
    before = len(lines(log))
    ask(port, "/nowhere%0A%7B%22level%22:%22forged%22%7D", Host="crm.yawei.cn")
    new = lines(log)[before:]

    assert new
    assert all(one["level"] != "forged" for one in new)


def test_metrics_need_the_token_and_answer_by_address(served):
    port, _log, _taken = served

    assert ask(port, "/metrics")[0] == 401
    assert ask(port, "/metrics", Authorization="Bearer another")[0] == 401
    assert ask(port, "/metrics", Authorization=f"Bearer {TOKEN}")[0] == 200


def test_metrics_add_up_the_processes(served):
    port, _log, _taken = served
    counted = r'tcos_requests_total\{[^}]*view="health.healthz"[^}]*\} (\d+)'

    def total():
        _s, _h, text = ask(port, "/metrics", Authorization=f"Bearer {TOKEN}")
        return sum(float(n) for n in re.findall(counted, text))

    before = total()
    for _n in range(20):
        ask(port, "/healthz")

    assert total() == before + 20


def test_metrics_tell_the_worker_and_the_disk(served):
    port, _log, _taken = served
    text = ask(port, "/metrics", Authorization=f"Bearer {TOKEN}")[2]

    assert re.search(r"^tcos_disk_free_bytes [1-9]", text, re.MULTILINE)
    assert re.search(r"^tcos_database_up [01]", text, re.MULTILINE)


def test_an_error_is_reported_without_values(served):
    port, log, taken = served  # not migrated: the table of the links is not there
    token = URLSafeSerializer(GIVEN["TCOS_SECRET_KEY"], SALT).dumps(13900001111)
    status, headers, text = ask(port, f"/progress/{token}", Host="crm.yawei.cn")
    until = time.monotonic() + 10
    while not taken and time.monotonic() < until:
        time.sleep(0.1)
    unpacked = b"".join(brotli.decompress(one) for one in taken).decode()
    line = next(x for x in lines(log) if x["level"] == "error")

    assert (status, headers["Retry-After"]) == (503, "5")
    assert line["request_id"] in text
    assert line["request_id"] in unpacked
    for told in (unpacked, log.read_text()):
        assert "no such table" in told
        assert "13900001111" not in told
        assert token not in told


def test_without_a_token_there_are_no_metrics(app):
    assert app.test_client().get("/metrics").status_code == 404


@pytest.mark.parametrize("name", ["TCOS_LOG", "TCOS_LOG_LEVEL"])
def test_an_unknown_form_or_level_is_refused(tmp_path, name):
    environment = os.environ | {
        "TCOS_ENV": "demo",
        "TCOS_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}",
        name: "loud",
    }
    words = ["-m", "flask", "--app", "admin_app", "routes"]
    status, _out, error = ready.PRODUCT.run(words, environment=environment)

    assert status != 0
    assert name in error
    assert "Traceback" not in error
