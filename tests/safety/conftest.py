"""A company to attack: one copy a module, everybody logged in, the database compared."""

import pytest
import sqlalchemy as sa

import models as m
from tests.support.company import seed_company
from tests.support.visitors import Visitors
from tests.support.world import dump


class Target(Visitors):
    """The application under attack, with short ways to look into its database."""

    def row(self, model, **where):
        """Return one row by plain columns, past every gate."""
        table = model.__table__
        query = sa.select(table).where(*(table.c[k] == v for k, v in where.items()))
        with self.app.app_context(), m.db.engine.connect() as connection:
            return connection.execute(query.order_by(table.c.id).limit(1)).one()

    def customer(self, who="sales"):
        return self.row(m.Customer, company=f"{who}的客户")

    def user(self, who):
        return self.row(m.User, email=f"{who}@demo.tcos.cn")

    def dump(self):
        return dump(self.app)


@pytest.fixture(scope="module")
def target(databases):
    with databases.lent("sqlite", seed_company) as app:
        yield Target(app)


@pytest.fixture
def untouched(target):
    """The test's attacks leave every row of every table as it was; exports are audited."""
    before = target.dump()
    yield target
    after = target.dump()
    added = set(after["audit_log"]) - set(before["audit_log"])
    assert all("AuditAction.export" in row for row in added)
    assert {**after, "audit_log": before["audit_log"]} == before
