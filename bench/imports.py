"""Files in by the command: time, peak memory, and how long a second writer waits meanwhile."""

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from bench import import_files
from bench.report import Line, Options
from tests.support.databases import Databases
from tests.support.world import seed_people

MEMORY = 400.0  # MB, whatever the number of rows
WAIT = 2.0  # seconds a second writer may wait
LIMITS = {"sqlite": {"customers": 60.0, "payments": 30.0}}  # seconds, issue 11
# One counter, as a form takes it: who locks all of them waits in a circle with an import.
LOCKED = {"postgresql": "SELECT * FROM number_counter ORDER BY key LIMIT 1 FOR UPDATE"}
EVERY = 0.3  # seconds between two transactions of the second writer


def run(options: Options) -> Iterator[Line]:
    """Import customers, contracts, payments, follow-ups and 500,000 order lines."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        databases = Databases(folder, seed_people)
        try:
            for kind in options.kinds:
                chance = random.Random(7)  # noqa: S311 # the same files each time
                with databases.fresh(kind) as url:
                    for file in import_files.make(folder, chance, options.share):
                        yield from _imported(kind, url, file)
        finally:
            databases.close()


def _imported(kind: str, url: str, file: import_files.Made) -> Iterator[Line]:
    with Second(url) as second:
        start = time.perf_counter()
        used = _command(url, file)
        took = time.perf_counter() - start
    what = f"{file.rows:,} {file.name}, {kind}"
    spent = f"{used.ru_utime + used.ru_stime:.1f} s of processor time"
    yield Line(f"import {what}", took, LIMITS.get(kind, {}).get(file.name), "s", spent)
    yield Line("  its peak memory", used.ru_maxrss / 1024, MEMORY, "MB")
    tried = f"{second.tried} transactions beside it"
    yield Line("  longest wait of a second writer", second.longest, WAIT, "s", tried)


def _command(url: str, file: import_files.Made) -> Any:
    """Run the command as people do; return what it used."""
    words = [sys.executable, "-W", "ignore", "-m", "flask", "--app", "admin_app", "import"]
    words += [str(file.path), "--mapping", str(file.mapping)]
    environment = os.environ | {"TCOS_ENV": "test", "TCOS_DATABASE_URL": url}
    process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 # our own command
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"importing {file.name} failed")
    return used


class Second:
    """Somebody who saves every now and then: takes the lock a form takes, and lets it go."""

    def __init__(self, url: str) -> None:
        """Begin with `with`."""
        self.engine = sa.create_engine(url)
        self.longest, self.tried, self.over = 0.0, 0, threading.Event()
        self.thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self.over.set()
        self.thread.join()
        self.engine.dispose()

    def _write(self) -> None:
        while not self.over.wait(EVERY):
            start = time.perf_counter()
            self._once()
            self.longest = max(self.longest, time.perf_counter() - start)
            self.tried += 1

    def _once(self) -> None:
        """Hold what everybody needs who saves a record; with SQLite a transaction is the lock."""
        with self.engine.connect() as connection:
            wanted = LOCKED.get(connection.dialect.name, "SELECT 1")
            connection.exec_driver_sql(wanted)
            connection.rollback()
