"""Laws 11 and 12: three separate bars, overdue at read time and per instalment; the enquiry."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

import models as m
from services import enquiry, payment
from services.capital import capital
from services.errors import Refused
from services.progress import figures
from tests.support.world import World, count_queries, login, token_of

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
    return customer, world.approved(model=m.Contract, key=contract)


def pay(world, contract, amount, *, confirmed=True):
    with world.acting("sales"):
        key = world.create(m.Payment, contract_id=contract, paid_on=DAY, amount=amount).id
    if confirmed:
        with world.acting("finance"):
            row = world.get(m.Payment, key)
            payment.confirm(world.session, row, by=world.actor, now=world.now)


def read(world, contract, day=DAY):
    world.be("admin")
    return figures(world.session, [world.get(m.Contract, contract)], day=day)[contract]


def test_the_three_bars_are_separate(world):
    _customer, contract = running(world)
    pay(world, contract, 20_000_00)
    with world.acting("office"):
        order = world.session.query(m.Order).one()
        step = order.milestones[0]
        step.state, step.done_on = m.MilestoneState.done, DAY
    with world.acting("finance"):
        invoice = world.create(
            m.Invoice, contract_id=contract, amount=50_000_00, number="N1", issued_on=DAY
        )
        assert invoice.state is m.InvoiceState.issued

    found = read(world, contract)

    assert (found.delivery, found.invoicing, found.collection) == (20, 50, 20)


def test_an_instalment_is_overdue_the_day_after_and_no_row_says_so(world):
    _customer, contract = running(world)
    pay(world, contract, 20_000_00)

    today = read(world, contract)
    assert [amount for _caption, amount in today.ages] == [70_000_00, 10_000_00, 0, 0, 0]
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


def test_a_customer_without_an_account_sees_his_order_and_nobody_elses(world):
    running(world, **{"primary.mobile": "13912345678"})
    running(world, **{"primary.mobile": "13700137000"})
    world.be(None)

    right = enquiry.enquire(
        world.session, "yav-dd-20261123-01", "139 1234 5678", address="a", now=world.now
    )
    wrong = enquiry.enquire(
        world.session, "YAV-DD-20261123-01", "13700137000", address="a", now=world.now
    )

    assert right.order.code == "YAV-DD-20261123-01"
    assert [step.ordinal for step in right.steps] == [1, 2, 3, 4, 5]
    assert wrong is None


@pytest.mark.parametrize("same", ["address", "number"])
def test_at_most_ten_guesses_a_day_are_answered(world, same):
    world.be(None)

    def guess(n, now):
        address = "a" if same == "address" else f"a{n}"
        number = "X" if same == "number" else f"X{n}"
        return enquiry.enquire(world.session, number, "13900000000", address=address, now=now)

    for n in range(enquiry.GUESSES):
        assert guess(n, world.now) is None
    with pytest.raises(Refused) as refusal:
        guess(10, world.now)
    assert refusal.value.status == 429
    assert guess(11, world.now + dt.timedelta(days=1)) is None


def test_the_public_page_counts_every_try_and_answers_429(app):
    client = app.test_client()
    page = client.get("/progress/").get_data(as_text=True)
    data = {"csrf_token": token_of(page), "number": "YAV-DD-1", "mobile": "13900000000"}

    answers = [client.post("/progress/", data=data).status_code for _n in range(12)]

    assert answers == [200] * 10 + [429] * 2


def test_colleagues_find_orders_by_every_key_but_no_masked_mobile(world):
    running(world, **{"company": "武汉楚天激光有限公司", "primary.mobile": "13912345678"})

    def found(who, text):
        by = world.be(who)
        return len(enquiry.search(world.session, text, by=by, now=world.now))

    for text in ("楚天激光", "YAV-DD-20261123", "YAV-HT-20261123", "供货", "13912345678"):
        assert found("sales", text) == 1
    assert found("finance", "楚天激光") == 1
    assert found("finance", "13912345678") == 0
    assert found("sales2", "楚天激光") == 0
    assert found("sales", "%") == 0


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (10, "壹角整"),
        (100, "壹元整"),
        (105, "壹元零伍分"),
        (123456, "壹仟贰佰叁拾肆元伍角陆分"),
        (1_000_000_00, "壹佰万元整"),
        (1_000_100_00, "壹佰万零壹佰元整"),
        (10_001_00, "壹万零壹元整"),
        (100_000_001_00, "壹亿零壹元整"),
        (12_0050_0000_00, "壹拾贰亿零伍拾万元整"),
        (-38_500_00, "负叁万捌仟伍佰元整"),
    ],
)
def test_amounts_are_spelled_as_cheques_do(fen, text):
    assert capital(fen) == text


@given(st.integers(min_value=1, max_value=10**15))
def test_a_spelled_amount_never_says_zero_twice_nor_ends_on_it(fen):
    text = capital(fen)

    assert "零零" not in text
    assert "零元" not in text
    assert text.endswith(("整", "分"))
