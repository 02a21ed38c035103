"""Who asks for an invoice, and who issues it."""

import datetime as dt

import pytest

import models as m
from services.errors import Invalid
from tests.support.visitors import Visitors
from tests.support.world import World


def test_sales_asks_for_an_invoice_and_finance_issues_it(world):
    contract = world.approved(model=m.Contract, key=world.contract(world.approved()))
    issued = {"number": "12345678", "issued_on": dt.date(2026, 11, 20)}

    with world.acting("sales"):
        asked = world.create(m.Invoice, contract_id=contract, amount=1_000_00).state
    with pytest.raises(Invalid) as refusal, world.acting("sales"):
        world.create(m.Invoice, contract_id=contract, amount=1_000_00, **issued)
    with world.acting("finance"):
        done = world.create(m.Invoice, contract_id=contract, amount=1_000_00, **issued).state

    assert asked is m.InvoiceState.requested
    assert list(refusal.value.errors) == ["number"]
    assert done is m.InvoiceState.issued


def test_an_issued_invoice_is_not_offered_for_editing(app):
    with World(app) as world:
        contract = world.approved(model=m.Contract, key=world.contract(world.approved()))
        issued = {"number": "12345678", "issued_on": dt.date(2026, 11, 20)}
        with world.acting("finance"):
            asked, done = (
                world.create(m.Invoice, contract_id=contract, amount=1_000_00, **more).id
                for more in ({}, issued)
            )
    visitors = Visitors(app)

    def page(key):
        return visitors.get("finance", f"/admin/invoice/details/?id={key}").get_data(as_text=True)

    assert "/admin/invoice/edit/" in page(asked)
    assert "/admin/invoice/edit/" not in page(done)
