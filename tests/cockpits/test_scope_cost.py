"""What somebody does not see costs him nothing: the payments of others are not read for him."""

import sqlalchemy as sa

from dashboards.core.sql import snapshot
from dashboards.measures.instalments import SETTLED
from dashboards.pages import SUMMARIES
from models.core.base import db
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.payment import Payment
from tests.support.books import Books
from tests.support.effort import effort
from tests.support.raw import fold

CONTRACTS, PAYMENTS = 500, 20
ROW = {"sqlite": 10, "postgresql": 1}  # what effort counts for a row read
STATES = (
    ("performance", {"by": "customer"}),
    ("performance", {"by": "contract"}),
    ("performance", {"by": "owner", "only": "unpaid"}),
    ("performance", {"by": "customer", "only": "unpaid"}),
    ("collections", {"by": "payment", "only": "unpaid"}),
    ("opportunities", {"by": "row", "only": "unpaid"}),
)


def cost(cockpit, key, state):
    """Return what the rows and totals of a page of `sales2` cost."""
    cockpit.world.be("sales2")
    session, query = cockpit.world.session, cockpit.query(key, preset="year", **state)
    with effort(db.engine) as statements:
        snapshot(session)
        SUMMARIES[key].read(session, cockpit.world.actor, query)
    session.rollback()
    return sum(one.cost for one in statements)


def much_of_others():
    """Write contracts of `sales` with many payments each, and let the database look at them."""
    with db.engine.begin() as connection:
        books, table = Books(connection), Customer.__table__
        made, paid = Contract.__table__, Payment.__table__
        books.n = 1000
        first = connection.execute(
            sa.select(table.c.id).where(table.c.company == "甲公司")
        ).scalar_one()
        for _n in range(CONTRACTS):
            key, _plan = books.contract(first, "sales", PAYMENTS * 1_000_00, "2026-02-02")
            books.payment(first, key, 1_000_00, "2026-03-01", "sales")
        row = connection.execute(sa.select(paid).order_by(paid.c.id.desc()).limit(1)).mappings()
        like = {k: v for k, v in row.one().items() if k != "id"}
        ours = connection.execute(sa.select(made.c.id).where(made.c.amount == PAYMENTS * 1_000_00))
        more = [
            like | {"contract_id": key, "code": f"HK-{key}-{n}"}
            for key in ours.scalars()
            for n in range(PAYMENTS - 2)
        ]
        connection.execute(sa.insert(paid), more)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    db.engine.dispose()


def test_the_payments_of_others_are_not_read(cockpit):
    fold(cockpit.world.session, SETTLED)
    before = {n: cost(cockpit, key, state) for n, (key, state) in enumerate(STATES)}
    much_of_others()
    fold(cockpit.world.session, SETTLED)
    after = {n: cost(cockpit, key, state) for n, (key, state) in enumerate(STATES)}

    others = CONTRACTS * PAYMENTS * ROW[db.engine.dialect.name]
    more = [(STATES[n], after[n] - before[n]) for n in before]
    assert [one for one in more if one[1] > others / 2] == []
