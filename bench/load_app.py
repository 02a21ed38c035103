"""What `bench load` serves: the product, and one bare route of the same process model beside it."""

import sqlalchemy as sa
from flask import Flask

import admin_app
from models.core.base import db
from models.customers.customer import Customer

ROW: sa.Table = Customer.__table__  # type: ignore[assignment] # a table, as declared


def app() -> Flask:
    """Return the application with `/bench/row`: one row by its key, as JSON, nothing around it."""
    made = admin_app.create_app()

    @made.get("/bench/row")
    def row() -> dict[str, object]:
        with db.engine.connect() as connection:
            query = sa.select(ROW.c.id, ROW.c.company).where(ROW.c.id == 1)
            return dict(connection.execute(query).mappings().one())

    return made
