"""What is kept of customers tells the same as the raw rows, whatever writes them."""

import datetime as dt
import random

import pytest
import sqlalchemy as sa

from dashboards import kept_figures
from dashboards.core.columns import missing
from dashboards.rollups.customers import CUSTOMERS
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.payment import Payment
from models.sales.follow_up import FollowUp, FollowUpKind, Origin
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from tests.support import clock
from tests.support.raw import copied, execute, fold, keys, notes, one_of

CUSTOMER, CONTRACT, PAYMENT = Customer.__table__, Contract.__table__, Payment.__table__
CALL, PLAN, DEAL = FollowUp.__table__, FollowUpPlan.__table__, Opportunity.__table__
BY_PERSON = {"request_id": None, "origin": Origin.manual, "kind": FollowUpKind.call}
STATES = (
    {},
    {"sort": "-contract_amount"},
    {"sort": "follow_ups_30"},
    {"sort": "last_at"},
    {"only": "alert"},
    {"only": "dealing"},
    {"only": "unpaid", "sort": "-unpaid"},
    {"bucket": "never"},
    {"bucket": "181"},
)


def verify(cockpit):
    found = kept_figures.verify(cockpit.world.session, CUSTOMERS)
    cockpit.world.session.rollback()
    return found


def told(cockpit, who="analyst", states=STATES):
    """Return every number of every row in its order, the totals and the chart."""
    found = []
    for state in states:
        page = cockpit.read("tracking", who, size=200, **state)
        rows = [{k: None if missing(v) else v for k, v in row.items()} for row in page.records]
        found.append((state, rows, page.totals))
    found += [figure.to_json() for figure in cockpit.figures("tracking", who)]
    cockpit.world.session.rollback()
    return found


def ago(rng):
    return clock.now() - dt.timedelta(days=rng.randint(0, 200))


def gone(rng):
    return rng.choice([None, clock.now()])


def changed(table, **values):
    """Return a write that sets columns of some row."""
    return lambda rng, app: (
        sa.update(table)
        .where(one_of(rng, app, table))
        .values({name: make(rng) for name, make in values.items()})
    )


WRITES = {
    "called at another time": changed(CALL, at=ago),
    "call in the bin": changed(CALL, deleted_at=gone),
    "call left by an approval": changed(CALL, origin=lambda rng: rng.choice([*Origin])),
    "call of another": lambda rng, app: (
        sa.update(CALL)
        .where(one_of(rng, app, CALL))
        .values(customer_id=rng.choice(keys(app, CUSTOMER)), opportunity_id=None, contract_id=None)
    ),
    "one more call": lambda rng, app: copied(
        app, CALL, rng.choice(keys(app, CALL)), at=ago(rng), **BY_PERSON
    ),
    "plan moved": changed(PLAN, due_at=ago),
    "plan done": changed(PLAN, done_at=gone),
    "deal in the bin": changed(DEAL, deleted_at=gone),
    "deal worth more": changed(DEAL, amount=lambda rng: rng.randint(0, 9_000_000)),
    "contract in the bin": changed(CONTRACT, deleted_at=gone),
    "paid another day": changed(
        PAYMENT, paid_on=lambda rng: clock.now().date() + dt.timedelta(days=rng.randint(-90, 90))
    ),
    "payment in the bin": changed(PAYMENT, deleted_at=gone),
}


def test_what_is_kept_tells_the_same_as_the_raw_rows(books, cockpit):
    assert notes(books, CUSTOMERS)
    people = ("analyst", "sales", "manager")
    before = {who: told(cockpit, who) for who in people}
    fold(cockpit.world.session, CUSTOMERS)
    assert not notes(books, CUSTOMERS)
    assert {who: told(cockpit, who) for who in people} == before
    assert verify(cockpit) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_after_any_writing_past_the_services_it_tells_the_raw_rows(books, cockpit, seed):
    rng, done = random.Random(seed), []
    fold(cockpit.world.session, CUSTOMERS)
    for name in rng.sample([*WRITES], len(WRITES)):
        try:
            execute(books, WRITES[name](rng, books))
        except sa.exc.DBAPIError:  # a guard of the database has the last word
            continue
        done.append(name)
        states = rng.sample(STATES, 2)
        mixed = told(cockpit, states=states)
        assert verify(cockpit) == []
        execute(books, sa.delete(CUSTOMERS.stored), sa.delete(CUSTOMERS.notes))
        execute(books, sa.insert(CUSTOMERS.notes).from_select(["customer_id"], CUSTOMERS.every()))
        assert told(cockpit, states=states) == mixed, done
        fold(cockpit.world.session, CUSTOMERS)
    assert len(done) > len(WRITES) / 2


def test_what_lies_in_the_future_does_not_count_today(books, cockpit):
    fold(cockpit.world.session, CUSTOMERS)
    before = told(cockpit)
    ahead = clock.now() + dt.timedelta(days=40)
    execute(
        books,
        copied(books, CALL, keys(books, CALL)[0], at=ahead, **BY_PERSON),
        copied(books, PAYMENT, keys(books, PAYMENT)[0], code="X-1", paid_on=ahead.date()),
    )
    assert told(cockpit) == before
    fold(cockpit.world.session, CUSTOMERS)
    assert told(cockpit) == before


def test_a_new_customer_stands_there_at_once_and_one_that_is_gone_leaves_nothing(books, cockpit):
    fold(cockpit.world.session, CUSTOMERS)
    count = cockpit.read("tracking").count
    cockpit.world.session.rollback()
    execute(books, copied(books, CUSTOMER, keys(books, CUSTOMER)[0], code="KH-NEW", company="新"))
    assert cockpit.read("tracking").count == count + 1
    fold(cockpit.world.session, CUSTOMERS)
    assert cockpit.read("tracking", sort="-code").count == count + 1
    cockpit.world.session.rollback()
    execute(books, sa.delete(CUSTOMER).where(CUSTOMER.c.code == "KH-NEW"))
    fold(cockpit.world.session, CUSTOMERS)
    assert verify(cockpit) == []
    assert cockpit.read("tracking").count == count
