"""A company to attack: one copy a module, everybody logged in, the database compared."""

import contextlib
import sqlite3

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.customers.customer import Customer
from models.people.user import User
from tests.support.company import seed_company
from tests.support.visitors import Visitors
from tests.support.world import dump


class Target(Visitors):
    """The application under attack, with short ways to look into its database."""

    watch = version = known = None

    def row(self, model, **where):
        """Return one row by plain columns, past every gate."""
        table = model.__table__
        query = sa.select(table).where(*(table.c[k] == v for k, v in where.items()))
        with self.app.app_context(), db.engine.connect() as connection:
            return connection.execute(query.order_by(table.c.id).limit(1)).one()

    def customer(self, who="sales"):
        return self.row(Customer, company=f"{who}的客户")

    def user(self, who):
        return self.row(User, email=f"{who}@demo.tcos.cn")

    def dump(self):
        """Return every row of every table; read again only when somebody has committed a change."""
        if self.watch is None:
            return dump(self.app)
        version = self.watch.execute("PRAGMA data_version").fetchone()
        if version != self.version:
            self.version, self.known = version, dump(self.app)
        return self.known

    @contextlib.contextmanager
    def watched(self):
        """Notice on SQLite whether anything was written at all: most attacks write nothing."""
        path = sa.make_url(self.app.config["SQLALCHEMY_DATABASE_URI"]).database
        with contextlib.closing(sqlite3.connect(path)) as self.watch:
            yield self
        self.watch = None


@pytest.fixture(scope="module")
def target(databases):
    with databases.lent("sqlite", seed_company) as app, Target(app).watched() as found:
        yield found


@pytest.fixture
def untouched(target):
    """The test's attacks leave every row of every table as it was; exports are audited."""
    before = target.dump()
    yield target
    after = target.dump()
    added = set(after["audit_log"]) - set(before["audit_log"])
    assert all("'export'" in row for row in added)
    assert {**after, "audit_log": before["audit_log"]} == before
