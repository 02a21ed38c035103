"""A past contract has the orders and steps the file says and no other; nobody said the rest."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.importing.import_job import ImportJob
from services.core.days import today
from services.core.errors import Locked
from services.deals import progress
from services.importing.back.undo import undo
from services.rights import gate
from services.rights.actor import SYSTEM
from services.rights.call import Call
from tests.support.imports import codes, prepare, run, table

TOP = 'source = "old"\napproval = "approved"\n'
CONTRACTS = """[[files]]
pattern = "co*"
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
name = "no"
customer_id = { column = "co", create = true }
signed_on = "day"
state = "state"
"""
ORDERS = """[[files]]
pattern = "or*"
[[files.entities]]
entity = "order"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "id"
contract_id = { column = "no", by = "external_ref" }
state = "state"
deliver_on = "due"
[files.entities.lines.milestones]
name = "step"
planned_on = "planned"
done_on = "done"
"""
HOW = TOP + CONTRACTS + ORDERS
CO = (
    "co.csv",
    table(
        ("no", "co", "day", "state"),
        ("A1", "丙公司", "2019-07-04", ""),
        ("A2", "丁公司", "2020-01-02", "履行完毕"),
    ),
)
HEAD = ("id", "no", "state", "due", "step", "planned", "done")
FIRST = ("O1", "A1", "", "2019-09-01")
STEPS = [
    (*FIRST, "设计", "2019-07-10", "2019-07-12"),
    (*FIRST, "发货", "2019-08-20", ""),
    ("O2", "A1", "已完成", "2020-01-01", "发货", "2019-12-01", "2019-12-24"),
]
OR = ("or.csv", table(HEAD, *STEPS))


def orders(world):
    """Return external number → (contract, state, steps) of living orders."""
    world.session.expire_all()
    found = {}
    for one in world.session.scalars(sa.select(Order).order_by(Order.id)):
        steps = [(s.name, s.planned_on, s.done_on, s.state) for s in one.milestones]
        found[one.external_ref] = (one.contract.external_ref, one.state, steps)
    return found


def day(text):
    return dt.date.fromisoformat(text)


SAID = {
    "old:O1": (
        "old:A1",
        OrderState.open,
        [
            ("设计", day("2019-07-10"), day("2019-07-12"), MilestoneState.done),
            ("发货", day("2019-08-20"), None, MilestoneState.planned),
        ],
    ),
    "old:O2": (
        "old:A1",
        OrderState.done,
        [("发货", day("2019-12-01"), day("2019-12-24"), MilestoneState.done)],
    ),
}
DONE = {None: ("old:A2", OrderState.done, [])}  # nobody spoke of an order: it has no steps


def test_a_contract_has_the_orders_its_file_says_in_one_run_and_in_two(world):
    run(world, [OR, CO], HOW)
    assert orders(world) == SAID | DONE
    numbers = world.session.scalars(sa.select(Order.code).order_by(Order.code)).all()
    assert [code.split("-")[2] for code in numbers] == ["20190704", "20190704", "20200102"]
    assert run(world, [CO, OR], HOW)[1] == []


def test_the_order_an_import_gave_a_contract_becomes_the_one_of_the_next_file_and_back(world):
    run(world, [CO], HOW)

    plan, jobs = run(world, [OR], HOW)

    assert orders(world) == SAID | DONE
    assert plan.files[0].counts["order"] == {"rows": 3, "updated": 1, "merged": 1, "created": 1}
    assert run(world, [OR], HOW)[1] == []
    job = world.session.get_one(ImportJob, jobs[0].id)
    undo(Call(world.session, SYSTEM, world.now), job)
    world.session.commit()
    world.session.expire_all()
    mine = Order.contract.has(external_ref="old:A1")
    living = world.session.scalars(sa.select(Order).where(mine, Order.deleted_at.is_(None)))
    assert [(one.external_ref, one.state, one.milestones) for one in living] == [
        (None, OrderState.open, [])
    ]


def test_steps_are_changed_by_name_and_others_stay(small):
    run(small, [CO, OR], HOW)
    step = small.session.scalars(
        sa.select(OrderMilestone).where(OrderMilestone.name == "设计")
    ).one()
    with gate.rule(small.session, "import"):
        step.note = "有图纸"
        small.session.commit()
    more = [(*FIRST, "发货", "2019-08-20", "2019-08-25"), (*FIRST, "验收", "2019-09-01", "")]

    _plan, jobs = run(small, [("or.csv", table(HEAD, *more))], HOW)

    _contract, _state, steps = orders(small)["old:O1"]
    assert [(name, done) for name, _p, done, _s in steps] == [
        ("设计", day("2019-07-12")), ("发货", day("2019-08-25")), ("验收", None),
    ]  # fmt: skip
    undo(Call(small.session, SYSTEM, small.now), small.session.get_one(ImportJob, jobs[0].id))
    small.session.commit()
    assert orders(small)["old:O1"] == SAID["old:O1"]
    notes = small.session.scalars(sa.select(OrderMilestone.note).order_by(OrderMilestone.id)).all()
    assert "有图纸" in notes


def test_a_step_that_cannot_be_is_told_at_its_row(small):
    rows = [(*FIRST, "a", "", "2099-01-01"), (*FIRST, "", "2019-01-01", "")]
    plan = prepare(small, [CO, ("or.csv", table(HEAD, *rows))], HOW)

    assert codes(plan) == [(2, "done", "BAD_VALUE"), (3, "step", "BAD_VALUE")]


def test_a_finished_order_without_steps_is_delivered(small):
    run(small, [CO, OR], HOW)
    found = small.session.scalars(sa.select(Contract)).all()

    figures = progress.figures(small.session, found, day=today(small.now))

    assert {c.external_ref: figures[c.id].delivery for c in found} == {
        "old:A1": 6666,
        "old:A2": 10_000,
    }


def test_a_past_has_the_numbers_of_its_own_days_and_no_level_that_nobody_said(small):
    head = ("no", "co", "day", "level", "made")
    customers = """[[files]]
