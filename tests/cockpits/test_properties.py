"""Totals by SQL equal a plain recomputation in Python, whatever the books say."""

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards.pages import SUMMARIES
from models.core.base import db
from models.customers.customer import Customer
from models.deals.contract import Contract, ContractState
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from models.deals.payment_plan import PaymentPlan
from tests.support.books import Books
from tests.support.world import NOW, World, seed_people

TODAY = dt.date(2026, 11, 23)
PERIOD = (dt.date(2026, 10, 1), dt.date(2026, 12, 31))
OWNERS = ("sales", "sales2")
DAYS = st.integers(-80, 60).map(lambda n: TODAY + dt.timedelta(days=n))
CENTS = st.integers(1, 10_000_000)
LINE = st.tuples(CENTS, DAYS, st.sampled_from(OWNERS))
# (share of the amount that goes to a line by hand, amount, day, confirmed)
PAYMENT = st.tuples(st.sampled_from((0, 1)), st.integers(-5_000_000, 12_000_000), DAYS,
                    st.booleans())  # fmt: skip


def sound(payments):
    """Return payments in an order in which nothing is given back that did not come in."""
    found, there = [], 0
    for payment in sorted(payments, key=lambda p: -p[1]):
        after = there + payment[1] * payment[3]
        if after >= 0 or not payment[3]:
            found.append(payment)
            there = after
    return found


CONTRACT = st.fixed_dictionaries(
    {
        "signer": st.sampled_from(OWNERS),
        "signed": DAYS,
        "state": st.sampled_from((ContractState.active, ContractState.void)),
        "lines": st.lists(LINE, max_size=3),
        "payments": st.lists(PAYMENT.filter(lambda p: p[1] != 0), max_size=4).map(sound),
    }
)


def amount_of(contract):
    return sum(line[0] for line in contract["lines"]) or 1_000_00


def counted(contract):
    return [p for p in contract["payments"] if p[3] and p[2] <= TODAY]


def inside(day):
    return PERIOD[0] <= day <= PERIOD[1]


def by_hand(contract, payment):
    """Return what of a payment is allocated to the first line by hand."""
    part = contract["lines"][0][0] // 10 if payment[0] and contract["lines"] else 0
    return part if part <= payment[1] else 0


def settled(contract):
    """Return [amount, due, owner, settled]: by hand, then oldest first; refunds newest first."""
    plan = contract["lines"] or [(amount_of(contract), contract["signed"], contract["signer"])]
    order = sorted(range(len(plan)), key=lambda n: (plan[n][1], n))
    rows = [[*plan[n], 0] for n in order]
    paid = counted(contract)
    direct = sum(by_hand(contract, p) for p in paid)
    if contract["lines"]:
        first = rows[order.index(0)]
        first[3] = min(max(direct, 0), first[0])
    rest = sum(p[1] for p in paid) - direct
    for row in rows:
        part = min(max(rest, 0), row[0] - row[3]) if rest > 0 else 0
        row[3] += part
        rest -= part
    for row in reversed(rows):
        part = min(-rest, row[3]) if rest < 0 else 0
        row[3] -= part
        rest += part
    return rows


def expected(contracts):
    force = [c for c in contracts if c["state"] is ContractState.active]
    lines = [row for c in force for row in settled(c) if inside(row[1])]
    signed = [c for c in force if inside(c["signed"])]
    paid = {id(c): sum(p[1] for p in counted(c)) for c in force}
    late = [amount - got for amount, due, _owner, got in lines if due < TODAY and amount > got]
    return {
        "due": sum(row[0] for row in lines),
        "settled": sum(row[3] for row in lines),
        "overdue": sum(late),
        "overdue_lines": len(late),
        "cash": sum(p[1] for c in force for p in counted(c) if inside(p[2])),
        "contracts": len(signed),
        "amount": sum(amount_of(c) for c in signed),
        "collected": sum(paid[id(c)] for c in signed),
        "unpaid": sum(max(amount_of(c) - paid[id(c)], 0) for c in signed),
    }


def write(connection, contracts):
    """Empty the books and write these."""
    for model in (PaymentAllocation, Payment, PaymentPlan, Contract, Customer):
        connection.execute(sa.delete(model.__table__))
    books = Books(connection)
    customer = books.customer("甲公司")
    for contract in contracts:
        key, plan = books.contract(
            customer,
            contract["signer"],
            amount_of(contract),
            contract["signed"].isoformat(),
            [(amount, due.isoformat(), owner) for amount, due, owner in contract["lines"]],
            state=contract["state"],
        )
        for payment in contract["payments"]:
            hand = by_hand(contract, payment)
            more = {} if payment[3] else {"state": PaymentState.registered, "confirmed_at": None}
            books.payment(
                customer, key, payment[1], payment[2].isoformat(), contract["signer"],
                [(plan[0], hand)] if hand else [], **more,
            )  # fmt: skip


@pytest.fixture(params=["sqlite", "postgres"])
def app(request, databases):
    with databases.lent(request.param, seed_people) as found:
        yield found


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(contracts=st.lists(CONTRACT, max_size=4))
def test_totals_equal_a_plain_recomputation(app, contracts):
    with World(app) as world:
        with db.engine.begin() as connection:
            write(connection, contracts)
        world.be("analyst")
        state = {"from": [PERIOD[0].isoformat()], "to": [PERIOD[1].isoformat()]}
        found = {}
        for key in ("performance", "collections"):
            for by in ("owner", "customer"):
                query = SUMMARIES[key].query(state | {"by": [by]}, now=NOW)
                totals = SUMMARIES[key].read(world.session, world.actor, query).totals
                found |= totals

                wanted = expected(contracts)
                for name in wanted.keys() & totals.keys():
                    assert totals[name] == wanted[name], (key, by, name)
        assert found["due"] == found["settled"] + found["open"]
