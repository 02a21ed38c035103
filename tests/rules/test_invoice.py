"""Who asks for an invoice, and who issues it."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceState
from services import approval
from services.core import tax
from services.core.errors import Invalid
from services.records import records
from services.rights.actor import SYSTEM
from services.rights.call import Call
from tests.support import kept
from tests.support.visitors import Visitors
from tests.support.world import World


def test_sales_asks_for_an_invoice_and_finance_issues_it(world):
    contract = world.approved(model=Contract, key=world.contract(world.approved()))
    issued = {"number": "12345678", "issued_on": dt.date(2026, 11, 20)}

    with world.acting("sales"):
        asked = world.create(Invoice, contract_id=contract, amount=1_000_00).state
    with pytest.raises(Invalid) as refusal, world.acting("sales"):
        world.create(Invoice, contract_id=contract, amount=1_000_00, **issued)
    with world.acting("finance"):
        done = world.create(Invoice, contract_id=contract, amount=1_000_00, **issued).state

    assert asked is InvoiceState.requested
    assert list(refusal.value.errors) == ["number"]
    assert done is InvoiceState.issued


def test_an_issued_invoice_is_not_offered_for_editing(app):
    with World(app) as world:
        contract = world.approved(model=Contract, key=world.contract(world.approved()))
        issued = {"number": "12345678", "issued_on": dt.date(2026, 11, 20)}
        with world.acting("finance"):
            asked, done = (
                world.create(Invoice, contract_id=contract, amount=1_000_00, **more).id
                for more in ({}, issued)
            )
    visitors = Visitors(app)

    def page(key):
        return visitors.get("finance", f"/admin/invoice/details/?id={key}").get_data(as_text=True)

    assert "/admin/invoice/edit/" in page(asked)
    assert "/admin/invoice/edit/" not in page(done)
    assert visitors.get("finance", f"/admin/invoice/edit/?id={asked}").status_code == 200
    by_address = visitors.get("finance", f"/admin/invoice/edit/?id={done}")
    assert by_address.status_code == 409
    assert "请红冲后重新申请" in by_address.get_data(as_text=True)


@pytest.fixture
@kept.step
def contract(world):
    key = world.contract(world.approved(), amount=12_800_00)
    return world.approved(model=Contract, key=key)


def invoice(world, contract, amount, who="sales", **values):
    with world.acting(who):
        return world.create(Invoice, contract_id=contract, amount=amount, **values).id


def change(world, key, values, who="finance"):
    with world.acting(who):
        record = world.get(Invoice, key)
        records.update(world.call, record, values, seen=None)


def test_invoices_stay_within_the_contract_and_what_is_left_is_told(world, contract):
    first = invoice(world, contract, 10_000_00)

    with pytest.raises(Invalid) as refusal:
        invoice(world, contract, 2_800_01)
    assert list(refusal.value.errors) == ["amount"]
    assert "2,800.00" in str(refusal.value)
    second = invoice(world, contract, 2_800_00)
    with pytest.raises(Invalid):
        change(world, second, {"amount": 2_800_01})
    change(world, first, {"amount": 9_000_00})
    change(world, second, {"amount": 3_800_00})


def test_a_reversal_frees_what_was_invoiced_once_it_is_issued(world, contract):
    issued = {"number": "12345678", "issued_on": dt.date(2026, 11, 20)}
    with pytest.raises(Invalid):
        invoice(world, contract, -1)
    invoice(world, contract, 12_800_00, "finance", **issued)
    back = invoice(world, contract, -800_00, "finance")
    with pytest.raises(Invalid):
        invoice(world, contract, 800_00)

    change(world, back, issued | {"number": "12345679"})

    invoice(world, contract, 800_00)


def test_a_deleted_invoice_comes_back_only_while_there_is_room(world, contract):
    key = invoice(world, contract, 12_800_00)
    with world.acting(SYSTEM):
        row = world.get(Invoice, key)
        records.remove(world.call, row, seen=None)
    invoice(world, contract, 1)

    world.be(SYSTEM)
    table = Invoice.__table__
    row = world.session.execute(sa.select(table).where(table.c.id == key)).mappings().one()
    call = Call(world.session, world.actor, world.now)
    assert "amount" in records.SAVERS[Invoice].restorable(call, row)


def test_a_contract_is_not_changed_to_less_than_what_is_invoiced(world, contract):
    invoice(world, contract, 10_000_00)

    def ask(amount):
        with world.acting("sales"):
            record = world.get(Contract, contract)
            records.update(world.call, record, {"amount": amount}, seen=None)
            return approval.changes_asked(world.session)

    with pytest.raises(Invalid) as refusal:
        ask(9_999_99)
    assert list(refusal.value.errors) == ["amount"]
    (request,) = ask(10_000_00)
    world.decided(request)


def test_the_database_itself_keeps_invoices_within_the_contract(world, contract):
    gone = invoice(world, contract, 800_01)
    table, contracts = Invoice.__table__, Contract.__table__
    with db.engine.begin() as connection:
        gone_now = sa.update(table).where(table.c.id == gone).values(deleted_at=world.now)
        connection.execute(gone_now)
    key = invoice(world, contract, 12_000_00)

    def write(statement):
        with db.engine.begin() as connection:
            connection.execute(statement)

    for wrong in (
        sa.update(table).where(table.c.id == key).values(amount=12_800_01),
        sa.update(contracts).where(contracts.c.id == contract).values(amount=1_00),
        sa.update(table).where(table.c.id == gone).values(deleted_at=None),
    ):
        with pytest.raises(sa.exc.IntegrityError):
            write(wrong)
    write(sa.update(table).where(table.c.id == key).values(amount=12_800_00))


def test_two_who_invoice_at_once_stay_within_the_contract(app):
    with World(app) as world:
        key = world.contract(world.approved(), amount=8_000_00)
        contract = world.approved(model=Contract, key=key)
    start = threading.Barrier(2)

    def ask_six(who):
        start.wait()
        return sum(asked(app, contract, who) for _n in range(6))

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(ask_six, ("sales", "finance"))) == 8
    with World(app) as world:
        total = world.session.scalar(sa.select(sa.func.sum(Invoice.amount)))
    assert total == 8_000_00


def asked(app, contract, who):
    with World(app) as world:
        try:
            invoice(world, contract, 1_000_00, who)
        except Invalid:
            return False
    return True


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("91110000600037341L", "91110000600037341L"),
        ("9111 0000 6000 3734 1l", "91110000600037341L"),
        ("\uff191110000600037341L", "91110000600037341L"),
        ("11010519491231002X", "11010519491231002X"),  # a person's
        ("11010519491231002X01", "11010519491231002X01"),
        ("420100725488302", "420100725488302"),
    ],
)
def test_tax_numbers_that_can_be_are_kept_plain(text, kept):
    assert tax.number(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "91420100MA4KXXXXXX",
        "91110000600037341M",
        "91110000600037314L",
        "9111000060003734",
        "110105194912310021",
        "11010519491231002XAB",
        "990100725488302",
        "42010072548830X",
        "税号税号税号税号税号税号税号税号税号",
    ],
)
def test_tax_numbers_that_cannot_be_are_refused(text):
    with pytest.raises(ValueError, match=r"."):
        tax.number(text)


def test_a_wrong_tax_number_is_refused_beside_its_field(small):
    key = small.contract(small.approved(), amount=12_800_00)
    contract = small.approved(model=Contract, key=key)

    with pytest.raises(Invalid) as refusal:
        invoice(small, contract, 1_00, tax_no="91420100MA4KXXXXXX")
    assert list(refusal.value.errors) == ["tax_no"]
    invoice(small, contract, 1_00, tax_no="91110000600037341L")
    invoice(small, contract, 1_00, tax_no=None)
