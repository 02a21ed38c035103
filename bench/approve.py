"""Many requests approved in one bulk verb, against one bare UPDATE of as many rows."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import models as m
from bench.report import Line, Options, seconds
from services import approval
from tests.support.databases import Databases
from tests.support.world import World, make_app, seed_people


def run(options: Options) -> Iterator[Line]:
    """Submit, then decide, on both databases."""
    with tempfile.TemporaryDirectory() as folder:
        databases = Databases(Path(folder), seed_people)
        try:
            for kind in ("sqlite", "postgres"):
                with databases.fresh(kind) as url, World(make_app(url)) as world:
                    yield _line(world, kind, options.items)
        finally:
            databases.close()


def _line(world: World, kind: str, many: int) -> Line:
    _submit(world, many)
    world.be("reviewer")
    request = m.ApprovalRequest
    seen = world.session.execute(sa.select(request.id, request.seen_version)).all()
    items = [(key, version) for key, version in seen]
    world.session.rollback()
    ours = seconds(lambda: _approve(world, items))
    bare = seconds(_bare)
    done = world.session.scalar(
        sa.select(sa.func.count()).where(m.BatchItem.state == m.ItemState.done)
    )
    return Line(f"approve {many:,} in bulk, {kind}", 1000 * ours, 1000 * bare, note=f"{done} done")


def _submit(world: World, many: int) -> None:
    with world.acting("sales"):
        for _n in range(many):
            record = world.create(m.Customer, **world.customer_values())
            approval.submit(world.session, record, by=world.actor, now=world.now)


def _approve(world: World, items: list[tuple[int, int]]) -> None:
    with world.acting("reviewer"):
        approval.decide_many(
            world.session, items, verb="approve", comment=None, by=world.actor, now=world.now
        )


def _bare() -> None:
    """Write one status column of the same customers: the least any approval could cost."""
    table: Any = m.Customer.__table__
    with m.db.engine.begin() as connection:
        connection.execute(sa.update(table).values(status=m.CustomerStatus.contacting))
