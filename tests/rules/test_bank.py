"""Bank statements: lines come by file, say what they may pay and why, are booked with a click."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.deals.bank_line import BankLine, BankLineState
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentState
from models.deals.payment_plan import PaymentPlan
from services.core.errors import Forbidden, Locked
from services.receivables import bank
from services.rights.actor import SYSTEM
from tests.support.imports import run, sheet, table
from tests.support.visitors import Doors

HOW = """
source = "bank"
[[files]]
pattern = "*"
[[files.entities]]
entity = "bankline"
keys = ["reference"]
[files.entities.fields]
reference = "流水号"
booked_on = "日期"
amount = "收入"
payer = "户名"
note = "附言"
"""
HEAD = ("流水号", "日期", "收入", "户名", "附言")
DAY = dt.date(2026, 11, 20)


@pytest.fixture
def statement(world):
    """Two contracts of two customers, each with two instalments, and four lines."""
    world.contracts = []
    for name in ("武汉甲泵业有限公司", "武汉乙阀门有限公司"):
        plan = [{"amount": 100_00, "due_on": DAY}, {"amount": 250_00, "due_on": DAY}]
        key = world.contract(world.approved(company=name), amount=350_00, plan=plan)
        world.contracts.append(world.approved(model=Contract, key=key))
    world.be(SYSTEM)
    code = world.get(Contract, world.contracts[1]).code
    rows = [
        ("B1", "2026-11-20", "250", "武汉甲泵业 有限公司", ""),
        ("B2", "2026-11-20", "100", "某人", ""),
        ("B3", "2026-11-21", "40", "某人", f"付{code}货款"),
        ("B4", "2026-11-21", "-7", "银行", "手续费"),
    ]
    run(world, [("bank.csv", table(HEAD, *rows))], HOW)
    assert run(world, [("bank.xlsx", sheet(HEAD, *rows))], HOW)[1] == []  # the same lines again
    return world


def line(world, reference, who="finance"):
    world.be(who)
    return world.session.scalar(sa.select(BankLine).where(BankLine.reference == reference))


def told(world, reference):
    found = bank.suggestions(world.session, line(world, reference))
    return [(one.line.contract_id, one.line.amount, len(one.reasons)) for one in found]


def test_a_line_says_which_instalments_it_may_be_for_the_likeliest_first(statement):
    first, second = statement.contracts
    assert told(statement, "B1")[:2] == [(first, 250_00, 2), (second, 250_00, 1)]
    assert {row[:2] for row in told(statement, "B2")} == {(first, 100_00), (second, 100_00)}
    assert [row[0] for row in told(statement, "B3")] == [second, second]
    assert told(statement, "B4") == []
    assert line(statement, "B1", "sales") is None


def test_a_line_is_registered_confirmed_and_laid_on_the_chosen_instalment_once(statement):
    first, _second = statement.contracts
    found = bank.suggestions(statement.session, line(statement, "B1"))
    chosen = found[0].line.id
    with statement.acting("finance"):
        part = bank.instalment(statement.session, chosen)
        made = bank.book(statement.call, line_of(statement, "B1"), part).id
    statement.be("finance")
    paid = statement.get(Payment, made)
    assert (paid.state, paid.amount, paid.voucher) == (PaymentState.confirmed, 250_00, "B1")
    lines = sa.select(PaymentPlan.settled).where(PaymentPlan.contract_id == first)
    ordered = lines.order_by(PaymentPlan.ordinal)
    assert list(statement.session.scalars(ordered)) == [0, 250_00]
    assert line(statement, "B1").state is BankLineState.booked
    statement.be("finance")
    part = bank.instalment(statement.session, chosen)
    with pytest.raises(Locked):
        bank.book(statement.call, line_of(statement, "B1"), part)
    statement.be("office")
    with pytest.raises(Forbidden):
        bank.ignore(statement.call, BankLine())


def line_of(world, reference):
    return world.session.scalar(sa.select(BankLine).where(BankLine.reference == reference))


def test_the_page_of_a_line_registers_it_and_what_is_unusual_is_read_first(statement):
    first, _second = statement.contracts
    record = line(statement, "B1")
    found = bank.suggestions(statement.session, record)
    key, plan = record.id, found[0].line.id
    with statement.acting("finance"):
        values = {"contract_id": first, "amount": 250_00, "paid_on": DAY}
        statement.create(Payment, **values)
    doors = Doors(statement)
    page = doors.get("finance", f"/admin/bankline/details/?id={key}").get_data(as_text=True)
    assert page.count("/admin/bankline/book/") >= 2
    form = {"id": key, "plan": plan}
    answer = doors.post("finance", "/admin/bankline/book/", form)
    assert answer.status_code == 422
    mark = answer.get_data(as_text=True).split('name="_known" value="')[1].split('"')[0]
    done = doors.post("finance", "/admin/bankline/book/", form | {"_known": mark})
    assert done.status_code == 303
    other = line(statement, "B2").id
    assert doors.post("finance", "/admin/bankline/ignore/", {"id": other}).status_code == 303
    assert line(statement, "B2").state is BankLineState.ignored
