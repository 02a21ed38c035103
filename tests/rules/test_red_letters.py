"""Invoices beyond the contract are agreed to, what is issued is taken back by a row of its own."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceState
from models.people.role import Role
from services import approval
from services.core.errors import Forbidden, Invalid, Locked
from services.deals import billed
from services.receivables import invoice
from services.records import records
from services.rights.actor import SYSTEM
from tests.support import kept
from tests.support.visitors import Doors

DAY = dt.date(2026, 11, 20)
ISSUED = {"number": "12345678", "issued_on": DAY}


@pytest.fixture
@kept.step
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


def test_what_was_agreed_to_is_not_issued_with_another_figure_or_reason(world, contract):
    """One form that changes what was agreed to and issues it at once."""
    key = bill(world, contract, 130_00, over_reason="增项")
    agree(world, key)
    assert refused(world, change, key, ISSUED | {"amount": 129_00}) == ["number"]
    assert refused(world, change, key, ISSUED | {"over_reason": "改"}) == ["number"]
    change(world, key, ISSUED)
    assert counted(world, contract) == 130_00


def test_what_waits_for_agreement_and_fits_by_now_is_issued_without(world, contract):
    first = bill(world, contract, 80_00)
    over = bill(world, contract, 30_00, over_reason="增项")
    with world.acting("sales"):
        records.remove(world.call, world.get(Invoice, first), seen=None)
    change(world, over, ISSUED)

    world.be("finance")
    found = world.get(Invoice, over)
    assert (found.state, found.over_ceiling) == (InvoiceState.issued, None)
    assert refused(world, bill, contract, 70_01) == ["amount"]


def test_each_of_two_beyond_the_contract_is_agreed_to_before_it_is_issued(world, contract):
    bill(world, contract, 100_00, "finance", **ISSUED)
    first = bill(world, contract, 30_00, over_reason="增项")
    second = bill(world, contract, 20_00, over_reason="再增")
    assert refused(world, change, first, ISSUED | {"number": "1"}) == ["number"]
    assert refused(world, change, second, ISSUED | {"number": "2"}) == ["number"]
    agree(world, first)
    change(world, first, ISSUED | {"number": "1"})
    assert refused(world, change, second, ISSUED | {"number": "2"}) == ["number"]
    agree(world, second)
    change(world, second, ISSUED | {"number": "2"})
    assert counted(world, contract) == 150_00


def test_a_request_under_what_others_only_asked_for_needs_a_reason_to_be_issued(world, contract):
    bill(world, contract, 100_00, "finance", **ISSUED)
    gone = bill(world, contract, 30_00, over_reason="增项")
    bill(world, contract, 30_00, over_reason="再增")
    with world.acting("sales"):
        records.remove(world.call, world.get(Invoice, gone), seen=None)
    key = bill(world, contract, 30_00)
    issued = ISSUED | {"number": "3"}
    assert refused(world, change, key, issued) == ["over_reason"]
    change(world, key, {"over_reason": "补理由"}, "sales")
    assert refused(world, change, key, issued) == ["number"]
    agree(world, key)
    change(world, key, issued)


def test_a_contract_is_not_changed_to_less_than_what_is_issued_and_agreed_to(world, contract):
    bill(world, contract, 100_00, "finance", **ISSUED)
    key = bill(world, contract, 30_00, over_reason="增项")

    def ask():
        with world.acting("sales"):
            record = world.get(Contract, contract)
            records.update(world.call, record, {"amount": 50_00}, seen=None)
            return approval.changes_asked(world.session)

    with pytest.raises(Invalid) as refusal:
        ask()
    assert list(refusal.value.errors) == ["amount"]
    agree(world, key)
    assert ask()


def test_a_request_to_take_back_without_an_original_is_edited(world, contract):
    bill(world, contract, 100_00, "finance", **ISSUED)
    key = bill(world, contract, -40_00)
    change(world, key, {"title": "改抬头"}, "sales")
    change(world, key, {"tax_rate_bp": 600}, "finance")
    change(world, key, {"amount": -50_00}, "sales")
    assert refused(world, change, key, {"amount": -100_01}, who="sales") == ["amount"]
    change(world, key, ISSUED | {"number": "9"})
    assert counted(world, contract) == 50_00


def test_the_forms_say_beside_the_field_that_agreement_is_missing(small):
    contract = small.approved(model=Contract, key=small.contract(small.approved(), amount=100_00))
    key = bill(small, contract, 130_00, over_reason="增项")
    agree(small, key)
    doors = Doors(small)
    version = small.get(Invoice, key).row_version
    form = {"contract_id": contract, "contract_id__id": contract, "type": "special"}
    form |= {"amount": "120.00", "over_reason": "增项", "row_version": version}
    form |= {"number": "77", "issued_on": "2026-11-20"}
    answer = doors.post("finance", f"/admin/invoice/edit/?id={key}", form)
    assert answer.status_code == 422
    assert "须先经批准才能开具" in answer.get_data(as_text=True)
    done = doors.post("finance", f"/admin/invoice/edit/?id={key}", form | {"amount": "130.00"})
    assert done.status_code in {302, 303}, done.get_data(as_text=True)


@pytest.mark.parametrize("values", [{"amount": 140_00}, {"over_reason": "另一个理由"}])
def test_nobody_agrees_to_figures_he_wrote_himself(world, contract, values):
    key = bill(world, contract, 130_00, over_reason="增项")
    grant(world, "invoice:edit")
    change(world, key, values, "manager")
    change(world, key, {"amount": 135_00}, "sales")  # somebody else wrote last
    with pytest.raises(Forbidden):
        agree(world, key)
    agree(world, key, "admin")


def test_who_mended_something_else_may_agree(world, contract):
    key = bill(world, contract, 130_00, over_reason="增项")
    grant(world, "invoice:edit")
    change(world, key, {"title": "抬头"}, "manager")
    agree(world, key)


def grant(world, permission):
    with world.acting(SYSTEM):
        for name, more in (("manager", permission), ("admin", "invoice:exceed")):
            role = world.session.scalars(sa.select(Role).where(Role.name == name)).one()
            role.permissions = sorted({*role.permissions, more})


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
    # issued beyond the contract, though nobody agreed to it
    """UPDATE invoice SET state = 'issued', issued_on = '2026-11-20', amount = 4001
    WHERE id = :asked""",
    "UPDATE contract SET amount = 5999 WHERE id = :contract",
)


def test_the_database_itself_keeps_issued_invoices_and_reversals(world, contract):
    key = bill(world, contract, 60_00, "finance", **ISSUED)
    keys = {
        "key": key,
        "asked": bill(world, contract, 40_00),
        "back": bill(world, contract, -60_00, reverses_id=key),
        "over": bill(world, contract, 30_00, over_reason="增项"),
        "contract": contract,
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
