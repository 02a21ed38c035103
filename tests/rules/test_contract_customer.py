"""A contract that goes to another customer takes its order, money and invoices along."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.order import Order
from models.deals.payment import Payment
from models.importing.import_job import ImportJob
from models.rights.audit import AuditLog
from models.sales.opportunity import Opportunity
from services import approval
from services.core.errors import Invalid
from services.importing.back.undo import undo
from services.records import records
from services.rights.actor import SYSTEM
from services.rights.call import Call
from tests.support.imports import run, table

DAY = dt.date(2026, 11, 2)


def standing(world):
    """Return the customers of the contract and of all that hangs on it."""
    world.be(SYSTEM)
    world.session.expire_all()
    found = {}
    for model in (Contract, Order, Payment, Invoice):
        rows = world.session.scalars(sa.select(model)).all()
        found[model.__noun__] = [row.customer.company for row in rows]
    return found


def all_of(company):
    return {key: [company] for key in ("contract", "order", "payment", "invoice")}


def sold(world, **values):
    """Return the key of a contract of 甲公司 with an order, a payment and an invoice."""
    one = world.approved(company="甲公司")
    key = world.approved(model=Contract, key=world.contract(one, **values))
    with world.acting("finance"):
        world.create(Payment, contract_id=key, amount=10_00, paid_on=DAY)
        world.create(Invoice, contract_id=key, amount=10_00)
    return key


def ask(world, key, values):
    with world.acting("sales"):
        record = world.get(Contract, key)
        seen = record.row_version
        records.update(world.call, record, values, seen=seen)
        return approval.changes_asked(world.session)


def test_an_approved_change_of_customer_takes_everything_along(world):
    key = sold(world)
    other = world.approved(company="乙公司", **{"primary.mobile": "13912345678"})

    (request,) = ask(world, key, {"customer_id": other})
    assert standing(world) == all_of("甲公司")
    world.decided(request)

    assert standing(world) == all_of("乙公司")
    log = AuditLog.__table__
    told = sa.select(log.c.noun).where(log.c.label == "客户随合同变更").order_by(log.c.noun)
    assert list(world.session.execute(told).scalars()) == ["invoice", "order", "payment"]


def test_a_file_that_corrects_the_customer_does_too_and_its_undo_brings_all_back(world):
    how = """approval = "approved"
[[files]]
pattern = "c*"
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
fields = {external_ref = "id", name = "id", customer_id = "co", amount = "a", signed_on = "d"}
[[files.entities]]
entity = "customer"
keys = ["company"]
fields = {company = "co"}
[[files]]
pattern = "p*"
[[files.entities]]
entity = "payment"
keys = ["external_ref"]
fields = {external_ref = "id", contract_id = "id", amount = "a", paid_on = "d"}
"""
    head, day = ("id", "co", "a", "d"), "2026-11-02"
    files = [("c.csv", table(head, ("K1", "甲公司", "100", day)))]
    files += [("p.csv", table(("id", "a", "d"), ("K1", "10", day)))]
    run(world, files, how)
    with world.acting("finance"):
        key = world.session.scalars(sa.select(Contract.id)).one()
        world.create(Invoice, contract_id=key, amount=10_00)
    assert standing(world) == all_of("甲公司")

    _plan, jobs = run(world, [("c.csv", table(head, ("K1", "乙公司", "100", day)))], how)
    key = jobs[0].id
    assert standing(world) == all_of("乙公司")

    job = world.session.get(ImportJob, key)
    undo(Call(world.session, SYSTEM, world.now), job)
    world.session.commit()
    assert standing(world) == all_of("甲公司")


def test_a_customer_that_changes_alone_leaves_no_deal_of_another(small):
    one = small.approved(company="甲公司")
    deal = small.approved(model=Opportunity, key=small.opportunity(one))
    key = small.approved(model=Contract, key=small.contract(one, opportunity_id=deal))
    other = small.approved(company="乙公司", **{"primary.mobile": "13912345678"})

    with pytest.raises(Invalid) as refusal:
        ask(small, key, {"customer_id": other})

    assert list(refusal.value.errors) == ["opportunity_id"]
    assert len(ask(small, key, {"customer_id": other, "opportunity_id": None})) == 1
