"""The six summaries at volume: rows, totals, charts and comparison of the last twelve months.

Whole requests in-process, as an analyst who sees everything and as one salesperson. Beside
客户业绩 the same sums by the ways a program is usually written: ORM rows into a frame, `read_sql`
and groupby, and one GROUP BY of the base tables, which knows no scope and no second page.
"""

import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from bench.report import Line, Options, first_or_median_ms
from dashboards.pages import SUMMARIES
from models.core.base import db
from models.deals.contract import IN_FORCE, Contract
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from seed.volume import seed_volume
from services.core.engine import writing
from services.schema import statistics
from tests.support import clock
from tests.support.databases import Databases
from tests.support.visitors import Visitors
from tests.support.world import seed_people

ALL_MS, OWN_MS, PIVOT_MS = 200.0, 30.0, 300.0  # issue 13
ASKED = "?preset=365d"
PIVOT = "pivot/?preset=365d&rows=owner&cols=month"
YEARS = 5


def run(options: Options) -> Iterator[Line]:
    """Seed a company of `--rows` customers on each kind and ask for every page."""
    for kind in options.kinds:
        with tempfile.TemporaryDirectory() as folder:
            databases = Databases(Path(folder), seed_people)
            try:
                with databases.lent(kind) as app:
                    yield from _kind(app, kind, options)
            finally:
                databases.close()


def _kind(app: Any, kind: str, options: Options) -> Iterator[Line]:
    begun = time.perf_counter()
    with app.app_context(), writing(on=True), db.engine.begin() as connection:
        made = seed_volume(
            connection, customers=options.rows, years=YEARS, seed=7, now=clock.now(),
            tell=lambda *_done: None,
        )  # fmt: skip
        statistics.refresh(connection)
    told = ", ".join(f"{n:,} {noun}" for noun, n in made.items() if n)
    yield Line(f"{kind}: seed", time.perf_counter() - begun, 360.0, "s", told)
    before = _memory()
    for who, limit in (("analyst", ALL_MS), ("sales", OWN_MS)):
        visitors = Visitors(app)
        for key in SUMMARIES:
            yield Line(f"{kind}: {key} as {who}", _took(options, visitors, who, _parts(key)), limit)
        took = _took(options, visitors, who, [f"/admin/cockpit/{PIVOT}"])
        yield Line(f"{kind}: pivot as {who}", took, PIVOT_MS)
    yield Line(f"{kind}: memory above the start", _memory() - before, 60.0, "MB")
    with app.app_context():
        for name, act in WAYS.items():
            with db.engine.connect() as connection:
                took = first_or_median_ms(lambda act=act, at=connection: act(at), options.times)
            yield Line(f"{kind}: {name}", took)


def _parts(key: str) -> list[str]:
    """Return what a visit of a summary asks for: the page, its charts, its comparison."""
    page = f"/admin/cockpit/{key}/"
    change = [] if SUMMARIES[key].timeless else [f"{page}change.json{ASKED}"]
    return [f"{page}{ASKED}", f"{page}data.json{ASKED}", *change]


def _took(options: Options, visitors: Visitors, who: str, parts: list[str]) -> float:
    def visit() -> None:
        for path in parts:
            answer = visitors.get(who, path)
            if answer.status_code != 200:
                raise SystemExit(f"{path}: {answer.status_code}")

    return first_or_median_ms(visit, options.times)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _since() -> Any:
    return clock.now().date() - pd.Timedelta(days=365)


def _paid() -> sa.Select[Any]:
    """Ask for what came in by contract."""
    return (
        sa.select(Payment.contract_id, sa.func.sum(PaymentAllocation.amount).label("paid"))
        .join(Payment, Payment.id == PaymentAllocation.payment_id)
        .where(Payment.state == PaymentState.confirmed)
        .group_by(Payment.contract_id)
    )


def _contracts(*columns: Any) -> sa.Select[Any]:
    return sa.select(*columns).where(
        Contract.state.in_(IN_FORCE), Contract.signed_on >= _since(), Contract.deleted_at.is_(None)
    )


def _orm(connection: Any) -> pd.DataFrame:
    with sa.orm.Session(connection) as session:
        session.info["unscoped"] = True
        rows = session.execute(_contracts(Contract.customer_id, Contract.id, Contract.amount))
        frame = pd.DataFrame([tuple(row) for row in rows], columns=["customer", "id", "amount"])
        paid = pd.DataFrame(
            [tuple(row) for row in session.execute(_paid())], columns=["id", "paid"]
        )
    return frame.merge(paid, on="id", how="left").groupby("customer").sum()


def _frames(connection: Any) -> pd.DataFrame:
    table = Contract.__table__
    contracts = pd.read_sql(_contracts(table.c.customer_id, table.c.id, table.c.amount), connection)
    paid = pd.read_sql(_paid(), connection)
    return (
        contracts.merge(paid, left_on="id", right_on="contract_id", how="left")
        .groupby("customer_id")[["amount", "paid"]]
        .sum()
    )


def _group_by(connection: Any) -> list[Any]:
    paid, table = _paid().subquery(), Contract.__table__
    query = (
        _contracts(table.c.customer_id, sa.func.sum(table.c.amount), sa.func.sum(paid.c.paid))
        .outerjoin_from(table, paid, paid.c.contract_id == table.c.id)
        .group_by(table.c.customer_id)
    )
    return list(connection.execute(query))


WAYS: dict[str, Callable[[Any], Any]] = {
    "by customer: ORM rows → frame": _orm,
    "by customer: read_sql, merge, groupby": _frames,
    "by customer: one GROUP BY": _group_by,
}
