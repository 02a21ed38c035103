"""Bank statements: lines come by file, say what they may pay and why, are booked with a click."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.deals.bank_line import BankLine, BankLineState
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentState
from models.deals.payment_plan import PaymentPlan
from models.people.role import Role
from services.core.errors import Forbidden, Locked
from services.deals import payment
from services.receivables import bank
from services.rights.actor import SYSTEM
from tests.support.imports import run, sheet, table
from tests.support.office import Office
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
    wanted = [(first, 250_00, 2), (first, 100_00, 1), (second, 250_00, 1)]
    assert told(statement, "B1") == wanted
    assert {row[:2] for row in told(statement, "B2")} == {(first, 100_00), (second, 100_00)}
    assert [row[0] for row in told(statement, "B3")] == [second, second]
    assert told(statement, "B4") == []
    assert line(statement, "B1", "sales") is None


@pytest.mark.parametrize(
    "payer",
    [
        "武汉甲泵业有限公司",
        "武汉甲泵业（有限责任公司）",
        "武汉市甲泵业股份有限公司",
        "武汉甲泵业",
        "武汉甲泵业　有限公司",
    ],
)
def test_a_payer_is_found_as_duplicates_are_whatever_the_amount(statement, payer):
    with statement.acting(SYSTEM):
        values = {"reference": "B9", "booked_on": DAY, "amount": 77_00, "payer": payer}
        statement.session.add(BankLine(**values))

    first, _second = statement.contracts
    assert told(statement, "B9") == [(first, 100_00, 2), (first, 250_00, 2)]


def booked(world, reference):
    """Book a line on what is likeliest; return the payment."""
    chosen = bank.suggestions(world.session, line(world, reference))[0].line.id
    with world.acting("finance"):
        part = bank.instalment(world.session, chosen)
        return bank.book(world.call, line_of(world, reference), part).id


def test_a_line_waits_again_once_its_payment_is_reversed(statement):
    wrong = booked(statement, "B1")
    with statement.acting("finance"):
        opened = payment.reverse(statement.call, statement.get(Payment, wrong))
    assert opened == ["B1"]

    found = line(statement, "B1")
    assert (found.state, found.payment_id) == (BankLineState.waiting, None)
    assert bank.taken_back(statement.session, found) == [statement.get(Payment, wrong).code]
    assert bank.suggestions(statement.session, found)
    right = booked(statement, "B1")
    found = line(statement, "B1")
    assert (found.state, found.payment_id) == (BankLineState.booked, right)
    assert bank.taken_back(statement.session, found) == []


def test_who_reverses_opens_the_line_though_he_sees_no_statements(statement):
    made = booked(statement, "B1")
    with statement.acting(SYSTEM):
        role = statement.session.scalars(sa.select(Role).where(Role.name == "office")).one()
        role.permissions = [*role.permissions, "payment:reverse"]
    with statement.acting("office"):
        assert payment.reverse(statement.call, statement.get(Payment, made)) == ["B1"]
    assert line(statement, "B1").state is BankLineState.waiting


def test_the_pages_say_that_a_line_waits_again(statement):
    made = booked(statement, "B1")
    key, code = line(statement, "B1").id, statement.get(Payment, made).code
    doors = Doors(statement)
    assert doors.post("finance", "/admin/payment/reverse/", {"id": made}).status_code == 303
    shown = doors.get("finance", f"/admin/payment/details/?id={made}").get_data(as_text=True)
    assert "银行流水 B1 已恢复为待匹配" in shown
    page = doors.get("finance", f"/admin/bankline/details/?id={key}").get_data(as_text=True)
    assert f"此前入账的回款 {code} 已冲销" in page
    assert "/admin/bankline/book/" in page


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


def test_who_clicks_on_a_line_somebody_booked_meanwhile_is_told_so(statement):
    first, _second = statement.contracts
    key = line(statement, "B1").id
    part = bank.suggestions(statement.session, line(statement, "B1"))[0].line
    doors, form = Doors(statement), {"id": key, "plan": part.id}
    doors.post("finance", "/admin/bankline/book/", form)
    statement.be("finance")
    assert statement.get(BankLine, key).state is BankLineState.booked

    answer = doors.post("finance", "/admin/bankline/book/", form)

    assert answer.status_code == Locked.status
    assert "这笔流水已经入账或不处理" in answer.get_data(as_text=True)
    statement.be("finance")
    assert len(statement.session.query(Payment).filter_by(contract_id=first).all()) == 1


BANKS = (
    ("交易日期", "借方发生额（支出）", "贷方发生额（收入）", "对方户名", "摘要", "交易流水号"),
    ("20261120", "", "250.00", "武汉甲泵业有限公司", "货款", "A001"),
    ("20261121", "30.00", "", "电力公司", "电费", "A002"),
    ("20261122", "0.00", "0.00", "某人", "", "A003"),
)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "新建 1"),  # what is paid out is no such line, and counted
        ({"fixed-amount": "5"}, "新建 2"),  # a value for blank cells stands in; nought is told
        ({"column-2": "", "fixed-amount": "5"}, "新建 3"),
    ],
)
def test_a_bank_s_own_file_is_guessed_and_what_it_pays_out_left_out(app, changes, told):
    office = Office(app, "finance")
    job = office.upload(table(*BANKS), noun="bankline", name="流水.csv")
    page = office.check(job, **changes)
    assert told in page
    assert ("跳过 2" in page) is (not changes)
