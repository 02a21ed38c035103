"""Invoices beyond a contract: a reason, another's word, then issued; the same law at every door."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.bulk.batch import ItemState
from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceState
from services import approval
from services.bulk import edits, jobs, record_verbs, runner
from services.core.errors import Invalid
from services.receivables import invoice
from services.records import records
from tests.support import kept
from tests.support.imports import codes, prepare, run, table

DAY = dt.date(2026, 11, 20)
HOW = """
[[files]]
pattern = "*"
[[files.entities]]
entity = "invoice"
keys = ["number", "external_ref"]
[files.entities.fields]
external_ref = "ref"
contract_id = { column = "no", by = "code" }
amount = "sum"
over_reason = "why"
number = "inv"
issued_on = "day"
"""
HEAD = ("ref", "no", "sum", "why", "inv", "day")


@pytest.fixture
@kept.step
def contract(world):
    return world.approved(model=Contract, key=world.contract(world.approved(), amount=100_00))


def ask(world, contract, amount, reason=None):
    with world.acting("sales"):
        made = world.create(Invoice, contract_id=contract, amount=amount, over_reason=reason)
        return made.id


def rows(world):
    world.be("finance")
    found = world.session.scalars(sa.select(Invoice).order_by(Invoice.id)).all()
    return [(one.amount, one.state, one.over_ceiling) for one in found]


def bulk(world, task, keys, who="finance"):
    """Do a bulk verb; return key → (state, message)."""
    with world.acting(who):
        job = jobs.open_job(world.call, task)
        jobs.add(world.session, job, [(key, None) for key in keys])
        runner.run(world.call, job)
        return {item.target_id: (item.state, item.message or "") for item in job.items}


def file(world, contract, *lines):
    """Return a file of invoices of a contract: each its sum, its reason, its number and day."""
    world.be("finance")
    code = world.get(Contract, contract).code
    told = [(f"r{n}", code, *line) for n, line in enumerate(lines)]
    return [("inv.csv", table(HEAD, *told))]


def test_a_file_asks_for_more_with_a_reason_and_another_agrees(world, contract):
    _plan, jobs_ = run(
        world, file(world, contract, ("60", "", "", ""), ("90", "增项", "", "")), HOW
    )

    assert len(jobs_) == 1
    assert rows(world) == [
        (60_00, InvoiceState.requested, None),
        (90_00, InvoiceState.requested, 150_00),
    ]
    world.be("finance")
    key = world.session.scalar(sa.select(sa.func.max(Invoice.id)))
    with world.acting("manager"):
        invoice.agree(world.call, world.get(Invoice, key))
    with world.acting("finance"):
        told = {"number": "24312000000012345678", "issued_on": DAY}
        records.update(world.call, world.get(Invoice, key), told, seen=None)
    assert rows(world)[1] == (90_00, InvoiceState.issued, 150_00)


def test_a_file_issues_nothing_beyond_the_contract_that_nobody_agreed_to(world, contract):
    world.be("finance")
    without = file(world, contract, ("120", "", "24312000000000000001", "2026-11-20"))
    assert codes(prepare(world, without, HOW)) == [(2, "sum", "BAD_VALUE")]
    reasoned = file(world, contract, ("120", "增项", "24312000000000000001", "2026-11-20"))
    assert codes(prepare(world, reasoned, HOW)) == [(2, "inv", "BAD_VALUE")]
    assert rows(world) == []


def test_a_file_without_a_reason_is_refused_beside_its_amount(world, contract):
    plan = prepare(world, file(world, contract, ("120", "", "", "")), HOW)

    ((line, column, code),) = codes(plan)
    assert (line, column, code) == (2, "sum", "BAD_VALUE")
    (told,) = [str(one.reason) for one in plan.files[0].fatal]
    assert "100.00" in told


def test_invoices_of_one_file_add_up(world, contract):
    plan = prepare(world, file(world, contract, ("60", "", "", ""), ("60", "", "", "")), HOW)

    assert codes(plan) == [(3, "sum", "BAD_VALUE")]
    assert rows(world) == []


def test_a_bulk_edit_asks_each_after_the_one_before(world, contract):
    keys = [ask(world, contract, 40_00) for _n in range(2)]

    found = bulk(world, edits.editing(world.session, Invoice, {"amount": 60_00}), keys)

    assert sorted(state.name for state, _text in found.values()) == ["done", "failed"]
    (said,) = [text for state, text in found.values() if state is ItemState.failed]
    assert "100.00" in said
    assert sorted(amount for amount, _state, _most in rows(world)) == [40_00, 60_00]


def test_a_reason_in_bulk_lets_both_be_asked_for(world, contract):
    keys = [ask(world, contract, 40_00) for _n in range(2)]
    values = {"amount": 60_00, "over_reason": "增项"}

    found = bulk(world, edits.editing(world.session, Invoice, values), keys)

    assert {state for state, _text in found.values()} == {ItemState.done}
    assert [most for _amount, _state, most in rows(world)] == [None, 120_00]


def test_what_no_longer_fits_is_not_restored_and_says_by_how_much(world, contract):
    key = ask(world, contract, 90_00, "增项")  # a reason that was not needed then
    over = ask(world, contract, 30_00, "增项")
    for one in (over, key):
        with world.acting("sales"):
            records.remove(world.call, world.get(Invoice, one), seen=None)
    with world.acting("sales"):
        record = world.get(Contract, contract)
        records.update(world.call, record, {"amount": 50_00}, seen=None)
        (request,) = approval.changes_asked(world.session)
    world.decided(request)

    world.be("sales")
    task = record_verbs.restoring("invoice", by=world.actor)
    found = bulk(world, task, [key, over], who="sales")

    assert found[key][0] is ItemState.failed
    assert "40.00" in found[key][1]
    assert found[over][0] is ItemState.done
    assert rows(world) == [(30_00, InvoiceState.requested, 120_00)]


def test_a_form_names_the_reason_and_the_sums(world, contract):
    with pytest.raises(Invalid) as refusal, world.acting("sales"):
        world.create(Invoice, contract_id=contract, amount=100_01)

    assert list(refusal.value.errors) == ["amount"]
    assert "100.00" in str(refusal.value)
