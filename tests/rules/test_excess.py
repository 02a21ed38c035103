"""Money beyond the contract is said and told apart; confirmed money comes before registered."""

import datetime as dt

import pytest
import sqlalchemy as sa

from dashboards.pages import SUMMARIES
from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.payment import Payment, PaymentAllocation
from models.deals.payment_plan import PlanState
from services.deals import payment
from services.deals.progress import figures
from services.records import records
from tests.support import kept
from tests.support.visitors import Doors

DUES = (dt.date(2026, 10, 1), dt.date(2026, 11, 1), dt.date(2026, 12, 1))
PARTS = (127_908_00, 255_816_00, 42_636_00)
DAY = dt.date(2026, 11, 20)


@pytest.fixture
@kept.step
def contract(world):
    plan = [{"amount": a, "due_on": d} for a, d in zip(PARTS, DUES, strict=True)]
    key = world.contract(world.approved(), amount=sum(PARTS), plan=plan)
    return world.approved(model=Contract, key=key)


def said(world, contract, amount, day=DAY):
    world.be("finance")
    values = {"contract_id": contract, "amount": amount, "paid_on": day}
    told = records.warnings(world.call, Payment(), values)
    return {one.code: str(one.message) for one in told}


def pay(world, contract, amount, day=DAY):
    with world.acting("finance"):
        return world.create(Payment, contract_id=contract, amount=amount, paid_on=day).id


def move(world, verb, key):
    with world.acting("finance"):
        verb(world.call, world.get(Payment, key))


def paid(world, contract, amount):
    key = pay(world, contract, amount)
    move(world, payment.confirm, key)
    return key


def shares(world, key):
    part = PaymentAllocation.__table__
    query = sa.select(part.c.amount).where(part.c.payment_id == key).order_by(part.c.plan_id)
    world.be("finance")
    return list(world.session.execute(query).scalars())


def page(world, contract):
    world.be("finance")
    record = world.get(Contract, contract)
    return figures(world.session, [record], day=DAY)[contract]


def cockpit(world, start="2026-01-01", end="2026-12-31", by="contract"):
    world.be("finance")
    query = SUMMARIES["collections"].query(
        {"from": [start], "to": [end], "by": [by]}, now=world.now
    )
    return SUMMARIES["collections"].read(world.session, world.actor, query).totals


def test_confirmed_money_fills_an_instalment_before_money_only_registered(world, contract):
    first, second, third = (pay(world, contract, n) for n in (1_000_00, 1_000_00, 900_000_00))
    assert shares(world, second) == [1_000_00]

    move(world, payment.confirm, first)
    move(world, payment.confirm, third)

    assert shares(world, second) == []
    one = page(world, contract)
    assert [line.settled for line in one.plan] == list(PARTS)
    assert all(line.state is PlanState.done for line in one.plan)
    assert (one.unallocated, one.beyond) == (474_640_00, 474_640_00)
    row = cockpit(world)
    assert (row["surplus"], row["open"]) == (474_640_00, 0)


@pytest.mark.parametrize("by", ["contract", "plan", "owner", "month"])
def test_a_period_without_the_last_instalment_shows_money_beyond_the_contract_once(
    world, contract, by
):
    move(world, payment.confirm, pay(world, contract, sum(PARTS) + 50_00))

    for start, end in (("2026-10-01", "2026-11-30"), ("2026-12-01", "2026-12-31")):
        assert cockpit(world, start, end, by)["surplus"] == 50_00


def test_an_instalment_tells_what_is_registered_and_waits_to_be_confirmed(world, contract):
    key = pay(world, contract, PARTS[0] + 1_00)
    told = [(line.settled, line.registered) for line in page(world, contract).plan]
    assert told == [(0, PARTS[0]), (0, 1_00), (0, 0)]
    shown = Doors(world).get("finance", f"/admin/contract/details/?id={contract}").text
    assert "另有 127,908.00 已登记待确认" in shown

    move(world, payment.confirm, key)

    told = [(line.settled, line.registered) for line in page(world, contract).plan]
    assert told == [(PARTS[0], 0), (1_00, 0), (0, 0)]


