"""How long it takes until something answers: a command, a migration, the second `make run`."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from bench.report import Line, Options, seconds

PORT = 5098
SECOND_START = 5.0  # issue 2
PATIENCE = 300
FLASK = (sys.executable, "-m", "flask", "--app", "admin_app")


def run(_options: Options) -> Iterator[Line]:
    """Start the application on a fresh database, twice."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TCOS_DATABASE_URL"] = f"sqlite:///{folder}/start.db"
        make = (sys.executable, "-c", "import admin_app; admin_app.create_app()")
        yield Line("import and create_app()", seconds(lambda: _call(make)), unit="s")
        upgrade = (*FLASK, "db", "upgrade")
        yield Line("migrate a new SQLite database", seconds(lambda: _call(upgrade)), unit="s")
        yield Line("first serve: demo company, until it answers", _serve(), unit="s")
        yield Line("second serve, until it answers", _serve(), SECOND_START, "s", "limit")


def _call(command: tuple[str, ...]) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 # our own interpreter


def _serve() -> float:
    start = time.perf_counter()
    command = (*FLASK, "serve", "--port", str(PORT))
    server = subprocess.Popen(  # noqa: S603 # our own interpreter
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while not _answers():
            if time.perf_counter() - start > PATIENCE or server.poll() is not None:
                message = "the server did not start"
                raise RuntimeError(message)
            time.sleep(0.02)
        return time.perf_counter() - start
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/login", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False
