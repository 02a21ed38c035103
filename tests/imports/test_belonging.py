"""What hangs on another customer is refused of a file, written in whatever way, as by the form."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.sales.follow_up import FollowUp, FollowUpKind
from models.sales.opportunity import Opportunity
from services import importing
from services.core.engine import writing
from services.core.errors import Invalid
from services.importing.run import pieces
from tests.support.imports import codes, prepare, run, table
from tests.support.office import Office
from tests.support.world import World

TALKS = """approval = "draft"
[[files]]
[[files.entities]]
entity = "followup"
[files.entities.fields]
customer_id = "客户"
contact_id = {column = "联系人", by = "external_ref"}
opportunity_id = {column = "商机", by = "external_ref"}
contract_id = {column = "合同", by = "external_ref"}
at = "日"
content = "内容"
kind = {value = "电话"}
owner_id = {value = "sales"}
"""
PEOPLE = """approval = "draft"
[[files]]
pattern = "a*"
[[files.entities]]
entity = "contact"
fields = {external_ref = "号", name = "名", mobile = "机", customer_id = "客户"}
"""
DEALS = """approval = "%s"
[[files]]
[[files.entities]]
entity = "opportunity"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "号"
name = "号"
customer_id = "客户"
contact_id = {column = "联系人", by = "external_ref"}
stage_id = {value = "初步接触"}
"""
MODELS = {"contact_id": Contact, "opportunity_id": Opportunity, "contract_id": Contract}
COLUMNS = {"contact_id": "联系人", "opportunity_id": "商机", "contract_id": "合同"}
HEAD = ("客户", *COLUMNS.values(), "日", "内容")
NOT_OWN = "不属于所选客户"


@pytest.fixture
def two(app):
    """Two customers, each with a contact, an opportunity and a contract of its own."""
    with World(app) as world:
        for name in "甲乙":
            key = world.approved(company=f"{name}公司")
            with world.acting("sales"):
                person = world.create(Contact, customer_id=key, name=name, mobile="13900139000").id
            deal = world.opportunity(key, name=f"{name}的商机")
            paper = world.contract(key, name=f"{name}的合同")
            world.approved("sales", Opportunity, deal)
            keys = (person, deal, world.approved("sales", Contract, paper))
            for model, one in zip(MODELS.values(), keys, strict=True):
                named = sa.update(model.__table__).where(model.__table__.c.id == one)
                named = named.values(external_ref=f"X{name}")
                world.session.execute(named, execution_options={"rule": "import"})
            world.session.commit()
    return app


def talk(key, whose, n=1):
    """Return a row of 甲公司 that names somebody's contact, opportunity or contract."""
    named = (f"X{whose}" if one == key else "" for one in MODELS)
    return ("甲公司", *named, f"2026-11-2{n}", f"谈{n}")


def by_form(app, key, whose):
    """Return what the form says to the same follow-up."""
    with World(app) as world:
        model = MODELS[key]
        named = world.session.scalar(sa.select(model.id).where(model.external_ref == f"X{whose}"))
        customer = world.session.scalar(sa.select(Customer.id).where(Customer.company == "甲公司"))
        try:
            world.create(
                FollowUp,
                customer_id=customer,
                kind=FollowUpKind.call,
                content="谈",
                at=dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
                owner_id=world.id_of("sales"),
                **{key: named},
            )
        except Invalid as problem:
            return {field: str(reason) for field, reason in problem.errors.items()}
        finally:
            world.session.rollback()
    return {}


def talks(world):
    """Return what came in, beside the records of approvals."""
    query = sa.select(FollowUp.content).where(FollowUp.kind == FollowUpKind.call)
    return list(world.session.scalars(query))


@pytest.mark.parametrize("key", list(MODELS))
def test_both_doors_say_the_same_of_what_hangs_on_another_customer(two, key):
    assert by_form(two, key, "甲") == {}
    assert by_form(two, key, "乙") == {key: NOT_OWN}

    with World(two) as world:
        file = table(HEAD, talk(key, "甲", 1), talk(key, "乙", 2))
        plan, _jobs = run(world, [("f.csv", file)], TALKS, partial=True)

        assert codes(plan) == [(3, COLUMNS[key], "BAD_VALUE")]
        assert [str(p.reason) for p in plan.files[0].fatal] == [NOT_OWN]
        assert talks(world) == ["谈1"]


