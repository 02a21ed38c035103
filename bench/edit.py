"""A field of many customers changed by the worker: together, with audit and what an undo needs."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from bench.report import Line, Options
from models.core.base import db
from models.customers.customer import Customer, CustomerStatus
from services.bulk import edits, jobs, runner
from services.rights.actor import SYSTEM
from tests.support.databases import Databases
from tests.support.world import World, make_app, seed_people

LIMITS = {"sqlite": 10.0}  # seconds for 10,000, issue 11
MANY = 10_000


def run(options: Options) -> Iterator[Line]:
    """Change the status of MANY approved customers, and take it back."""
    with tempfile.TemporaryDirectory() as folder:
        databases = Databases(Path(folder), seed_people)
        try:
            for kind in options.kinds:
                with databases.fresh(kind) as url:
                    yield from _changed(kind, url)
        finally:
            databases.close()


def _changed(kind: str, url: str) -> Iterator[Line]:
    app = make_app(url)
    with World(app) as world:
        _grow(world)
        world.be("sales")
        task = edits.editing(world.session, Customer, {"status": CustomerStatus.won})
        job = jobs.open_job(world.call, task)
        keys = world.session.scalars(sa.select(Customer.id)).all()
        jobs.add(world.session, job, [(key, None) for key in keys])
        first = job.id
        world.session.commit()
        yield _worked(world, first, f"change a field of {MANY:,}, {kind}", LIMITS.get(kind))
        back = edits.take_back(world.call, jobs.frozen(world.session, first))
        again = back.id
        world.session.commit()
        yield _worked(world, again, f"undo it, {kind}", LIMITS.get(kind))
    with app.app_context():
        db.engine.dispose()


def _grow(world: World) -> None:
    """Copy an approved customer until there are MANY."""
    key, table = world.approved("sales"), Customer.__table__
    with db.engine.begin() as connection:
        found = connection.execute(sa.select(table).where(table.c.id == key)).mappings().one()
        rows = [
            {**found, "id": key + n, "code": f"X{n}", "company": f"批量{n}公司"}
            for n in range(1, MANY)
        ]
        connection.execute(sa.insert(table), rows)


def _worked(world: World, job_id: int, what: str, limit: float | None) -> Line:
    """Do a job as the worker does it, a piece a transaction."""
    world.be(SYSTEM)
    start, spent = time.perf_counter(), time.process_time()
    while not runner.run_batch(world.session, job_id=job_id, now=world.now):
        world.session.commit()
    world.session.commit()
    took, spent = time.perf_counter() - start, time.process_time() - spent
    world.be("sales")
    done = jobs.tally(world.session, job_id)
    note = (
        f"{spent:.1f} s of our processor time, {sum(done.values()):,} items, {len(done)} state(s)"
    )
    return Line(what, took, limit, "s", note)
