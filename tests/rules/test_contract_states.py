"""A contract moves by what happened: 履行完毕 when delivered, invoiced and paid, and back."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.deals.contract import Contract, ContractState
from models.deals.invoice import Invoice
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.deals.payment import Payment
from models.delivery.notification import NoticeKind, Notification
from services import approval
from services.core.errors import Forbidden, Invalid, Locked
from services.core.settings import save_settings
from services.deals import payment
from services.deals.lifecycle import renewal, states
from services.records import records
from services.rights.actor import SYSTEM
from tests.support.effort import effort
from tests.support.visitors import Doors

DAY, WHOLE = dt.date(2026, 11, 23), 100_000_00


def running(world, **values):
    return world.approved(model=Contract, key=world.contract(world.approved(), **values))


def deliver(world, contract):
    with world.acting("office"):
        steps = world.session.query(OrderMilestone).join(Order).filter_by(contract_id=contract)
        for step in steps.filter(OrderMilestone.weight > 0):
            records.update(world.call, step, {"state": MilestoneState.done}, seen=None)


def pay(world, contract, amount=WHOLE):
    with world.acting("finance"):
        made = world.create(Payment, contract_id=contract, paid_on=DAY, amount=amount)
        payment.confirm(world.call, made)
        return made.id


def bill(world, contract, amount=WHOLE):
    with world.acting("finance"):
        world.create(Invoice, contract_id=contract, amount=amount, number="N1", issued_on=DAY)


def stands(world, contract):
    world.be("admin")
    found = world.get(Contract, contract)
    return found.state, found.done_on


RUNNING, DONE = (ContractState.active, None), (ContractState.done, DAY)


@pytest.mark.parametrize("last", ["deliver", "pay", "bill"])
def test_the_last_of_three_things_fulfils_a_contract_whichever_it_is(world, last):
    contract = running(world)
    for act in sorted((deliver, pay, bill), key=lambda one: one.__name__ == last):
        assert stands(world, contract) == RUNNING
        act(world, contract)

    assert stands(world, contract) == DONE
    assert [one.state for one in world.session.query(Order)] == [OrderState.done]


def test_a_reversal_or_a_step_that_goes_back_lets_it_run_again(world):
    contract = running(world)
    deliver(world, contract)
    bill(world, contract)
    paid = pay(world, contract)
    assert stands(world, contract) == DONE

    with world.acting("finance"):
        payment.reverse(world.call, world.get(Payment, paid))
    assert stands(world, contract) == RUNNING
    pay(world, contract)
    assert stands(world, contract) == DONE
    with world.acting("office"):
        step = world.session.query(OrderMilestone).filter_by(name="验收").one()
        records.update(world.call, step, {"state": MilestoneState.planned}, seen=None)

    assert stands(world, contract) == RUNNING
    assert [one.state for one in world.session.query(Order)] == [OrderState.open]


def test_a_company_may_not_ask_for_invoices_and_one_fen_missing_leaves_it_open(small):
    with small.acting("admin"):
        save_settings(small.session, {"contract.done_invoiced": "0"})
    contract, short = running(small), running(small)
    for key, amount in ((contract, WHOLE), (short, WHOLE - 1)):
        deliver(small, key)
        pay(small, key, amount)

    assert stands(small, contract) == DONE
    assert stands(small, short) == RUNNING


def test_a_change_of_the_amount_is_something_that_happened(world):
    contract = running(world)
    deliver(world, contract)
    bill(world, contract, WHOLE // 2)
    pay(world, contract, WHOLE // 2)
    assert stands(world, contract) == RUNNING

    for amount, state in ((WHOLE // 2, DONE), (WHOLE, RUNNING)):
        with world.acting("sales"):
            row = world.get(Contract, contract)
            records.update(world.call, row, {"amount": amount}, seen=row.row_version)
            (key,) = approval.changes_asked(world.session)
        world.decided(key)
        assert stands(world, contract) == state


def test_what_is_closed_by_hand_says_why_and_stays_so(world):
    contract = running(world)
    for who in ("sales", "reviewer", "analyst"):
        with pytest.raises(Forbidden), world.acting(who):
            states.finish(world.call, world.get(Contract, contract), "尾款减免")
    with pytest.raises(Invalid), world.acting("office"):
        states.finish(world.call, world.get(Contract, contract), " ")
    with world.acting("office"):
        states.finish(world.call, world.get(Contract, contract), "尾款减免")
    pay(world, contract, 1_00)
    assert stands(world, contract) == DONE
    assert world.get(Contract, contract).done_note == "尾款减免"
    with pytest.raises(Locked), world.acting("manager"):
        states.finish(world.call, world.get(Contract, contract), "再来")
    doors = Doors(world)
    assert doors.post("office", "/admin/contract/reopen/", {"id": contract}).status_code == 303
    assert stands(world, contract) == RUNNING
    assert doors.post("finance", "/admin/contract/finish/", {"id": contract}).status_code == 422


def test_the_worker_settles_what_statements_wrote_and_leaves_the_past_alone(world):
    contract, old = running(world), running(world)
    deliver(world, contract)
    bill(world, contract)
    with world.acting("finance"):
        made = world.create(Payment, contract_id=contract, paid_on=DAY, amount=WHOLE).id
    table = Payment.__table__
    with world.acting("admin"):
        connection = world.session.connection()
        row = {"state": "confirmed", "confirmed_at": world.now}
        connection.execute(sa.update(table).where(table.c.id == made).values(**row))
        contracts = Contract.__table__
        done = {"state": ContractState.done}  # as an import of the past writes it
        connection.execute(sa.update(contracts).where(contracts.c.id == old).values(**done))
    with world.acting("admin"):
        assert states.sweep(world.session) == 1
        assert states.sweep(world.session) == 0

    assert stands(world, contract) == DONE
    assert stands(world, old) == (ContractState.done, None)


def test_owners_are_told_twice_that_a_contract_ends(world):
    end = dt.date(2026, 12, 20)
    running(world, end_on=end)
    running(world, end_on=end + dt.timedelta(days=90))
    running(world)

    def told(days):
        with world.acting("admin"):
            return renewal.remind(world.session, now=world.now + dt.timedelta(days=days))

    assert [told(days) for days in (0, 1, 20, 21, 27, 28)] == [1, 0, 1, 0, 0, 0]
    world.be(SYSTEM)
    found = world.session.query(Notification).filter_by(kind=NoticeKind.renewal).all()
    assert {one.user_id for one in found} == {world.id_of("sales")}
    with world.acting("admin"):
        save_settings(world.session, {"contract.renew_days": "0", "contract.renew_again_days": "0"})
    assert told(22) == 0


def fulfilled(world):
    """Return a contract that is delivered, billed and paid."""
    contract = running(world)
    for act in (deliver, bill, pay):
        act(world, contract)
    assert stands(world, contract) == DONE
    return contract


def swept(world):
    with world.acting("admin"):
        return states.sweep(world.session)


def test_a_contract_put_back_in_force_stays_so_until_something_happens(world):
    contract = fulfilled(world)
    with world.acting("manager"):
        states.reopen(world.call, world.get(Contract, contract))

    assert [swept(world), swept(world)] == [0, 0]
    assert stands(world, contract) == RUNNING
    with world.acting("office"):  # nothing that says how it stands
        order = world.session.query(Order).filter_by(contract_id=contract).one()
        records.update(world.call, order, {"remark": "补充说明"}, seen=None)
    with world.acting("admin"):
        save_settings(world.session, {"contract.renew_days": "31"})
    assert swept(world) == 0
    assert stands(world, contract) == RUNNING

    pay(world, contract, 1)

    assert stands(world, contract) == DONE


def test_another_rule_of_the_company_is_applied_to_what_runs(world):
    contract = running(world)
    deliver(world, contract)
    pay(world, contract)
    assert stands(world, contract) == RUNNING
    with world.acting("admin"):
        save_settings(world.session, {"contract.done_invoiced": "0"})

    assert swept(world) == 1
    assert stands(world, contract) == DONE


def test_what_a_sweep_reads_grows_not_with_what_is_settled(world):
    fulfilled(world)
    key = running(world)
    swept(world)

    def cost():
        step, order = OrderMilestone.__table__, Order.__table__
        mine = sa.select(order.c.id).where(order.c.contract_id == key)
        more = sa.update(step).where(step.c.order_id.in_(mine)).values(weight=step.c.weight + 1)
        with world.acting("admin"):
            world.session.connection().execute(more)
        world.be("admin")
        with effort(world.session.get_bind()) as found:
            assert states.sweep(world.session) == 0
        world.session.commit()
        return sum(one.cost for one in found)

    cost()  # what is read once
    before = cost()
    settled(world, 400)

    assert cost() < before + 400


def settled(world, number):
    """Copy the finished contract many times, as what years leave."""
    table = Contract.__table__
    with world.acting("admin"):
        connection = world.session.connection()
        done = sa.select(table).where(table.c.state == ContractState.done)
        row = dict(connection.execute(done).mappings().first())
        del row["id"]
        rows = [row | {"code": f"OLD-{n}", "external_ref": None} for n in range(number)]
        connection.execute(sa.insert(table), rows)
        connection.exec_driver_sql("ANALYZE")