@pytest.mark.parametrize("window", [0, 1])
def test_a_contact_of_the_same_run_belongs_to_its_own_customer(two, window):
    people = table(("号", "名", "机", "客户"), ("N1", "新", "13700137000", "乙公司"))
    other = ("乙公司", "N1", "", "", "2026-11-22", "谈2")
    rows = table(HEAD, ("甲公司", *other[1:4], "2026-11-21", "谈1"), other)
    text = PEOPLE + TALKS.removeprefix('approval = "draft"\n').replace(
        "[[files]]", '[[files]]\npattern = "b*"'
    )
    with World(two) as world:
        files = [("a.csv", people), ("b.csv", rows)]
        plan = prepare(world, files, text) if not window else planned(world, files, text, window)

        assert codes(plan) == [(2, "联系人", "BAD_VALUE")]
        pieces.write(world.call, plan, partial=True, told=lambda *_n: None)
        assert talks(world) == ["谈2"]


def planned(world, files, text, window):
    with writing(on=False):
        plan = pieces.prepare(
            world.call, files, importing.load(text, "t"), text=text, window=window
        )
        world.session.rollback()
    return plan


def test_a_contact_that_moves_after_the_check_keeps_its_follow_up_out(two):
    """The many-row writer asks once more, as the form does when it saves."""
    with World(two) as world:
        file = table(HEAD, talk("contact_id", "甲", 1), talk("opportunity_id", "甲", 2))
        plan = prepare(world, [("f.csv", file)], TALKS)
        assert codes(plan) == []
        contact = Contact.__table__
        other = sa.select(Customer.id).where(Customer.company == "乙公司").scalar_subquery()
        moved = sa.update(contact).where(contact.c.external_ref == "X甲")
        moved = moved.values(customer_id=other)
        world.session.execute(moved, execution_options={"rule": "import"})
        world.session.commit()

        pieces.write(world.call, plan, partial=True, told=lambda *_n: None)

        assert plan.files[0].counts["followup"] == {"rows": 2, "created": 1, "failed": 1}
        assert talks(world) == ["谈2"]


@pytest.mark.parametrize("approval", ["draft", "approved"])
def test_a_deal_of_a_past_has_no_contact_of_another_customer_either(two, approval):
    head = ("号", "客户", "联系人")
    text = DEALS % approval
    with World(two) as world:
        file = table(head, ("D1", "甲公司", "X甲"), ("D2", "甲公司", "X乙"))
        plan, _jobs = run(world, [("d.csv", file)], text, partial=True)
        assert codes(plan) == [(3, "联系人", "BAD_VALUE")]

        plan, _jobs = run(world, [("d.csv", table(head, ("D1", "", "X乙")))], text, partial=True)
        assert codes(plan) == [(2, "联系人", "BAD_VALUE")]
        plan, _jobs = run(world, [("d.csv", table(head, ("D1", "乙公司", "")))], text, partial=True)
        assert codes(plan) == [(2, "联系人", "BAD_VALUE")]


@pytest.mark.parametrize("key", ["opportunity_id", "contract_id"])
def test_the_page_refuses_what_hangs_on_another_customer(two, key):
    head = ("客户", COLUMNS[key], "跟进时间", "跟进内容", "跟进方式", "跟进人")
    rows = [
        ("甲公司", f"{whose}的{COLUMNS[key]}", f"2026-11-2{n}", f"谈{n}", "电话", "sales")
        for n, whose in enumerate("甲乙", 1)
    ]
    office = Office(two)
    job = office.upload(table(head, *rows), "followup", name="跟踪.csv")
    page = office.check(job, approval="draft")
    assert NOT_OWN in page
    assert "新建 1" in page

    office.run(job, partial="1")
    with World(two) as world:
        assert talks(world) == ["谈1"]