def test_an_older_payment_only_registered_makes_way_for_a_confirmed_one(world, contract):
    old = pay(world, contract, PARTS[0], DUES[0])
    new = pay(world, contract, PARTS[0])
    assert shares(world, new) == [PARTS[0]]

    move(world, payment.confirm, new)

    assert [line.settled for line in page(world, contract).plan] == [PARTS[0], 0, 0]
    assert shares(world, old) == [PARTS[0]]


def test_what_was_paid_too_much_is_given_back_before_instalments_open_again(world, contract):
    key = pay(world, contract, sum(PARTS) + 500_00)
    move(world, payment.confirm, key)
    back = pay(world, contract, -500_00)
    move(world, payment.confirm, back)

    one = page(world, contract)
    assert shares(world, back) == []
    assert (one.settled, one.unallocated) == (3, 0)
    assert cockpit(world)["surplus"] == 0


def test_money_that_a_refund_took_fills_nothing_later(world, contract):
    over = pay(world, contract, sum(PARTS) + 20_000_00)
    move(world, payment.confirm, over)
    back = pay(world, contract, -25_000_00)
    move(world, payment.confirm, back)
    assert (shares(world, over), shares(world, back)) == (list(PARTS), [-5_000_00])

    more = pay(world, contract, 5_000_00)  # only registered: the confirmed ones stay as they are
    assert (shares(world, over), shares(world, back)) == (list(PARTS), [-5_000_00])
    assert shares(world, more) == [5_000_00]
    move(world, payment.confirm, more)

    assert (shares(world, over), shares(world, back)) == (list(PARTS), [-5_000_00])
    assert shares(world, more) == [5_000_00]
    one = page(world, contract)
    assert [line.settled for line in one.plan] == list(PARTS)
    assert one.unallocated == cockpit(world)["surplus"] == 0


@pytest.mark.parametrize("given_back", [[-20_000_00], [-8_000_00, -12_000_00], [-30_000_00, -1_00]])
def test_several_refunds_take_the_money_beyond_once(world, contract, given_back):
    amounts = [PARTS[0], sum(PARTS[1:]) + 20_000_00, *given_back]
    keys = [paid(world, contract, amount) for amount in amounts]
    first, second = keys[:2]
    owed = max(-sum(given_back) - 20_000_00, 0)
    before = page(world, contract)
    assert [line.settled for line in before.plan] == [*PARTS[:2], PARTS[2] - owed]

    late = paid(world, contract, owed + 7_00)

    assert shares(world, first) == [PARTS[0]]
    assert shares(world, second) == list(PARTS[1:])
    assert sum(shares(world, late)) == owed
    assert page(world, contract).unallocated == 7_00


def test_a_reversed_refund_gives_its_money_back_to_what_was_beyond(world, contract):
    over = pay(world, contract, sum(PARTS) + 20_000_00)
    move(world, payment.confirm, over)
    back = pay(world, contract, -25_000_00)
    move(world, payment.confirm, back)

    move(world, payment.reverse, back)

    assert shares(world, over) == list(PARTS)
    assert page(world, contract).unallocated == 20_000_00


def test_a_refund_is_reversed_though_later_money_filled_what_it_opened(world, contract):
    over = paid(world, contract, sum(PARTS) + 4_640_00)
    back = paid(world, contract, -6_000_00)
    more = paid(world, contract, 1_000_00)
    assert (shares(world, back), shares(world, more)) == ([-1_360_00], [1_000_00])

    move(world, payment.reverse, back)

    assert (shares(world, over), shares(world, more)) == (list(PARTS), [])
    one = page(world, contract)
    assert [line.settled for line in one.plan] == list(PARTS)
    assert one.unallocated == cockpit(world)["surplus"] == 5_640_00


