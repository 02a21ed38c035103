"""Many customers in one statement, and the worker's round: for what only shows with many."""

import sqlalchemy as sa

from jobs import deliver
from jobs.queue import KNOWN
from models.core.base import db
from models.customers.customer import Customer


def crowd(world, many, who="sales", **changes):
    """Return the key of a draft of somebody that stands `many` times, the last ones as copies."""
    key = world.customer(who, **changes)
    table = Customer.__table__
    with world.app.app_context(), db.engine.begin() as connection:
        one = dict(connection.execute(sa.select(table).where(table.c.id == key)).mappings().one())
        del one["id"]
        rows = [one | {"company": f"{one['company']}{n}"} for n in range(1, many)]
        connection.execute(sa.insert(table), rows)
    return key


def worked(app):
    """Let the worker do what waits for it; return how many tasks it finished."""
    return deliver.tasks(app, KNOWN)
