"""A real server and a real Chromium: pages as people see them; what must not happen is noted."""

import contextlib
import os
import shutil
import threading
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Error, sync_playwright
from werkzeug.serving import make_server

from tests.support.world import PASSWORD, token_of

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--no-first-run",
)  # fmt: skip
SIZES = {"wide": (1440, 900), "phone": (390, 844)}


# The one without windows first: the whole browser draws menus and bubbles that nobody sees.
NAMES = ("chromium-headless-shell", "chromium")


def chromium():
    """Return the path of Chromium, None where there is none."""
    found = (os.environ.get("TCOS_TEST_CHROMIUM"), *map(shutil.which, NAMES))
    return next(filter(None, found), None)


@contextlib.contextmanager
def serving(app):
    """Serve the application on a free port of this machine; yield its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Site:
    """A browser on a served application; `faults` collects what no page may do."""

    def __init__(self, address, browser):
        self.address, self.browser = address, browser
        self.faults, self.contexts = [], []

    def visit(self, who, *, size="wide"):
        """Return the home page of somebody who is logged in.

        The browser sends the log-in form without drawing it; `tests/browser` logs in on the page
        where that is the matter.
        """
        width, height = SIZES[size]
        context = self.browser.new_context(viewport={"width": width, "height": height})
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", lambda problem: self.faults.append(f"script: {problem}"))
        self._log_in(context.request, who)
        page.goto(f"{self.address}/admin/")
        return page

    def _log_in(self, sender, who):
        door = f"{self.address}/login"
        form = {"email": f"{who}@demo.tcos.cn", "password": PASSWORD}
        token = token_of(sender.get(door).text())
        answer = sender.post(door, form={"csrf_token": token, **form}, max_redirects=0)
        assert answer.status == HTTPStatus.FOUND, answer.text()

    def _request(self, request):
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and parts.netloc != urlsplit(self.address).netloc:
            self.faults.append(f"asked another host: {request.url}")

    def _console(self, message):
        if "Content Security Policy" in message.text:
            self.faults.append(f"policy: {message.text}")

    def go(self, page, path):
        """Open a path of the site and return the page."""
        return settled(page, lambda: page.goto(f"{self.address}{path}"))

    def keep(self, page, name):
        """Keep a picture beside the project, outside of git."""
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=str(ARTEFACTS / f"{name}.png"), full_page=True)

    def close(self):
        """Close every window."""
        for context in self.contexts:
            context.close()


def calm(page):
    """Wait until what was pressed has come to its end and return the page.

    A form sent in place is busy until it is refused or the page it leads to stands there. Silence
    of the network is no sign of it: between the answer and that page nothing is asked for.
    """
    page.locator("html:not(:has(form[aria-busy=true]))").wait_for(state="attached")
    page.wait_for_load_state()
    return page


def settled(page, move):
    """Move a page that is calm and return it; a form that went the plain way leads on by itself.

    What it leads to is waited for, then the move is made again.
    """
    calm(page)
    try:
        move()
    except Error as problem:
        if "ERR_ABORTED" not in problem.message:
            raise
        page.wait_for_load_state()
        move()
    return page


class Chromium:
    """The one Chromium of this process, started when a test first asks; windows are the tests'."""

    def __init__(self):
        self.playwright = self.browser = None

    def running(self):
        """Return the browser; one that has crashed is replaced."""
        if self.playwright is None:
            self.playwright = sync_playwright().start()
        if self.browser is None or not self.browser.is_connected():
            self.browser = self.playwright.chromium.launch(
                executable_path=chromium(), args=list(QUIET)
            )
        return self.browser

    def quit(self):
        """Stop everything."""
        if self.browser is not None:
            self.browser.close()
        if self.playwright is not None:
            self.playwright.stop()
        self.playwright = self.browser = None


CHROMIUM = Chromium()


@contextlib.contextmanager
def browsing(app):
    """Yield a Site on the application."""
    with serving(app) as address:
        site = Site(address, CHROMIUM.running())
        try:
            yield site
        finally:
            site.close()


def overflow(page):
    """Return by how many pixels a page scrolls sideways."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
