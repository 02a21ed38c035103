"""Rows written past every service, as a foreign program would, and what was noted of them."""

import sqlalchemy as sa

from dashboards import kept_figures
from models.core.base import db
from services.core.engine import writing


def execute(app, *statements):
    """Write past every service."""
    with app.app_context(), writing(on=True), db.engine.begin() as connection:
        return [connection.execute(one) for one in statements]


def keys(app, table):
    """Return the keys of a table, ascending."""
    with app.app_context(), db.engine.connect() as connection:
        return list(connection.scalars(sa.select(table.c.id).order_by(table.c.id)))


def one_of(rng, app, table):
    """Return the clause of some row of a table."""
    return table.c.id == rng.choice(keys(app, table))


def copied(app, table, key, **changes):
    """Return the insertion of a row like another."""
    with app.app_context(), db.engine.connect() as connection:
        row = dict(connection.execute(sa.select(table).where(table.c.id == key)).mappings().one())
    del row["id"]
    return sa.insert(table).values(**row | changes)


def notes(app, roll_up):
    """Return how many notes of a roll-up there are."""
    with app.app_context(), db.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(roll_up.notes))


def fold(session, *roll_ups):
    """Work out what is noted, as the worker does."""
    session.rollback()
    with writing(on=True):
        for one in roll_ups:
            while kept_figures.fold(session, one):
                pass