def test_money_is_reversed_though_a_later_refund_lies_on_it(world, contract):
    first = paid(world, contract, PARTS[0] + PARTS[1])
    second = paid(world, contract, PARTS[2] + 1_000_00)
    back = paid(world, contract, -PARTS[2] - 5_000_00)
    assert [line.settled for line in page(world, contract).plan] == [
        PARTS[0], PARTS[1] - 4_000_00, 0,
    ]  # fmt: skip

    move(world, payment.reverse, second)

    left = PARTS[1] - PARTS[2] - 5_000_00
    assert shares(world, first) == list(PARTS[:2])
    assert shares(world, back) == [-PARTS[2] - 5_000_00]
    one = page(world, contract)
    assert [line.settled for line in one.plan] == [PARTS[0], left, 0]
    assert one.unallocated == cockpit(world)["surplus"] == 0


def test_of_two_refunds_on_a_line_the_newest_gives_way_when_its_money_is_reversed(world, contract):
    first = paid(world, contract, sum(PARTS[:2]) + 100_00)
    second = paid(world, contract, PARTS[2])
    for amount in (-2_000_00, -6_000_00):
        paid(world, contract, amount)

    move(world, payment.reverse, second)

    one = page(world, contract)
    assert sum(line.settled for line in one.plan) == sum(PARTS[:2]) + 100_00 - 8_000_00
    assert all(0 <= line.settled <= line.line.amount for line in one.plan)
    assert sum(shares(world, first)) <= sum(PARTS[:2]) + 100_00


def test_reversing_lets_money_without_an_instalment_take_its_place(world, contract):
    first, second = pay(world, contract, PARTS[0]), pay(world, contract, sum(PARTS))
    for key in (first, second):
        move(world, payment.confirm, key)
    assert page(world, contract).unallocated == PARTS[0]

    move(world, payment.reverse, first)

    assert [line.settled for line in page(world, contract).plan] == list(PARTS)
    assert page(world, contract).unallocated == cockpit(world)["surplus"] == 0


def test_money_beyond_the_contract_is_said_with_the_figure(small):
    customer = small.approved()
    contract = small.approved(model=Contract, key=small.contract(customer, amount=100_00))

    assert said(small, contract, 100_00) == {}
    assert "20.00" in said(small, contract, 120_00)["OVER_CONTRACT"]
    pay(small, contract, 70_00)
    assert "0.01" in said(small, contract, 30_01)["OVER_CONTRACT"]
    assert said(small, contract, 30_00) == {}
    assert said(small, contract, -30_00) == {}


def test_days_before_the_signing_are_said_beside_their_field(small):
    customer = small.approved()
    contract = small.approved(model=Contract, key=small.contract(customer))  # of 2026-11-01
    before = dt.date(2026, 10, 31)
    assert "2026-10-31" in said(small, contract, 1_00, before)["BEFORE_SIGNING"]
    small.be("finance")
    issued = {"contract_id": contract, "amount": 1_00, "issued_on": before}
    (told,) = records.warnings(small.call, Invoice(), issued)
    assert (told.field, told.code) == ("issued_on", "BEFORE_SIGNING")
    rows = [{"amount": 1_00, "due_on": day} for day in (DAY, before)]
    values = {"signed_on": dt.date(2026, 11, 1), "plan": rows, "deliver_on": before, "end_on": DAY}
    found = records.warnings(small.call, Contract(), values)
    assert [(one.field, one.code) for one in found] == [
        ("deliver_on", "BEFORE_SIGNING"),
        ("plan", "BEFORE_SIGNING"),
    ]


def test_the_same_contract_day_and_amount_is_said(small):
    contract = small.approved(model=Contract, key=small.contract(small.approved()))
    key = pay(small, contract, 70_00)

    small.be("finance")
    code = small.get(Payment, key).code
    assert code in said(small, contract, 70_00)["SAME_PAYMENT"]
    assert said(small, contract, 70_01) == {}
    assert said(small, contract, 70_00, DAY - dt.timedelta(days=1)) == {}
    move(small, payment.confirm, key)
    move(small, payment.reverse, key)
    assert said(small, contract, 70_00) == {}
