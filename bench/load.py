"""Many people at once: gunicorn with four workers on PostgreSQL, and what each page costs them.

Users log in once, then walk in any order through grid, form, a new customer with its submission,
a decision and the cockpit, without pauses. The bare route is asked in the same run, by as many.
"""

import contextlib
import dataclasses
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from bench.grid import fill
from bench.report import Line, Options
from models.core.base import db
from tests.support.databases import Databases
from tests.support.world import PASSWORD, SECRET, make_app, seed_people, token_of

PORT, WORKERS, USERS, SECONDS = 5097, 4, 50, 60
AT = f"http://127.0.0.1:{PORT}"
MARGIN = 20  # seconds that are waited for an answer
PEOPLE = ("sales", "sales2", "reviewer", "reviewer2", "manager", "admin")
SEEN = re.compile(r'name="seen" value="(\d+:\d+)"')
PAGE_OK, ANSWERED = 200, 400


@dataclasses.dataclass
class Seen:
    """What all users saw: page → seconds, and what went wrong."""

    took: dict[str, list[float]] = dataclasses.field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = dataclasses.field(default_factory=list)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def note(self, what: str, seconds: float, problem: str) -> None:
        """Keep one answer."""
        with self.lock:
            self.took[what].append(seconds)
            if problem:
                self.wrong.append(f"{what}: {problem}")


class Person(threading.Thread):
    """One user with a browser of his own."""

    def __init__(self, number: int, seen: Seen, end: float) -> None:
        """Know who he is; he begins with `start`."""
        super().__init__(daemon=True)
        self.who, self.seen, self.end = PEOPLE[number % len(PEOPLE)], seen, end
        self.web, self.luck, self.n = requests.Session(), random.Random(number), 0  # noqa: S311
        self.number = number

    def ask(self, what: str, path: str, **form: Any) -> str:
        """Ask for a page or send a form; return the text, '' where it failed."""
        began = time.perf_counter()
        verb = "POST" if form else "GET"
        problem, text = "", ""
        try:
            with self.web.request(verb, AT + path, data=form or None, timeout=MARGIN) as answer:
                text = answer.text
                problem = "" if answer.status_code < ANSWERED else str(answer.status_code)
        except requests.RequestException as fault:
            problem = type(fault).__name__
        self.seen.note(what, time.perf_counter() - began, problem)
        return "" if problem else text

    def run(self) -> None:
        """Log in and walk until the time is over."""
        token = token_of(self.ask("log-in page", "/login"))
        form = {"email": f"{self.who}@demo.tcos.cn", "password": PASSWORD, "csrf_token": token}
        self.ask("log-in", "/login", **form)
        acts = [self.grid, self.form, self.cockpit]
        acts += [self.enter] * self.who.startswith("sales")
        acts += [self.decide] * self.who.startswith("reviewer")
        while time.perf_counter() < self.end:
            self.luck.choice(acts)()

    def grid(self) -> None:
        """Open a page of the customers."""
        self.ask("grid of customers", f"/admin/customer/?page={self.luck.randint(1, 5)}")

    def form(self) -> None:
        """Open the form of a new one; who may not gets his queue."""
        able = self.who not in {"reviewer", "reviewer2"}
        self.ask(*(("form", "/admin/customer/new/") if able else ("queue", "/admin/inbox/")))

    def cockpit(self) -> None:
        """Open a summary."""
        self.ask("cockpit", "/admin/cockpit/opportunities/?preset=month")

    def enter(self) -> None:
        """Make a customer and submit it at once."""
        page = self.ask("form", "/admin/customer/new/")
        if not page:
            return
        self.n += 1
        name = f"负载{self.number}号{self.n}{self.luck.randint(0, 999_999)}测试有限公司"
        mobile = f"1{self.luck.randint(3_000_000_000, 9_999_999_999)}"
        form = {"company": name, "primary.name": "李雷", "primary.mobile": mobile}
        form |= {"region_code": "420111", "csrf_token": token_of(page), "_submit": "1"}
        self.ask("save and submit", "/admin/customer/new/", **form)

    def decide(self) -> None:
        """Open the first request of the queue and agree."""
        page = self.ask("queue", "/admin/inbox/")
        found = SEEN.search(page)
        if found is None:
            return
        form = {"csrf_token": token_of(page), "seen": found[1], "verb": "approve"}
        form |= {"rowid": found[1].partition(":")[0], "noun": "", "submitter": ""}
        self.ask("approve", "/admin/inbox/bulk/", **form)


def run(options: Options) -> Iterator[Line]:
    """Fill a database, serve it, let people walk, ask the bare route; memory before and after."""
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        databases = Databases(folder, seed_people)
        stack.callback(databases.close)
        url = databases.stays("postgres")
        app = make_app(url)
        rows = fill(app, options.rows)
        with app.app_context():
            db.engine.dispose()
        server = stack.enter_context(_serving(url, folder))
        yield from _measured(server, rows)


def _measured(server: int, rows: int) -> Iterator[Line]:
    before = _memory(server)
    bare = _walk(Bare)
    seen = _walk(Person)
    after = _memory(server)
    whole, plain = (sum(map(len, one.took.values())) for one in (seen, bare))
    note = f"{rows:,} customers, {USERS} users, {WORKERS} workers"
    yield Line("answers", whole, unit="n", note=note)
    yield Line("errors", len(seen.wrong), 0, "n", "; ".join(sorted(set(seen.wrong))[:5]))
    for what, took in sorted(seen.took.items()):
        took.sort()
        p95 = took[min(len(took) - 1, int(len(took) * 0.95))]
        yield Line(
            f"{what}: p95",
            p95 * 1000,
            note=f"p50 {took[len(took) // 2] * 1000:,.0f}, n {len(took)}",
        )
    yield Line("answers a second", whole / SECONDS, plain / SECONDS, "n/s", "reference: one row")
    yield Line("worker at start, the largest", max(before), 180, "MB", "limit")
    yield Line("more after the load, the largest", max(after) - max(before), 60, "MB", "limit")


class Bare(Person):
    """One user of the bare route."""

    def run(self) -> None:
        """Ask for the row until the time is over."""
        while time.perf_counter() < self.end:
            self.ask("row", "/bench/row")


def _walk(kind: type[Person]) -> Seen:
    seen, end = Seen(), time.perf_counter() + SECONDS
    people = [kind(n, seen, end) for n in range(USERS)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    return seen


@contextlib.contextmanager
def _serving(url: str, folder: Path) -> Iterator[int]:
    told = {"TCOS_ENV": "test", "TCOS_DATABASE_URL": url, "TCOS_SECRET_KEY": SECRET}
    told |= {"TCOS_INSTANCE": str(folder), "WEB_CONCURRENCY": str(WORKERS)}
    words = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{PORT}", "bench.load_app:app()"]
    server = subprocess.Popen(words, env=os.environ | told)  # noqa: S603 # our own interpreter
    try:
        for _n in range(600):
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{AT}/healthz", timeout=5).status_code == PAGE_OK:
                    break
            time.sleep(0.2)
        time.sleep(5)  # the other workers
        yield server.pid
    finally:
        server.terminate()
        server.wait(30)


def _memory(parent: int) -> list[float]:
    """Return the resident megabytes of every worker."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if lines["PPid"].strip() == str(parent):
                found.append(int(lines["VmRSS"].split()[0]) / 1024)
    return found
