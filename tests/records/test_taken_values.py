"""A value that there may be only once is refused beside its field, by whatever door it comes."""

import datetime as dt

import pytest

from models.deals.bank_line import BankLine
from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.milestone_template import MilestoneTemplate
from models.deals.paper_template import PaperKind, PaperTemplate
from models.people.role import Role
from services.core.errors import Invalid
from services.records import records
from services.rights.actor import SYSTEM
from tests.support.visitors import Doors

DAY = dt.date(2026, 11, 20)
ISSUED = {"number": "12345678", "issued_on": DAY}


def contract_of(world, who="sales", reviewer="reviewer"):
    customer, asked = world.submitted(who)
    world.decided(asked, reviewer)
    key, asked = world.submitted(who, Contract, world.contract(customer, who))
    world.decided(asked, reviewer)
    return key


def asked_for(world, who="sales", reviewer="reviewer"):
    """Return the key of an invoice that somebody asked for."""
    contract = contract_of(world, who, reviewer)
    with world.acting(who):
        return world.create(Invoice, contract_id=contract, amount=100_00).id


def issue(world, key, **values):
    with world.acting("finance"):
        records.update(world.call, world.get(Invoice, key), ISSUED | values, seen=None)


def test_no_two_invoices_have_one_number_whoever_sees_the_other(world):
    key, contract = asked_for(world), contract_of(world)
    issue(world, asked_for(world, "sales2", "reviewer2"))

    with pytest.raises(Invalid) as issued:
        issue(world, key)
    with pytest.raises(Invalid) as made, world.acting("finance"):
        world.create(Invoice, contract_id=contract, amount=1_00, **ISSUED)

    assert set(issued.value.errors) == set(made.value.errors) == {"number"}
    issue(world, key, number="12345679")
    with world.acting("finance"):  # it keeps its own
        assert world.get(Invoice, key).number == "12345679"


@pytest.mark.parametrize(
    ("model", "key", "values"),
    [
        (MilestoneTemplate, "name", {"name": "快速", "steps": [{"name": "开工", "weight": 1}]}),
        (PaperTemplate, "name", {"name": "合同书一", "kind": PaperKind.contract}),
        (Role, "name", {"name": "auditor", "label": "审计"}),
        (BankLine, "reference", {"reference": "R1", "booked_on": DAY, "amount": 100}),
    ],
)
def test_what_there_may_be_once_is_named(world, model, key, values):
    with world.acting(SYSTEM):
        world.create(model, **values)

    with pytest.raises(Invalid) as refusal, world.acting(SYSTEM):
        world.create(model, **values)

    assert key in refusal.value.errors


def test_the_form_stays_and_says_it_beside_the_field(small):
    key = asked_for(small)
    issue(small, asked_for(small))
    small.be("finance")
    record = small.get(Invoice, key)
    form = {"contract_id": record.contract_id, "contract_id__id": record.contract_id}
    form |= {"type": "special", "amount": "100.00", "row_version": record.row_version}
    form |= {"number": "12345678", "issued_on": "2026-11-20"}

    answer = Doors(small).post("finance", f"/admin/invoice/edit/?id={key}", form)

    assert answer.status_code == 422
    assert "已有此值" in answer.get_data(as_text=True)
