"""Money and invoices of a contract that was voided: nothing more comes in, all goes back."""

import dataclasses
import datetime as dt

import pytest

from models.bulk.batch import ItemState
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.contract import Contract, ContractState
from models.deals.invoice import Invoice, InvoiceState
from models.deals.payment import Payment, PaymentState
from services import approval
from services.bulk import jobs, record_verbs, runner
from services.core.errors import Invalid
from services.customers import history
from services.deals import payment
from services.records import records
from tests.support.visitors import Doors, Visitors
from tests.support.world import World

DAY = dt.date(2026, 11, 20)
ISSUED = {"number": "12345678", "issued_on": DAY}


def running(world):
    return world.approved(model=Contract, key=world.contract(world.approved()))


def void(world, key):
    with world.acting("sales"):
        asked = approval.ask_void(world.call, world.get(Contract, key), reason="客户取消").id
    world.decided(asked)
    world.be("finance")
    found = world.get(Contract, key)
    assert (found.state, found.approval) == (ContractState.void, Approval.approved)


def pay(world, contract, amount, *, confirmed=False):
    with world.acting("finance"):
        made = world.create(Payment, contract_id=contract, amount=amount, paid_on=DAY)
        if confirmed:
            payment.confirm(world.call, made)
        return made.id


def confirm(world, key):
    with world.acting("finance"):
        payment.confirm(world.call, world.get(Payment, key))


def invoice(world, contract, amount, **values):
    with world.acting("finance"):
        return world.create(Invoice, contract_id=contract, amount=amount, **values).id


def test_money_registered_before_a_contract_was_voided_is_not_confirmed_afterwards(world):
    contract = running(world)
    key = pay(world, contract, 100_00)
    void(world, contract)

    with pytest.raises(Invalid) as refusal:
        confirm(world, key)

    assert set(refusal.value.errors) == {"contract_id"}
    world.be("finance")
    assert world.get(Payment, key).state is PaymentState.registered


def test_money_of_a_void_contract_is_given_back_and_no_more_than_came_in(world):
    contract = running(world)
    pay(world, contract, 100_00, confirmed=True)
    void(world, contract)

    with pytest.raises(Invalid) as refusal:
        pay(world, contract, -100_01)
    back = pay(world, contract, -100_00, confirmed=True)

    assert set(refusal.value.errors) == {"amount"}
    world.be("finance")
    assert world.get(Payment, back).state is PaymentState.confirmed
    assert payment.received(world.session, contract) == 0


def test_invoices_of_a_void_contract_are_taken_back_but_not_issued(world):
    contract = running(world)
    asked, issued = invoice(world, contract, 100_00), invoice(world, contract, 200_00, **ISSUED)
    void(world, contract)

    told = {"number": "12345679", "issued_on": DAY}
    with pytest.raises(Invalid) as refusal, world.acting("finance"):
        records.update(world.call, world.get(Invoice, asked), told, seen=None)
    more = {"number": "12345680", "issued_on": DAY, "reverses_id": issued}
    red = invoice(world, contract, -200_00, **more)

    assert set(refusal.value.errors) == {"contract_id"}
    world.be("finance")
    assert world.get(Invoice, asked).state is InvoiceState.requested
    assert world.get(Invoice, red).state is InvoiceState.red


def put_back(world, noun, key, who):
    """Take a record out of the recycle bin; return what became of it."""
    with world.acting(who):
        job = jobs.open_job(world.call, record_verbs.restoring(noun, by=world.call.by))
        jobs.add(world.session, job, [(key, None)])
        runner.run(world.call, job)
        (item,) = job.items
        return item.state


def test_a_payment_out_of_the_bin_takes_its_place_but_none_on_a_void_contract(world):
    contract = running(world)
    first = pay(world, contract, 100_000_00, confirmed=True)
    key = pay(world, contract, 100_00)  # of what is paid it has no share
    actor = world.be("finance")  # an administrator may give more than is shipped
    trusted = dataclasses.replace(actor, permissions=actor.permissions | {"payment:delete_own"})

    def rub_out():
        with world.acting(trusted):
            records.remove(world.call, world.get(Payment, key), seen=None)

    rub_out()
    with world.acting("finance"):
        payment.reverse(world.call, world.get(Payment, first))
    assert put_back(world, "payment", key, trusted) is ItemState.done
    world.be("finance")
    assert [one.amount for one in world.get(Payment, key).allocations] == [100_00]

    pay(world, contract, 100_000_00, confirmed=True)
    rub_out()
    void(world, contract)
    assert put_back(world, "payment", key, trusted) is ItemState.failed


def test_a_request_deleted_before_does_not_come_back_to_a_void_contract(world):
    contract = running(world)
    with world.acting("sales"):
        asked = world.create(Invoice, contract_id=contract, amount=100_00)
        key = asked.id
        records.remove(world.call, asked, seen=None)
    void(world, contract)

    assert put_back(world, "invoice", key, "sales") is ItemState.failed
    world.be("sales")
    assert world.get(Invoice, key) is None


def test_a_request_that_goes_to_another_contract_goes_to_its_customer_and_owner(world):
    one, other = running(world), running(world)
    key = invoice(world, one, 100_00)

    with world.acting("finance"):
        records.update(world.call, world.get(Invoice, key), {"contract_id": other}, seen=None)

    world.be("finance")
    found, contract = world.get(Invoice, key), world.get(Contract, other)
    assert found.customer_id == contract.customer_id
    assert found.owner_id == contract.owner_id


def test_who_asks_for_voiding_is_told_what_can_no_longer_be_finished(app):
    with World(app) as world:
        clean, waiting = running(world), running(world)
        pay(world, clean, 100_00, confirmed=True)
        pay(world, waiting, 100_00)
        pay(world, waiting, 20_00)
        invoice(world, waiting, 300_00)
    visitors = Visitors(app)

    def page(key):
        return visitors.get("sales", f"/admin/contract/void/?id={key}").get_data(as_text=True)

    assert "有 2 笔已登记的回款未确认（共 120.00 元）" in page(waiting)
    assert "有 1 张申请中的发票未开具（共 300.00 元）" in page(waiting)
    assert "note warn" not in page(clean)


def test_the_page_of_a_void_contract_leads_to_giving_money_back(app):
    with World(app) as world:
        empty, paid = running(world), running(world)
        pay(world, paid, 100_00, confirmed=True)
        late = pay(world, paid, 5_00)
        for key in (empty, paid):
            void(world, key)
    visitors = Visitors(app)

    def page(noun, key):
        return visitors.get("finance", f"/admin/{noun}/details/?id={key}").get_data(as_text=True)

    assert f"/admin/payment/new/?contract_id={paid}&amp;amount=-100.00" in page("contract", paid)
    assert "/admin/payment/new/" not in page("contract", empty)
    assert "/admin/payment/confirm/" not in page("payment", late)


def test_money_of_a_void_contract_counts_neither_for_its_customer_nor_in_the_sum_of_the_grid(world):
    customer = world.approved()
    keys = [world.approved(model=Contract, key=world.contract(customer)) for _n in range(2)]
    for contract, amount in zip(keys, (30_00, 7_00), strict=True):
        pay(world, contract, amount, confirmed=True)
    void(world, keys[1])

    found = history.facts(world.session, world.get(Customer, customer))
    totals = Doors(world).get("finance", "/admin/payment/totals/").get_json()

    assert (found.contracts, found.paid) == (100_000_00, 30_00)
    assert {one["key"]: one["text"] for one in totals["sums"]} == {"amount": "30.00"}
    assert totals["count"] == 2
