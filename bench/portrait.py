"""Portraits: all customers drawn anew, beside plain pandas over the same tables in the same run."""

import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from bench import histories
from bench.histories import AS_OF, Shape
from bench.report import Line, Options, seconds
from models.core.base import db
from models.people.user import User
from services.portrait import recompute
from services.rights.access import act
from services.rights.actor import SYSTEM
from services.schema import statistics
from tests.support import clock
from tests.support.databases import Databases
from tests.support.world import make_app, seed_people

SMALL = Shape(customers=10_000, orders=100_000, lines=200_000, products=500)
LARGE = Shape(customers=200_000, orders=700_000, lines=2_000_000, products=1_000)
LIMITS = {SMALL: 5.0, LARGE: 90.0}
# What an analyst reads for R, F and M, and for who bought what.
CONTRACTS = "SELECT id, customer_id, signed_on, amount FROM contract WHERE state = 'done'"
LINES = "SELECT contract_id, product_id, subtotal FROM contract_line"


def run(options: Options) -> Iterator[Line]:
    """Draw a small and a large company."""
    with tempfile.TemporaryDirectory() as name:
        databases = Databases(Path(name), seed_people)
        try:
            for shape in (SMALL, LARGE)[: 1 if options.share < 1 else 2]:
                for kind in options.kinds:
                    with databases.fresh(kind) as url:
                        yield from _drawn(make_app(url), kind, shape)
        finally:
            databases.close()


def _drawn(app: Any, kind: str, shape: Shape) -> Iterator[Line]:
    with app.app_context():
        with db.engine.begin() as connection:
            owner = connection.execute(sa.select(User.__table__.c.id)).scalars().first()
            histories.write(connection, histories.draw(shape), owner or 0, clock.now())
            statistics.refresh(connection)  # as after an import
        with db.engine.connect() as connection:
            plain = seconds(lambda: _plain(connection))
        session = db.session()
        act(session, SYSTEM)
        start, used = time.perf_counter(), time.process_time()
        told = recompute.recompute(session, as_of=AS_OF, now=clock.now()).figures
        took, busy = time.perf_counter() - start, time.process_time() - used
        db.session.remove()
    what = f"{told['bought']:,} customers, {told['orders']:,} orders, {kind}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Line(f"portraits of {what}", took, LIMITS[shape], "s", f"{busy:.1f} s of processor time")
    yield Line("  beside plain pandas (R, F, M and who bought what)", took, plain, "s")
    yield Line("  peak memory of the process so far", memory, None, "MB")


def _plain(connection: sa.Connection) -> pd.DataFrame:
    """Return R, F, M, their fifths and the table of who bought what, as pandas is taught."""
    orders = pd.read_sql(sa.text(CONTRACTS), connection, parse_dates=["signed_on"])
    lines = pd.read_sql(sa.text(LINES), connection)
    table = orders.groupby("customer_id").agg(
        last=("signed_on", "max"), f=("id", "size"), m=("amount", "sum")
    )
    table["r"] = (pd.Timestamp(AS_OF) - table["last"]).dt.days
    for key in "rfm":
        table[f"{key}_score"] = pd.qcut(table[key].rank(method="first"), 5, labels=False)
    whole = lines.merge(orders, left_on="contract_id", right_on="id")
    return whole.groupby(["customer_id", "product_id"])["subtotal"].agg(["size", "sum"])
