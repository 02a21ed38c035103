"""Collections, invoices and milestones: what is registered, confirmed, taken back."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.order import MilestoneState, Order
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from services.core.errors import Forbidden, Invalid, Locked
from services.deals import payment
from services.deals.order.milestones import progress
from services.records import records
from services.rights.actor import SYSTEM
from tests.support import kept

TOMORROW = dt.date(2026, 11, 24)
PAID = dt.date(2026, 11, 20)


@pytest.fixture
@kept.step
def contract(world):
    plan = [
        {"ratio_bp": 3000, "due_on": dt.date(2026, 11, 1)},
        {"ratio_bp": 7000, "due_on": dt.date(2026, 12, 1)},
    ]
    return world.approved(model=Contract, key=world.contract(world.approved(), plan=plan))


def pay(world, contract, amount=100_00, who="finance", **values):
    with world.acting(who):
        values = {"contract_id": contract, "amount": amount, "paid_on": PAID, **values}
        return world.create(Payment, **values).id


def verb(world, act, key, who="finance"):
    with world.acting(who):
        act(world.call, world.get(Payment, key))


def shares(world, key):
    part = PaymentAllocation.__table__
    query = sa.select(part.c.amount).where(part.c.payment_id == key).order_by(part.c.plan_id)
    world.be("finance")
    return list(world.session.execute(query).scalars())


def test_money_fills_the_oldest_instalments_and_a_refund_empties_the_newest(world, contract):
    first = pay(world, contract, 40_000_00)
    verb(world, payment.confirm, first)
    back = pay(world, contract, -15_000_00)

    assert shares(world, first) == [30_000_00, 10_000_00]
    assert shares(world, back) == [-5_000_00, -10_000_00]


def test_no_more_is_given_back_than_is_confirmed(world, contract):
    key = pay(world, contract, 100_00)
    with pytest.raises(Invalid) as refusal:
        pay(world, contract, -1)  # registered is not received
    assert set(refusal.value.errors) == {"amount"}

    verb(world, payment.confirm, key)
    with pytest.raises(Invalid):
        pay(world, contract, -100_01)
    first, second = (pay(world, contract, -60_00) for _n in range(2))
    verb(world, payment.confirm, first)
    with pytest.raises(Invalid) as refusal:
        verb(world, payment.confirm, second)

    assert set(refusal.value.errors) == {"amount"}
    assert world.get(Payment, second).state is PaymentState.registered


def test_a_refunded_payment_is_reversed_after_its_refund_alone(world, contract):
    first, second = (pay(world, contract, n) for n in (100_00, 50_00))
    for key in (first, second):
        verb(world, payment.confirm, key)
    back = pay(world, contract, -80_00)
    verb(world, payment.confirm, back)

    with pytest.raises(Locked) as refusal:
        verb(world, payment.reverse, first)
    assert (refusal.value.code, refusal.value.field) == ("REFUNDED", "amount")
    assert "30.00" in str(refusal.value)
    world.be("finance")
    assert world.get(Payment, first).state is PaymentState.confirmed

    verb(world, payment.reverse, second)  # what is left still covers the refund
    verb(world, payment.reverse, back)
    verb(world, payment.reverse, first)
    assert payment.received(world.session, contract) == 0


def test_the_database_itself_keeps_refunds_within_what_came_in(world, contract):
    key = pay(world, contract, 100_00)
    verb(world, payment.confirm, key)
    back = pay(world, contract, -80_00)
    verb(world, payment.confirm, back)
    table = Payment.__table__
    world.be(SYSTEM)
    undone = sa.update(table).where(table.c.id == key).values(state=PaymentState.reversed)

    with pytest.raises(sa.exc.DBAPIError, match="refunds_exceed_payments"):
        world.session.execute(undone)
    world.session.rollback()


@pytest.mark.parametrize(
    ("values", "field"), [({"amount": 0}, "amount"), ({"paid_on": TOMORROW}, "paid_on")]
)
def test_no_money_and_money_of_tomorrow_are_refused(world, contract, values, field):
    with pytest.raises(Invalid) as refusal:
        pay(world, contract, **values)

    assert set(refusal.value.errors) == {field}


def test_money_comes_on_a_contract_in_force_alone(world):
    draft = world.contract(world.approved())

    with pytest.raises(Invalid) as refusal:
        pay(world, draft)

    assert set(refusal.value.errors) == {"contract_id"}


def test_only_finance_confirms_and_each_step_once(world, contract):
    key = pay(world, contract)
    with pytest.raises(Forbidden):
        verb(world, payment.confirm, key, who="sales")
    with pytest.raises(Locked):
        verb(world, payment.reverse, key)

    verb(world, payment.confirm, key)
    with pytest.raises(Locked):
        verb(world, payment.confirm, key)
    verb(world, payment.reverse, key)

    assert world.get(Payment, key).state is PaymentState.reversed


def change(call, record):
    records.update(call, record, {"amount": 5}, seen=None)


def delete(call, record):
    records.remove(call, record, seen=None)


@pytest.fixture
def settled(world, contract):
    """A contract that is paid: what else comes in has no share that keeps it from deletion."""
    pay(world, contract, 100_000_00)
    return contract


@pytest.mark.parametrize("last", [payment.confirm, payment.reverse])
def test_a_confirmed_payment_is_neither_changed_nor_deleted(world, settled, last):
    key = pay(world, settled)
    verb(world, payment.confirm, key)
    if last is payment.reverse:
        verb(world, payment.reverse, key)

    for act in (change, delete):
        with pytest.raises(Locked):
            verb(world, act, key)

    world.be("finance")
    kept = world.get(Payment, key)
    assert (kept.amount, kept.deleted_at) == (100_00, None)


def test_a_registered_payment_is_changed_and_deleted_by_who_registered_it_and_by_finance(
    world, settled
):
    for who in ("sales", "office", "finance"):
        key = pay(world, settled, who=who)
        for other in {"sales", "office", "finance"} - {who, "finance"}:
            for act in (change, delete):  # the contract is sales's own, the payment is not
                with pytest.raises(Forbidden):
                    verb(world, act, key, who=other)
        verb(world, change, key, who=who)
        world.be("finance")
        assert world.get(Payment, key).amount == 5
        verb(world, delete, key, who=who)
        world.be("finance")
        assert world.get(Payment, key) is None
    key = pay(world, settled, who="sales")
    verb(world, delete, key, who="finance")
    world.be("finance")
    assert world.get(Payment, key) is None


def parts(world, contract):
    world.be("finance")
    rows = world.session.scalars(
        sa.select(PaymentAllocation).join(Payment).where(Payment.contract_id == contract)
    )
    found = {}
    for one in rows:
        found[one.payment_id] = found.get(one.payment_id, 0) + one.amount
    return found


def test_a_registered_payment_that_goes_leaves_its_instalments_to_the_others(world, contract):
    first, second = pay(world, contract, 60_000_00), pay(world, contract, 70_000_00)
    assert parts(world, contract) == {first: 60_000_00, second: 40_000_00}

    verb(world, delete, first)

    assert parts(world, contract) == {second: 70_000_00}


def test_a_registered_payment_keeps_its_contract(world, contract):
    key = pay(world, contract)
    other = world.approved(model=Contract, key=world.contract(world.approved()))

    with pytest.raises(Invalid) as refusal, world.acting("finance"):
        records.update(world.call, world.get(Payment, key), {"contract_id": other}, seen=None)

    assert set(refusal.value.errors) == {"contract_id"}


def test_an_issued_invoice_stays_as_it_is(world, contract):
    with pytest.raises(Invalid), world.acting("finance"):
        world.create(Invoice, contract_id=contract, amount=0)
    with world.acting("finance"):
        key = world.create(
            Invoice, contract_id=contract, amount=100, number="1234", issued_on=PAID
        ).id

    def change():
        with world.acting("finance"):
            record = world.get(Invoice, key)
            records.update(world.call, record, {"title": "新"}, seen=None)

    with pytest.raises(Locked):
        change()


def steps(world, contract):
    order = world.session.scalars(sa.select(Order).where(Order.contract_id == contract)).one()
    return order, order.milestones


def move(world, contract, place, **values):
    with world.acting("admin"):
        _order, found = steps(world, contract)
        records.update(world.call, found[place], values, seen=None)


def test_state_and_date_of_a_milestone_agree(world, contract):
    move(world, contract, 0, state=MilestoneState.done)
    move(world, contract, 1, done_on=PAID)
    move(world, contract, 2, state=MilestoneState.skipped)

    world.be("admin")
    order, found = steps(world, contract)
    assert [s.done_on for s in found[:3]] == [dt.date(2026, 11, 23), PAID, None]
    assert found[1].state is MilestoneState.done
    assert progress(order) == 10_000 * 20 // 70

    move(world, contract, 1, state=MilestoneState.planned)
    world.be("admin")
    assert steps(world, contract)[1][1].done_on is None


@pytest.mark.parametrize(
    ("values", "field"), [({"done_on": TOMORROW}, "done_on"), ({"weight": -1}, "weight")]
)
def test_a_milestone_is_not_done_tomorrow_and_weighs_something(world, contract, values, field):
    with pytest.raises(Invalid) as refusal:
        move(world, contract, 0, **values)

    assert set(refusal.value.errors) == {field}
