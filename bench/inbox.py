"""待我处理 with 10,000 open tasks, in process on both databases."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.report import Line, Options, seconds
from tests.support.databases import Databases
from tests.support.tasks import many
from tests.support.visitors import Visitors
from tests.support.world import World, count_queries, make_app, seed_people

TASKS = 10_000
LIMIT_MS, LIMIT_QUERIES = 50.0, 10  # issue 3
RUNS = 31
PAGES = {"first page": "", "page 300": "?page=300", "by submitter": "?sort=waiting&submitter=3"}
# Who is asking is loaded for every page there is.
PERSON = ("FROM user_account LEFT OUTER JOIN user_role", "fs_uniquifier = ")


def run(_options: Options) -> Iterator[Line]:
    """Ask pages of the queue of a reviewer who has very much to do."""
    with tempfile.TemporaryDirectory() as folder:
        databases = Databases(Path(folder), seed_people)
        try:
            for kind in ("sqlite", "postgres"):
                with databases.fresh(kind) as url:
                    yield from _pages(url, kind)
        finally:
            databases.close()


def _pages(url: str, kind: str) -> Iterator[Line]:
    app = make_app(url)
    with World(app) as world:
        many(world, TASKS)
    visitors = Visitors(app)
    for name, query in PAGES.items():
        path = f"/admin/inbox/{query}"
        took, spent = _asked(visitors, path)
        with count_queries(app) as found:
            answer = visitors.get("reviewer", path)
        own = [s for s in found if not any(word in s for word in PERSON)]
        over = " OVER THE LIMIT" if len(own) > LIMIT_QUERIES else ""
        note = f"{answer.status_code}, {len(own)} statements{over}, own CPU {spent:.0f} ms"
        yield Line(f"inbox of {TASKS:,}, {name}, {kind}", took, LIMIT_MS, note=note)


def _asked(visitors: Visitors, path: str) -> tuple[float, float]:
    """Return the medians of the time on the clock and of this process, in milliseconds."""
    clock, cpu = [], []
    visitors.get("reviewer", path)
    for _n in range(RUNS):
        before = time.process_time()
        clock.append(seconds(lambda: visitors.get("reviewer", path)))
        cpu.append(time.process_time() - before)
    return 1000 * statistics.median(clock), 1000 * statistics.median(cpu)
