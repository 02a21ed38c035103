"""Laws 11 and 12: three separate bars, overdue at read time and per instalment; the enquiry."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceState
from models.deals.order import MilestoneState, Order
from models.deals.payment import Payment
from services.deals import payment
from services.deals.capital import capital
from services.deals.progress import figures
from tests.support.world import World, count_queries, login

DAY = dt.date(2026, 11, 23)
PLAN = [
    {"ratio_bp": 3000, "due_on": dt.date(2026, 11, 1)},
    {"ratio_bp": 6000, "due_on": dt.date(2026, 11, 23)},
    {"ratio_bp": 1000, "due_on": dt.date(2027, 6, 1)},
]


def running(world, **changes):
    """Return the keys of a customer and of its contract in force over 100,000.00 元."""
    customer = world.approved(**changes)
    contract = world.contract(customer, plan=[dict(row) for row in PLAN])
    return customer, world.approved(model=Contract, key=contract)


def pay(world, contract, amount, *, confirmed=True):
    with world.acting("sales"):
        key = world.create(Payment, contract_id=contract, paid_on=DAY, amount=amount).id
    if confirmed:
        with world.acting("finance"):
            row = world.get(Payment, key)
            payment.confirm(world.call, row)


def read(world, contract, day=DAY):
    world.be("admin")
    return figures(world.session, [world.get(Contract, contract)], day=day)[contract]


def test_the_three_bars_are_separate(world):
    _customer, contract = running(world)
    pay(world, contract, 20_000_00)
    with world.acting("office"):
        order = world.session.query(Order).one()
        step = order.milestones[0]
        step.state, step.done_on = MilestoneState.done, DAY
    with world.acting("finance"):
        invoice = world.create(
            Invoice, contract_id=contract, amount=50_000_00, number="N1", issued_on=DAY
        )
        assert invoice.state is InvoiceState.issued

    found = read(world, contract)

    assert (found.delivery, found.invoicing, found.collection) == (500, 5000, 2000)


def test_an_instalment_is_overdue_the_day_after_and_no_row_says_so(world):
    _customer, contract = running(world)
    pay(world, contract, 20_000_00)

    today = read(world, contract)
    assert [amount for _caption, amount in today.ages] == [70_000_00, 10_000_00, 0, 0, 0, 0]
    assert [(one.state.name, one.days) for one in today.plan] == [
        ("overdue", 22),
        ("upcoming", 0),
        ("upcoming", 0),
    ]
    tomorrow = read(world, contract, DAY + dt.timedelta(days=1))
    assert [one.line.ordinal for one in tomorrow.overdue] == [1, 2]
    assert sum(amount for _caption, amount in tomorrow.ages) == 80_000_00


def test_only_confirmed_money_settles(world):
    _customer, contract = running(world)
    pay(world, contract, 30_000_00, confirmed=False)

    assert read(world, contract).settled == 0

    pay(world, contract, 30_000_00)
    assert read(world, contract).paid == 30_000_00


def test_the_contract_list_shows_paid_of_all_and_what_is_overdue(lite):
    with World(lite) as world:
        _customer, contract = running(world)
        pay(world, contract, 30_000_00)
    client = lite.test_client()
    login(client, "sales")

    with count_queries(lite) as statements:
        page = client.get("/admin/contract/").get_data(as_text=True)

    assert "1/3" in page
    assert "30%" in page
    assert len(statements) <= 15


@given(st.integers(min_value=1, max_value=10**15))
def test_a_spelled_amount_never_says_zero_twice_nor_ends_on_it(fen):
    text = capital(fen)

    assert "零零" not in text
    assert "零元" not in text
    assert text.endswith(("整", "分"))
