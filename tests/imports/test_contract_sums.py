"""A past stays whole by file: lines make the amount, the plan follows, what cannot is refused."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentAllocation
from models.importing.import_job import ImportJob
from models.sales.product import Product
from services.deals import contract_plan, contract_sums
from services.importing.back.undo import undo
from services.rights import gate
from services.rights.actor import SYSTEM
from services.rights.call import Call
from tests.support.imports import codes, prepare, run, table

CONTRACTS = """
approval = "approved"
source = "old"
[[files]]
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "编号"
name = "名称"
customer_id = {{ column = "客户", create = true }}
signed_on = "签订日"
{more}
"""
HEAD = ("编号", "名称", "客户", "签订日")
ROW = ("B1", "旧合同", "丙公司", "2019-07-04")
AMOUNT = CONTRACTS.format(more='amount = "金额"')
PLAN = CONTRACTS.format(
    more="""amount = "金额"
[files.entities.lines.plan]
amount = "应收"
due_on = "应收日期"
"""
)
LINES = CONTRACTS.format(
    more="""
[files.entities.lines.lines]
product_id = "产品"
quantity = "数量"
price = "单价"
"""
)
MONEY = """
approval = "draft"
[[files]]
[[files.entities]]
entity = "payment"
[files.entities.fields]
contract_id = "合同"
paid_on = "日期"
amount = "金额"
"""


def bring(world, how, *rows):
    world.be(SYSTEM)
    return run(world, [("a.csv", table(*rows))], how)


def amount_and_plan(world):
    world.be(SYSTEM)
    contract = world.session.scalars(sa.select(Contract)).one()
    assert contract_sums.faults(contract_sums.stored(contract)) == {}
    return contract.amount, [line.amount for line in contract.plan]


def test_lines_added_to_a_contract_in_force_bring_its_amount_and_plan(world):
    bring(world, CONTRACTS.format(more=""), HEAD, ROW)
    assert amount_and_plan(world) == (None, [])
    with world.acting("admin"):
        world.create(Product, code="P1", name="泵")

    bring(world, LINES, (*HEAD, "产品", "数量", "单价"), (*ROW, "泵", "1", "532"))

    assert amount_and_plan(world) == (532_00, [532_00])


def test_an_amount_corrected_by_file_takes_a_plan_of_one_line_along_and_can_be_undone(world):
    bring(world, AMOUNT, (*HEAD, "金额"), (*ROW, "100"))
    _plan, (job,) = bring(world, AMOUNT, (*HEAD, "金额"), (*ROW, "120"))
    key = job.id
    assert amount_and_plan(world) == (120_00, [120_00])

    world.be(SYSTEM)
    job = world.session.get_one(ImportJob, key)
    undo(world.call, job)
    world.session.commit()

    assert amount_and_plan(world) == (100_00, [100_00])


def test_a_plan_of_ratios_follows_a_file_and_one_of_amounts_refuses_it(world):
    due = (dt.date(2026, 11, 1), dt.date(2026, 12, 1))
    bring(world, AMOUNT, (*HEAD, "金额"), (*ROW, "100"))
    world.be(SYSTEM)
    key = world.session.scalars(sa.select(Contract.id)).one()

    def planned(rows):
        with world.acting(SYSTEM), gate.rule(world.session, "import"):
            call = Call(world.session, world.actor, world.now)
            contract_plan.amend(call, world.get(Contract, key), {"plan": rows})

    planned([{"ratio_bp": r, "due_on": d} for r, d in zip((3000, 7000), due, strict=True)])
    bring(world, AMOUNT, (*HEAD, "金额"), (*ROW, "200"))
    assert amount_and_plan(world) == (200_00, [60_00, 140_00])

    planned([{"amount": a, "due_on": d} for a, d in zip((50_00, 150_00), due, strict=True)])
    world.be(SYSTEM)
    plan = prepare(world, [("a.csv", table((*HEAD, "金额"), (*ROW, "300")))], AMOUNT)

    assert [code for _line, _column, code in codes(plan)] == ["BAD_VALUE"]
    assert "300.00" in str(plan.files[0].fatal[0].reason)


def test_a_past_whose_plan_does_not_sum_stays_out(world):
    world.be(SYSTEM)
    head, row = (*HEAD, "金额", "应收", "应收日期"), (*ROW, "100", "50", "2019-08-01")

    plan = prepare(world, [("a.csv", table(head, row))], PLAN)

    assert [code for _line, _column, code in codes(plan)] == ["BAD_VALUE"]
    bring(world, PLAN, head, (*ROW, "100", "100", "2019-08-01"))
    assert amount_and_plan(world) == (100_00, [100_00])


def test_money_of_a_file_that_goes_beyond_the_contract_is_said_and_comes_in(world):
    contract = world.approved(model=Contract, key=world.contract(world.approved(), amount=100_00))
    world.be("admin")
    code = world.get(Contract, contract).code
    rows = [(code, "2026-11-20", amount) for amount in ("60", "60", "1")]
    world.be("finance")

    plan = prepare(world, [("a.csv", table(("合同", "日期", "金额"), *rows))], MONEY)

    told = [(p.line, p.code) for p in plan.files[0].problems if p.code == "OVER_CONTRACT"]
    assert told == [(3, "OVER_CONTRACT"), (4, "OVER_CONTRACT")]
    assert plan.files[0].fatal == []
    assert plan.files[0].counts["payment"]["created"] == len(rows)


def test_money_of_a_past_fills_an_instalment_before_money_only_registered(world):
    contract = world.approved(model=Contract, key=world.contract(world.approved(), amount=100_00))
    with world.acting("finance"):
        waits = world.create(
            Payment, contract_id=contract, amount=60_00, paid_on=dt.date(2026, 11, 1)
        ).id
    world.be("admin")
    code = world.get(Contract, contract).code

    past = MONEY.replace("draft", "approved")
    bring(world, past, ("合同", "日期", "金额"), (code, "2026-11-20", "70"))

    part = PaymentAllocation.__table__
    found = world.session.execute(sa.select(part.c.payment_id, part.c.amount)).all()
    assert sorted(amount for _key, amount in found) == [30_00, 70_00]
    assert (waits, 30_00) in [tuple(row) for row in found]


@pytest.fixture
def world(small):
    return small