[[files.entities]]
entity = "customer"
keys = ["company"]
[files.entities.fields]
company = "co"
level = "level"
created_at = "made"
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
name = "no"
customer_id = "co"
signed_on = "day"
"""
    rows = [
        ("1", "丙公司", "2019-07-04", "", "2018-03-01"),
        ("2", "丁公司", "", "B级", ""),
        ("3", "戊公司", "2019-07-04", "", "2018-03-01"),
    ]
    run(small, [("a.csv", table(head, *rows))], TOP + customers)

    found = small.session.scalars(sa.select(Contract).order_by(Contract.external_ref)).all()
    assert [one.code for one in found] == [
        "YAV-HT-20190704-01", "YAV-HT-20261123-01", "YAV-HT-20190704-02",
    ]  # fmt: skip
    people = small.session.scalars(sa.select(Customer).order_by(Customer.id)).all()
    assert [(one.code, one.level and one.level.name) for one in people] == [
        ("YAV-20180301-G1", None), ("YAV-20261123-G1", "b"), ("YAV-20180301-G2", None),
    ]  # fmt: skip
    draft = TOP.replace("approved", "draft") + customers.split("[[files.entities]]")[1].join(
        ["[[files]]\n[[files.entities]]", ""]
    ).replace('created_at = "made"\n', "")
    run(small, [("b.csv", table(("co", "level"), ("己公司", "")))], draft)
    assert (
        small.session.scalars(sa.select(Customer).where(Customer.company == "己公司")).one().level
        is None
    )


def test_the_order_a_contract_has_is_addressed_by_its_contract(small):
    run(small, [CO], HOW)
    how = TOP + ORDERS.replace('keys = ["external_ref"]', 'keys = ["contract_id"]')
    how = how.replace('external_ref = "id"\n', "")
    rows = [
        ("A1", "", "2019-09-01", "发货", "2019-08-20", ""),
        ("A2", "", "", "验收", "", "2020-05-05"),
    ]

    plan, _jobs = run(small, [("or.csv", table(HEAD[1:], *rows))], how)

    assert plan.files[0].counts["order"] == {"rows": 2, "updated": 2}
    found = small.session.scalars(sa.select(Order).order_by(Order.id))
    assert [[step.name for step in one.milestones] for one in found] == [["发货"], ["验收"]]
    assert run(small, [("or.csv", table(HEAD[1:], *rows))], how)[1] == []


def test_steps_that_somebody_went_on_with_stand_against_an_undo(small):
    run(small, [CO, OR], HOW)
    more = table(HEAD, (*FIRST, "发货", "2019-08-20", "2019-08-25"))
    _plan, jobs = run(small, [("or.csv", more)], HOW)
    step = OrderMilestone.__table__
    later = sa.update(step).values(note="到港", updated_at=small.now + dt.timedelta(hours=1))
    mine = later.where(step.c.name == "设计")
    small.session.execute(mine, execution_options={"rule": "import"})
    small.session.commit()

    with pytest.raises(Locked, match="导入后被修改"):
        undo(small.call, small.session.get_one(ImportJob, jobs[0].id))
