"""The newest migration goes back and comes again in a company at work, and loses nothing."""

import pytest
import sqlalchemy as sa
from flask_migrate import check, downgrade, upgrade

from models.core.base import Model, db
from tests.support.company import seed_company


def content():
    """Return every row of every table by its declared columns: a migration may move them about."""
    with db.engine.connect() as connection:
        return {
            table.name: sorted(
                tuple(map(str, row)) for row in connection.execute(sa.select(table)).all()
            )
            for table in Model.metadata.sorted_tables
        }


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_newest_migration_goes_down_and_up_on_a_company_at_work(databases, kind):
    with databases.lent(kind, seed_company) as app, app.app_context():
        before = content()
        assert all(before[name] for name in ("customer", "contact", "contract", "opportunity"))

        downgrade(revision="-1")
        upgrade()

        check()  # exits where tables and declarations differ
        assert content() == before
