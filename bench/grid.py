"""The customer grid against a stock Flask-Admin ModelView on the same rows of the same database."""

import datetime as dt
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel

import models as m
from bench.report import Line, Options, median_ms
from seed.volume import seed_volume
from tests.support.databases import Databases
from tests.support.visitors import Visitors
from tests.support.world import make_app, seed_people

NOUNS = {"customer": m.Customer, "opportunity": m.Opportunity}
SHOWN = {
    "customer": ["code", "company", "level", "status", "owner", "approval"],
    "opportunity": ["code", "name", "amount", "expected_on", "owner", "approval"],
}
SEARCHED = {"customer": ["code", "company"], "opportunity": ["code", "name"]}
STATUS = Path("/proc/self/status")


class Stock(ModelView):  # type: ignore[misc] # no stubs
    """A ModelView as its documentation begins; exports may have every row."""

    can_export = True
    export_max_rows = 0
    form_excluded_columns = ("contacts", "lines", "stage_history")


def run(options: Options) -> Iterator[Line]:
    """Ask the same pages of both, on both databases."""
    with tempfile.TemporaryDirectory() as folder:
        databases = Databases(Path(folder), seed_people)
        try:
            for kind in ("sqlite", "postgres"):
                with databases.fresh(kind) as url:
                    app = make_app(url)
                    _fill(app, options.rows)
                    yield from _compare(kind, Visitors(app), _stock(url).test_client(), options)
        finally:
            databases.close()


def _fill(app: Flask, rows: int) -> None:
    with app.app_context(), m.db.engine.begin() as connection:
        seed_volume(
            connection,
            customers=rows,
            years=5,
            seed=7,
            now=dt.datetime.now(dt.UTC),
            tell=lambda *_step: None,
        )


def _stock(url: str) -> Flask:
    app = Flask("stock", root_path=str(Path(__file__).parent))
    app.config.update(SECRET_KEY="x" * 40, SQLALCHEMY_DATABASE_URI=url)
    Babel(app)
    m.db.init_app(app)
    admin = Admin(app, name="stock", url="/stock")
    for noun, model in NOUNS.items():
        columns = {
            "column_list": SHOWN[noun],
            "column_sortable_list": [*SHOWN[noun][:-2], ("owner", "owner.name")],
            "column_searchable_list": SEARCHED[noun],
        }
        view = type("View", (Stock,), columns)
        admin.add_view(view(model, m.db, endpoint=f"stock_{noun}", url=f"/stock/{noun}"))
    return app


def _compare(kind: str, ours: Visitors, stock: Any, options: Options) -> Iterator[Line]:
    last = options.rows // 20
    amount, owner = SHOWN["opportunity"].index("amount"), SHOWN["customer"].index("owner")
    cases = (
        ("page 1", "customer/", "customer/"),
        ("last page", "customer/?page=-1", f"customer/?page={last - 1}"),
        ("sort by amount", "opportunity/?sort=-amount", f"opportunity/?sort={amount}&desc=1"),
        ("sort by owner", "customer/?sort=owner_id", f"customer/?sort={owner}"),
        ("search, hit", "customer/?search=武汉", "customer/?search=武汉"),
        ("search, miss", "customer/?search=查无此司", "customer/?search=查无此司"),
    )

    def get(path: str) -> Any:
        return ours.get("admin", path)

    for what, mine, theirs in cases:
        yield Line(
            f"{what}, {options.rows:,} customers, {kind}",
            median_ms(
                _asking(lambda path: ours.get("admin", path), f"/admin/{mine}"), options.times
            ),
            median_ms(_asking(stock.get, f"/stock/{theirs}"), options.times),
        )
    took, memory, size = _weigh(lambda: _length(get("/admin/customer/export/csv/")))
    took2, memory2, size2 = _weigh(lambda: _length(stock.get("/stock/customer/export/csv/")))
    note = f"{size / 1e6:.1f} MB, reference {size2 / 1e6:.1f} MB"
    yield Line(f"CSV of all rows, {kind}", took, took2, "s", note)
    yield Line(f"CSV of all rows, memory, {kind}", memory, memory2, "MB")


def _asking(get: Callable[[str], Any], path: str) -> Callable[[], None]:
    def ask() -> None:
        answer = get(path)
        if answer.status_code != 200:
            message = f"{path}: {answer.status_code}"
            raise RuntimeError(message)

    return ask


def _length(answer: Any) -> int:
    if answer.status_code != 200:
        message = f"export: {answer.status_code}"
        raise RuntimeError(message)
    return sum(len(part) for part in answer.iter_encoded())


def _weigh(act: Callable[[], int]) -> tuple[float, float, int]:
    """Return seconds, MB above the start at the worst moment, and what the act returned."""
    before, peak, done = _resident(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        found = act()
    finally:
        took = time.perf_counter() - start
        done.set()
        watcher.join()
    return took, max(peak[0] - before, 0.1), found


def _resident() -> float:
    line = next(row for row in STATUS.read_text().splitlines() if row.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
