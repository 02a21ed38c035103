"""What an undo takes away leaves the rest as if it had never come, as deleting by hand does."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer, CustomerStatus
from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceState
from models.deals.payment import Payment
from models.deals.payment_plan import PaymentPlan
from models.importing.import_job import ImportJob
from models.sales.follow_up import FollowUp, FollowUpKind
from models.sales.plan import FollowUpPlan
from services.core.errors import Locked
from services.customers import merge
from services.deals import payment
from services.importing.back.undo import undo
from services.records import records
from tests.imports.test_shares import CO, HOW
from tests.support.imports import run, table

DAY = dt.date(2020, 1, 1)
PA = HOW.split("[files.entities.lines.allocations]", 1)[0]
HEAD = ("id", "no", "day", "sum")


def paid(world, *rows, how=PA):
    """Bring payments by a file; return its job."""
    _plan, jobs = run(world, [("pa.csv", table(HEAD, *rows))], how)
    return jobs[0].id


def take_back(world, key, **options):
    job = world.session.get_one(ImportJob, key)
    left = undo(world.call, job, **options)
    world.session.commit()
    world.session.expire_all()
    return left


def settled(world):
    world.session.expire_all()
    lines = sa.select(PaymentPlan.settled).order_by(PaymentPlan.due_on)
    return list(world.session.scalars(lines))


def by_hand(world, amount):
    """Register and confirm money on the contract as finance does."""
    contract = world.session.scalar(sa.select(Contract.id))
    one = world.create(Payment, contract_id=contract, paid_on=DAY, amount=amount)
    payment.confirm(world.call, one)
    world.session.commit()
    return one.id


def test_money_of_others_takes_the_place_of_what_is_taken_back(world):
    run(world, [CO], HOW)
    key = paid(world, ("1", "A", "2019-02-02", "40"))
    by_hand(world, 90_00)
    assert settled(world) == [40_00, 60_00]

    take_back(world, key)

    assert settled(world) == [30_00, 60_00]


def test_what_an_imported_refund_took_is_settled_again(world):
    run(world, [CO], HOW)
    by_hand(world, 100_00)
    key = paid(world, ("1", "A", "2020-02-02", "-70"))
    assert settled(world) == [30_00, 0]

    take_back(world, key)

    assert settled(world) == [40_00, 60_00]


def test_money_that_a_refund_leans_on_stays_and_says_why(world):
    run(world, [CO], HOW)
    key = paid(world, ("1", "A", "2019-02-02", "40"), ("2", "A", "2019-02-03", "20"))
    by_hand(world, -15_00)
    for rest in (False, True):
        with pytest.raises(Locked, match="请先冲销退款"):
            take_back(world, key, rest=rest)
        world.session.rollback()
    assert settled(world) == [40_00, 5_00]

    back = world.session.scalars(sa.select(Payment).where(Payment.amount < 0)).one()
    payment.reverse(world.call, back)
    world.session.commit()
    take_back(world, key)
    assert settled(world) == [0, 0]


def test_money_and_what_was_given_back_of_it_go_together(world):
    run(world, [CO], HOW)
    key = paid(world, ("1", "A", "2019-02-02", "40"), ("2", "A", "2019-02-03", "-15"))

    take_back(world, key)

    assert settled(world) == [0, 0]


def test_a_changed_amount_put_back_is_laid_anew(world):
    run(world, [CO], HOW)
    drafts = PA.replace("approved", "draft")
    paid(world, ("1", "A", "2019-02-02", "40"), how=drafts)
    parts = sa.select(Payment.amount)
    key = paid(world, ("1", "A", "2019-02-02", "90"), how=drafts)
    assert list(world.session.scalars(parts)) == [90_00]
    one = world.session.scalars(sa.select(Payment)).one()
    assert sorted(part.amount for part in one.allocations) == [40_00, 50_00]

    take_back(world, key)

    one = world.session.scalars(sa.select(Payment)).one()
    assert (one.amount, [part.amount for part in one.allocations]) == (40_00, [40_00])


BILLS = """source = "old"
approval = "draft"
[[files]]
[[files.entities]]
entity = "invoice"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "id"
contract_id = { column = "no", by = "external_ref" }
type = { value = "专票" }
title = { value = "甲公司" }
tax_no = { value = "91420100MA4KTL1D2U" }
amount = "sum"
tax_rate_bp = "rate"
number = "number"
issued_on = "day"
"""
BILL = ("id", "no", "sum", "rate", "number", "day")


def billed(world, *row):
    _plan, jobs = run(world, [("b.csv", table(BILL, row))], BILLS)
    return jobs[0].id


def bill(world):
    world.session.expire_all()
    one = world.session.scalars(sa.select(Invoice).where(Invoice.deleted_at.is_(None))).one()
    return one.amount, one.net_amount, one.tax_amount, one.number, one.issued_on, one.state


def test_a_changed_invoice_put_back_is_asked_for_again_with_its_tax(world):
    run(world, [CO], HOW)
    billed(world, "1", "A", "56.5", "13%", "", "")
    before = bill(world)
    assert before == (56_50, 50_00, 6_50, None, None, InvoiceState.requested)
    second = billed(world, "1", "A", "22.6", "13%", "", "")
    assert bill(world)[1:3] == (20_00, 2_60)

    take_back(world, second)
    assert bill(world) == before


def test_an_invoice_that_a_file_issued_stays_and_says_so(world):
    run(world, [CO], HOW)
    billed(world, "1", "A", "56.5", "13%", "", "")
    key = billed(world, "1", "A", "56.5", "13%", "0012345678", "2020-03-04")
    assert bill(world)[-1] is InvoiceState.issued

    with pytest.raises(Locked, match="请红冲"):
        take_back(world, key)


def test_an_issued_invoice_taken_back_since_stays_with_what_takes_it_back(world):
    run(world, [CO], HOW)
    key = billed(world, "1", "A", "56.5", "13%", "0012345678", "2020-03-04")
    one = world.session.scalars(sa.select(Invoice)).one()
    values = {"contract_id": one.contract_id, "amount": -56_50, "reverses_id": one.id}
    back = world.create(Invoice, type=one.type, title=one.title, **values)
    world.session.commit()

    with pytest.raises(Locked, match="发票"):
        take_back(world, key)
    world.session.rollback()
    records.remove(world.call, world.get(Invoice, back.id), seen=None)
    world.session.commit()
    take_back(world, key)
    assert world.session.scalars(sa.select(Invoice).where(Invoice.deleted_at.is_(None))).all() == []


FOLLOW = """source = "old"
approval = "approved"
[[files]]
[[files.entities]]
entity = "followup"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "id"
customer_id = "co"
at = "day"
kind = { value = "电话" }
content = "what"
status_to = "to"
next_at = "next"
"""
TALK = ("id", "co", "day", "what", "to", "next")


def talked(world, *rows):
    _plan, jobs = run(world, [("f.csv", table(TALK, *rows))], FOLLOW)
    return jobs[0].id


def customer(world):
    key = world.approved("sales", company="甲公司")
    world.be("admin")
    return key


def status(world, key):
    world.session.expire_all()
    return world.get(Customer, key).status


@pytest.mark.parametrize("also", [False, True])
def test_who_was_contacted_by_somebody_else_too_is_not_new_again(world, also):
    key = customer(world)
    job = talked(world, ("1", "甲公司", "2026-11-20", "来电", "有意向" if also else "", ""))
    values = {"customer_id": key, "kind": FollowUpKind.call, "content": "回访"}
    by = world.create(FollowUp, **values)
    world.session.commit()

    take_back(world, job)
    assert status(world, key) is CustomerStatus.contacting

    records.remove(world.call, world.get(FollowUp, by.id), seen=None)
    world.session.commit()
    job = talked(world, ("2", "甲公司", "2026-11-20", "来电", "有意向", ""))
    take_back(world, job)
    assert status(world, key) is CustomerStatus.contacting  # as it was before


def test_a_plan_that_somebody_fulfilled_since_stays_done(world):
    key = customer(world)
    soon = world.now + dt.timedelta(hours=1)
    plan = world.create(FollowUpPlan, customer_id=key, due_at=soon, kind=FollowUpKind.call)
    world.session.commit()
    job = talked(world, ("1", "甲公司", "2026-11-23", "来电", "", ""))
    world.session.expire_all()
    assert world.get(FollowUpPlan, plan.id).done_at is not None
    values = {"customer_id": key, "kind": FollowUpKind.call, "content": "回访"}
    by = world.create(FollowUp, **values)
    world.session.commit()

    take_back(world, job)

    found = world.get(FollowUpPlan, plan.id)
    assert (found.done_by_id, found.done_at) == (by.id, by.at)


def test_a_changed_follow_up_put_back_moves_its_customer_back(world):
    key = customer(world)
    talked(world, ("1", "甲公司", "2026-11-20", "来电", "", ""))
    assert status(world, key) is CustomerStatus.contacting
    job = talked(world, ("1", "甲公司", "2026-11-20", "来电", "有意向", "2026-12-24"))
    assert status(world, key) is CustomerStatus.intent

    take_back(world, job)

    assert status(world, key) is CustomerStatus.contacting
    plans = sa.select(FollowUpPlan).where(FollowUpPlan.deleted_at.is_(None))
    assert world.session.scalars(plans).all() == []


def test_customers_merged_since_stay_and_say_so(world):
    how = """source = "old"
approval = "approved"
[[files]]
[[files.entities]]
entity = "customer"
keys = ["external_ref"]
fields = {external_ref = "id", company = "co"}
"""
    files = [("c.csv", table(("id", "co"), ("1", "甲公司"), ("2", "乙公司"), ("3", "丙公司")))]
    _plan, jobs = run(world, files, how)
    key = jobs[0].id
    a, b, _c = (one.id for one in world.session.scalars(sa.select(Customer).order_by(Customer.id)))
    found = merge.plan(world.session, a, b, {}, by=world.actor)
    seen = (found.kept.row_version, found.dropped.row_version)
    done = merge.merge(world.call, found, seen=seen)
    world.session.commit()

    with pytest.raises(Locked, match="甲公司"):
        take_back(world, key)
    world.session.rollback()
    left = take_back(world, key, rest=True)
    assert len(left) == 2

    merge.undo(world.call, done.id)
    world.session.commit()
    alive = sa.select(Customer.company).where(Customer.deleted_at.is_(None))
    assert sorted(world.session.scalars(alive)) == sorted(["甲公司", "乙公司"])
