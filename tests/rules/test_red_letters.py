"""Invoices beyond the contract are agreed to, what is issued is taken back by a row of its own."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceState
from services import approval
from services.core.errors import Forbidden, Invalid, Locked
from services.deals import billed
from services.receivables import invoice
from services.records import records
from tests.support.visitors import Doors

DAY = dt.date(2026, 11, 20)
ISSUED = {"number": "12345678", "issued_on": DAY}


@pytest.fixture
def contract(world):
    key = world.contract(world.approved(), amount=100_00)
    return world.approved(model=Contract, key=key)


def bill(world, contract, amount, who="sales", **values):
    with world.acting(who):
        return world.create(Invoice, contract_id=contract, amount=amount, **values).id


def change(world, key, values, who="finance"):
    with world.acting(who):
        records.update(world.call, world.get(Invoice, key), values, seen=None)


def refused(world, do, *args, **values):
    with pytest.raises(Invalid) as refusal:
        do(world, *args, **values)
    return list(refusal.value.errors)


def counted(world, contract):
    world.be("finance")
    return billed.invoiced(world.session, contract)


def agree(world, key, who="manager"):
    with world.acting(who):
        invoice.agree(world.call, world.get(Invoice, key))


def test_an_issued_invoice_is_taken_back_in_parts_by_rows_that_name_it(world, contract):
    key = bill(world, contract, 100_00, "finance", **ISSUED, tax_rate_bp=1300)
    first = bill(world, contract, -40_00, reverses_id=key, tax_rate_bp=1300)
    assert counted(world, contract) == 100_00  # only asked for
    assert refused(world, bill, contract, -60_01, reverses_id=key) == ["amount"]
    assert refused(world, bill, contract, -1, reverses_id=first) == ["reverses_id"]

    change(world, first, ISSUED | {"number": "12345679"})
    world.be("finance")
    red = world.get(Invoice, first)
    assert red.state is InvoiceState.red
    assert (red.net_amount, red.tax_amount) == (-35_40, -4_60)
    assert counted(world, contract) == 60_00
    bill(world, contract, 40_00)
    second = bill(world, contract, -60_00, "finance", reverses_id=key)
    earlier = {"number": "12345680", "issued_on": dt.date(2026, 11, 1)}
    assert refused(world, change, second, earlier) == ["issued_on"]
    with pytest.raises(Locked):
        change(world, first, {"amount": -1})


def test_more_than_the_contract_is_asked_with_a_reason_agreed_by_another_and_then_issued(
    world, contract
):
    bill(world, contract, 80_00, "finance", **ISSUED)
    assert refused(world, bill, contract, 30_00) == ["amount"]
    key = bill(world, contract, 30_00, over_reason="客户要求先开增项")
    assert refused(world, change, key, ISSUED | {"number": "2"}) == ["number"]
    with pytest.raises(Forbidden):
        agree(world, key, "sales")
    agree(world, key)
    with pytest.raises(Locked):
        agree(world, key)
    change(world, key, ISSUED | {"number": "2"})
    assert counted(world, contract) == 110_00

    assert refused(world, bill, contract, 1) == ["amount"]
    back = bill(world, contract, -30_00, "finance", reverses_id=key, **ISSUED | {"number": "3"})
    assert counted(world, contract) == 80_00
    assert refused(world, bill, contract, 20_01) == ["amount"]
    assert back > key
    with world.acting("sales"):
        record = world.get(Contract, contract)
        records.update(world.call, record, {"amount": 80_00}, seen=None)
        assert approval.changes_asked(world.session)


def test_what_was_agreed_to_is_asked_anew_once_the_amount_changes(world, contract):
    key = bill(world, contract, 130_00, over_reason="增项")
    agree(world, key)
    change(world, key, {"amount": 140_00}, "sales")
    assert refused(world, change, key, ISSUED) == ["number"]
    change(world, key, {"amount": 100_00}, "sales")
    change(world, key, ISSUED)
    assert counted(world, contract) == 100_00


def test_nobody_agrees_to_what_he_asked_for(world, contract):
    key = bill(world, contract, 130_00, over_reason="增项")
    table = Invoice.__table__
    with world.acting("manager"):
        mine = sa.update(table).where(table.c.id == key).values(created_by_id=world.actor.id)
        world.session.execute(mine, execution_options={"rule": "contract"})
    with pytest.raises(Forbidden):
        agree(world, key)


WRONG = (
    "UPDATE invoice SET amount = amount - 1 WHERE id = :key",
    "UPDATE invoice SET contract_id = contract_id + 1 WHERE id = :key",
    "UPDATE invoice SET state = 'red' WHERE id = :key",
    "UPDATE invoice SET reverses_id = id WHERE id = :key",
    "UPDATE invoice SET net_amount = 1, tax_amount = 1 WHERE id = :asked",
    "UPDATE invoice SET amount = -6001 WHERE id = :back",
    "UPDATE invoice SET amount = 4001 WHERE id = :asked",
    "UPDATE invoice SET reverses_id = id WHERE id = :back",
    "UPDATE invoice SET over_ceiling = 1, state = 'red', amount = -1 WHERE id = :asked",
)


def test_the_database_itself_keeps_issued_invoices_and_reversals(world, contract):
    key = bill(world, contract, 60_00, "finance", **ISSUED)
    keys = {
        "key": key,
        "asked": bill(world, contract, 40_00),
        "back": bill(world, contract, -60_00, reverses_id=key),
    }
    for statement in WRONG:
        with pytest.raises(sa.exc.IntegrityError), db.engine.begin() as connection:
            connection.execute(sa.text(statement), keys)


def test_the_page_leads_from_an_issued_invoice_to_its_reversal_and_asks_for_agreement(small):
    key = small.approved(model=Contract, key=small.contract(small.approved(), amount=100_00))
    issued = bill(small, key, 100_00, "finance", **ISSUED, title="测试抬头")
    asked = bill(small, key, 30_00, over_reason="客户要求")
    doors = Doors(small)

    def page(who, shown):
        return doors.get(who, f"/admin/invoice/details/?id={shown}").get_data(as_text=True)

    assert "reverses_id=" in page("sales", issued)
    form = doors.get("sales", f"/admin/invoice/new/?reverses_id={issued}&amount=-100.00")
    assert "-100.00" in form.get_data(as_text=True)
    made = doors.post(
        "finance",
        "/admin/invoice/new/",
        {"contract_id": key, "type": "special", "amount": "-100.00", "reverses_id": issued}
        | {"contract_id__id": key, "reverses_id__id": issued},
    )
    assert made.status_code in {302, 303}, made.get_data(as_text=True)
    assert "reverses_id=" not in page("sales", issued)
    assert "/admin/invoice/agree/" not in page("finance", asked)
    assert "30.00" in page("manager", asked)
    assert doors.post("manager", "/admin/invoice/agree/", {"id": asked}).status_code == 303
    assert doors.post("finance", "/admin/invoice/agree/", {"id": asked}).status_code == 403
