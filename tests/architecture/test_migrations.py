"""Migrations go back and come again in a company at work, and lose nothing: one, and many."""

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


BACK = "20261128_normal_form"  # a score of steps, of which many take a column away


def kept(tables):
    """Return every row of tables (name → columns), whatever is declared today."""
    with db.engine.connect() as connection:
        found = {}
        for name, columns in tables.items():
            table = sa.table(name, *map(sa.column, columns))
            found[name] = sorted(
                tuple(map(str, row)) for row in connection.execute(sa.select(table)).all()
            )
        return found


def schema():
    """Return table → columns of the database as it is."""
    inspector = sa.inspect(db.engine)
    names = [n for n in inspector.get_table_names() if n in Model.metadata.tables]
    return {n: sorted(c["name"] for c in inspector.get_columns(n)) for n in names}


def triggers():
    lite = db.engine.dialect.name == "sqlite"
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if lite
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with db.engine.connect() as connection:
        return set(connection.exec_driver_sql(query).scalars())


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_many_migrations_go_down_in_one_command_and_up_again(databases, kind):
    with databases.lent(kind, seed_company) as app, app.app_context():
        now, guarded, started = schema(), triggers(), kept(schema())
        assert started["order_milestone"]

        downgrade(revision=BACK)
        old = {name: columns for name, columns in schema().items() if name in now}
        behind = kept(old)
        contract = sa.table("contract", sa.column("name"), sa.column("approval"))
        pending = sa.update(contract).where(contract.c.approval == "pending").values(name="x")
        with (
            pytest.raises(sa.exc.IntegrityError, match="record_is_pending"),
            db.engine.begin() as connection,
        ):
            connection.execute(pending)
        upgrade()

        check()
        assert (schema(), triggers()) == (now, guarded)
        assert kept(old) == behind
        assert now != old
        assert behind == {
            name: sorted(
                tuple(row[now[name].index(one)] for one in columns) for row in started[name]
            )
            for name, columns in old.items()
        }


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{prefix}-{yyyymmdd}-{n}", "{prefix}-{yyyymmdd}-{letter}{n}"),
        ("{letter}/{yyyymmdd}/{n}", "{letter}/{yyyymmdd}/{n}"),
        ("{yyyymmdd}{n}" + "-" * 67, "{yyyymmdd}{n}" + "-" * 67),  # no room for more
    ],
)
def test_a_rule_of_before_gets_the_letter_of_its_classes(databases, kind, before, after):
    with databases.lent(kind) as app, app.app_context():
        downgrade(revision="20261129_touched_contracts")
        rule = sa.table("number_rule", sa.column("noun"), sa.column("pattern"))
        with db.engine.begin() as connection:
            others = connection.execute(sa.select(rule).where(rule.c.noun != "customer")).all()
            older = sa.update(rule).where(rule.c.noun == "customer").values(pattern=before)
            connection.execute(older)
        upgrade()

        with db.engine.connect() as connection:
            found = dict(connection.execute(sa.select(rule)).all())
            assert found == {**dict(others), "customer": after}
