"""Money laid on instalments by hand, who may mend what was registered, and confirming many."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.bulk.batch import BatchJob, ItemState
from models.core.base import db
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentAllocation
from models.deals.payment_plan import PaymentPlan
from models.rights.audit import AuditLog
from services.bulk import jobs, runner
from services.core.errors import Forbidden, Invalid, Locked, Stale
from services.deals import payment
from services.deals.payment_law import part_faults
from services.receivables import hand, money_bulk
from services.records import records
from tests.support import kept
from tests.support.visitors import Doors

DUES = tuple(dt.date(2026, n, 1) for n in (10, 11, 12))
DAY = dt.date(2026, 11, 20)


@pytest.fixture
@kept.step
def contract(world):
    plan = [{"amount": 100_00, "due_on": day} for day in DUES]
    key = world.contract(world.approved(), amount=300_00, plan=plan)
    return world.approved(model=Contract, key=key)


def lines(world, contract):
    world.be("finance")
    query = sa.select(PaymentPlan.id).where(PaymentPlan.contract_id == contract)
    return list(world.session.scalars(query.order_by(PaymentPlan.ordinal)))


def pay(world, contract, amount, who="finance", *, confirmed=False):
    with world.acting(who):
        made = world.create(Payment, contract_id=contract, amount=amount, paid_on=DAY)
        if confirmed:
            payment.confirm(world.call, made)
        return made.id


def lay(world, key, parts, who="finance", seen=None):
    with world.acting(who):
        hand.allocate(world.call, world.get(Payment, key), parts, seen=seen)


def move(world, verb, key):
    with world.acting("finance"):
        verb(world.call, world.get(Payment, key))


def shares(world, key, contract):
    part = PaymentAllocation.__table__
    rows = sa.select(part.c.plan_id, part.c.amount).where(part.c.payment_id == key)
    world.be("finance")
    found = dict(world.session.execute(rows).all())
    return [found.get(line, 0) for line in lines(world, contract)]


def test_what_is_laid_by_hand_stays_there_and_the_rest_follows(world, contract):
    first, second, third = lines(world, contract)
    key = pay(world, contract, 150_00)
    assert shares(world, key, contract) == [100_00, 50_00, 0]

    lay(world, key, {third: 80_00})
    assert shares(world, key, contract) == [70_00, 0, 80_00]
    lay(world, key, {third: 80_00, second: 70_00})
    other = pay(world, contract, 60_00, confirmed=True)
    assert shares(world, other, contract) == [60_00, 0, 0]
    move(world, payment.confirm, key)
    assert shares(world, key, contract) == [0, 70_00, 80_00]
    lay(world, key, {})
    assert shares(world, key, contract) == [40_00, 100_00, 10_00]
    assert first


def mend(world, key, values, who="finance"):
    with world.acting(who):
        records.update(world.call, world.get(Payment, key), values, seen=None)


def test_what_is_laid_where_it_lies_anyway_is_traced_too(small):
    plan = [{"amount": 100_00, "due_on": day} for day in DUES]
    contract = small.contract(small.approved(), amount=300_00, plan=plan)
    small.approved(model=Contract, key=contract)
    key, first = pay(small, contract, 40_00), lines(small, contract)[0]

    lay(small, key, {first: 40_00})

    small.be("admin")
    log = AuditLog.__table__
    told = sa.select(log.c.changes).where(log.c.noun == "payment", log.c.record_id == key)
    last = small.session.execute(told.order_by(log.c.id.desc())).scalars().first()
    assert last["allocations"] == [{str(first): 40_00}] * 2


def test_a_payment_corrected_to_less_loses_parts_of_the_newest_instalments_first(world, contract):
    _first, second, third = lines(world, contract)
    other = pay(world, contract, 30_00, confirmed=True)
    key = pay(world, contract, 150_00)
    lay(world, key, {third: 80_00, second: 70_00})

    mend(world, key, {"amount": 100_00})
    assert shares(world, key, contract) == [0, 70_00, 30_00]
    mend(world, key, {"amount": 50_00})
    assert shares(world, key, contract) == [0, 50_00, 0]
    mend(world, key, {"amount": 60_00})
    assert shares(world, key, contract) == [10_00, 50_00, 0]
    move(world, payment.confirm, key)
    assert shares(world, key, contract) == [10_00, 50_00, 0]
    assert shares(world, other, contract) == [30_00, 0, 0]


def test_a_refund_corrected_to_less_too_and_another_sign_forgets_what_was_laid(world, contract):
    first, second, _third = lines(world, contract)
    pay(world, contract, 200_00, confirmed=True)
    back = pay(world, contract, -90_00)
    lay(world, back, {first: 60_00, second: 30_00})
    mend(world, back, {"amount": -70_00})
    assert shares(world, back, contract) == [-60_00, -10_00, 0]
    mend(world, back, {"amount": 20_00})
    assert shares(world, back, contract) == [0, 0, 20_00]


def test_the_form_corrects_a_payment_laid_by_hand(small):
    plan = [{"amount": 100_00, "due_on": day} for day in DUES]
    contract = small.contract(small.approved(), amount=300_00, plan=plan)
    contract = small.approved(model=Contract, key=contract)
    _first, second, third = lines(small, contract)
    key = pay(small, contract, 150_00)
    lay(small, key, {third: 80_00, second: 70_00})
    doors = Doors(small)
    version = small.get(Payment, key).row_version
    form = {"amount": "100.00", "paid_on": DAY, "method": "bank", "row_version": version}
    form |= {"contract_id": contract, "contract_id__id": contract}
    done = doors.post("finance", f"/admin/payment/edit/?id={key}", form)
    assert done.status_code in {302, 303}, done.get_data(as_text=True)
    assert shares(small, key, contract) == [0, 70_00, 30_00]


def test_confirmed_money_takes_the_place_of_what_is_only_registered_by_hand_too(world, contract):
    first, *_rest = lines(world, contract)
    old = pay(world, contract, 100_00)
    lay(world, old, {first: 100_00})
    new = pay(world, contract, 40_00, confirmed=True)

    assert shares(world, new, contract) == [40_00, 0, 0]
    assert shares(world, old, contract) == [60_00, 40_00, 0]
    move(world, payment.reverse, new)
    with pytest.raises(Locked):
        lay(world, new, {first: 1})


def test_parts_have_room_and_a_sign_and_come_to_no_more_than_the_payment(world, contract):
    first, second, _third = lines(world, contract)
    pay(world, contract, 30_00, confirmed=True)
    key = pay(world, contract, 90_00)
    for parts, field in (
        ({first: 70_01}, f"part-{first}"),
        ({second: 100_01}, f"part-{second}"),
        ({first: -1}, f"part-{first}"),
        ({first: 50_00, second: 40_01}, "parts"),
        ({999_999: 1}, "part-999999"),
    ):
        with pytest.raises(Invalid) as refusal:
            lay(world, key, parts)
        assert list(refusal.value.errors) == [field]
    with pytest.raises(Stale):
        lay(world, key, {first: 1}, seen=99)
    assert shares(world, key, contract) == [70_00, 20_00, 0]


def test_a_refund_is_taken_from_the_instalment_that_is_named(world, contract):
    first, second, _third = lines(world, contract)
    paid = pay(world, contract, 200_00, confirmed=True)
    back = pay(world, contract, -50_00, confirmed=True)
    assert shares(world, back, contract) == [0, -50_00, 0]

    lay(world, back, {first: 50_00})
    assert shares(world, back, contract) == [-50_00, 0, 0]
    with pytest.raises(Invalid) as refusal:
        lay(world, paid, {second: 100_00})
    assert list(refusal.value.errors) == [f"part-{first}"]


def test_who_registered_a_payment_mends_it_until_finance_confirms(world, contract):
    key = pay(world, contract, 10_00, "office")
    mine = pay(world, contract, 20_00, "sales")

    def mend(who, payment_key, values):
        with world.acting(who):
            records.update(world.call, world.get(Payment, payment_key), values, seen=None)

    mend("sales", mine, {"amount": 21_00})
    with pytest.raises(Forbidden):
        mend("sales", key, {"amount": 11_00})  # his contract, registered by another
    mend("office", key, {"amount": 12_00})
    mend("finance", key, {"paid_on": DUES[0]})
    with pytest.raises(Forbidden):
        lay(world, key, {}, "sales")
    move(world, payment.confirm, mine)
    with pytest.raises(Locked):
        mend("sales", mine, {"amount": 20_00})
    with pytest.raises(Forbidden):
        lay(world, mine, {}, "sales")


def test_many_are_confirmed_and_what_goes_beyond_the_contract_waits_for_its_page(world, contract):
    good, over = pay(world, contract, 100_00), pay(world, contract, 300_00)
    done = pay(world, contract, 50_00, confirmed=True)
    with world.acting("finance"):
        job = jobs.open_job(world.call, money_bulk.confirming(world.actor))
        jobs.add(world.session, job, [(good, None), (over, None), (done, None)])
        runner.run(world.call, job)
        states = {item.target_id: (item.state, item.code) for item in job.items}

    assert states == {
        good: (ItemState.done, None),
        over: (ItemState.failed, "OVER_CONTRACT"),
        done: (ItemState.failed, "LOCKED"),
    }
    with pytest.raises(Forbidden):
        money_bulk.confirming(world.be("sales"))


WRONG = (
    "UPDATE payment_allocation SET amount = amount + 1 WHERE payment_id = :key",
    "UPDATE payment_allocation SET amount = -amount WHERE payment_id = :key",
    "UPDATE payment_plan SET amount = amount - 1 WHERE ordinal = 1",
    "UPDATE payment SET amount = amount - 1 WHERE id = :key",
    "UPDATE payment SET amount = amount - 1 WHERE id = :open",
    """INSERT INTO payment_allocation (payment_id, plan_id, amount)
    SELECT :open, id, 1 FROM payment_plan WHERE ordinal = 3""",
)


def test_the_database_itself_keeps_allocations_within_payment_and_instalment(world, contract):
    keys = {
        "key": pay(world, contract, 100_00, confirmed=True),
        "open": pay(world, contract, 50_00),
    }
    for statement in WRONG:
        with pytest.raises(sa.exc.IntegrityError), db.engine.begin() as connection:
            connection.execute(sa.text(statement), keys)
    with db.engine.begin() as connection:  # both at once agree
        connection.execute(
            sa.text("UPDATE payment_allocation SET amount = 4000 WHERE payment_id = :open"), keys
        )
        connection.execute(sa.text("UPDATE payment SET amount = 4000 WHERE id = :open"), keys)


@pytest.mark.parametrize(
    ("amount", "parts", "found"),
    [
        (100, {1: 60, 2: 40}, []),
        (100, {1: 61}, ["part-1"]),
        (100, {1: 60, 2: 41}, ["parts"]),
        (-100, {1: -60, 2: -40}, []),
        (-100, {1: 1}, ["part-1"]),
        (-100, {2: -51}, ["part-2"]),
    ],
)
def test_parts_are_judged_by_sign_room_and_sum(amount, parts, found):
    assert list(part_faults(amount, parts, {1: 60, 2: 50})) == found


def test_a_payment_is_laid_and_confirmed_through_its_pages(small):
    plan = [{"amount": 100_00, "due_on": day} for day in DUES]
    contract = small.contract(small.approved(), amount=300_00, plan=plan)
    contract = small.approved(model=Contract, key=contract)
    first, second, _third = lines(small, contract)
    key = pay(small, contract, 60_00, "sales")
    doors = Doors(small)
    version = small.get(Payment, key).row_version
    wrong = {"id": key, "row_version": version, f"part-{first}": "x", f"part-{second}": "1"}

    answer = doors.post("sales", "/admin/payment/allocate/", wrong)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert f'id="part-{first}-err"' in page
    assert 'value="x"' in page
    right = wrong | {f"part-{first}": "", f"part-{second}": "60"}
    assert doors.post("sales", "/admin/payment/allocate/", right).status_code == 303
    assert shares(small, key, contract) == [0, 60_00, 0]
    assert doors.post("finance", "/admin/payment/allocate/", right).status_code == 409
    version = small.get(Payment, key).row_version
    anew = {"id": key, "row_version": version, "anew": "1"}
    assert doors.post("finance", "/admin/payment/allocate/", anew).status_code == 303
    assert shares(small, key, contract) == [60_00, 0, 0]

    chosen = {"action": "confirm", "rowid": key, "sure": "1"}
    assert doors.post("finance", "/admin/payment/action/", chosen).status_code in {302, 303}
    small.be("finance")
    assert small.session.scalars(sa.select(BatchJob)).one().verb.name == "confirm"
