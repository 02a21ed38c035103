"""Changes of approved records: the live row stays, approval applies, what moved is refused."""

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.core.base import db
from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer, Level
from models.deals.contract import Contract, ContractState
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from services import approval
from services.core.errors import Locked, Refused
from services.records import records
from services.records.snapshot import differences
from tests.approval.flows import act


def change(world, key, values, who="sales", model=Customer):
    """Save values over an approved record; return the change requests that were opened."""
    with world.acting(who):
        record = world.get(model, key)
        records.update(world.call, record, values, seen=record.row_version)
        return approval.changes_asked(world.session)


def row(world, key, model=Customer):
    table = model.__table__
    return tuple(world.session.execute(sa.select(table).where(table.c.id == key)).one())


def test_a_controlled_field_opens_a_request_and_leaves_the_row_alone(world):
    key = world.approved(company="旧名字有限公司")
    before = row(world, key)

    (request_id,) = change(world, key, {"company": "新名字有限公司"})

    assert row(world, key) == before
    request = world.get(ApprovalRequest, request_id)
    assert request.action is FlowAction.change
    assert [d[1:3] for d in differences(request.payload)] == [("旧名字有限公司", "新名字有限公司")]
    world.decided(request_id, comment="属实")
    world.be("admin")
    assert world.get(Customer, key).company == "新名字有限公司"
    synced = world.session.scalar(
        sa.select(FollowUp.content).where(FollowUp.request_id == request_id)
    )
    assert "旧名字有限公司 → 新名字有限公司" in synced


def test_a_rejected_or_withdrawn_change_leaves_the_row_to_the_byte(world):
    key = world.approved()
    before = row(world, key)

    (first,) = change(world, key, {"level": Level.c})
    world.decided(first, verb="reject", comment="不同意")
    (second,) = change(world, key, {"level": Level.b})
    act(world, "sales", "withdraw", second)

    assert row(world, key) == before


def test_other_fields_are_saved_at_once_beside_a_change(world):
    key = world.approved()

    asked = change(world, key, {"level": Level.d, "remark": "重要"})

    world.be("admin")
    assert len(asked) == 1
    assert world.get(Customer, key).remark == "重要"
    assert world.get(Customer, key).level is Level.a
    assert change(world, key, {"remark": "更重要"}) == []


def test_the_primary_contact_changes_by_approval_too(world):
    key = world.approved()
    (request_id,) = change(world, key, {"primary.mobile": "13911112222"})

    world.decided(request_id)

    world.be("admin")
    contacts = world.session.scalars(sa.select(Contact).where(Contact.customer_id == key)).all()
    assert [(c.is_primary, c.mobile) for c in contacts] == [(True, "13911112222")]


def test_a_change_whose_record_moved_is_refused_and_nothing_is_written(world):
    key = world.approved()
    (request_id,) = change(world, key, {"company": "甲公司"})
    customer = Customer.__table__
    with db.engine.begin() as connection:
        connection.execute(sa.update(customer).where(customer.c.id == key).values(company="乙公司"))

    with pytest.raises(Refused) as refusal:
        world.decided(request_id)

    assert refusal.value.code == "CONTENT_CHANGED"
    world.be("admin")
    assert world.get(Customer, key).company == "乙公司"
    assert world.get(ApprovalRequest, request_id).state is Approval.pending
    assert world.decided(request_id, verb="reject", comment="请重新申请") is Approval.rejected


def test_one_change_at_a_time(world):
    key = world.approved()
    change(world, key, {"level": Level.b})

    with pytest.raises(Locked):
        change(world, key, {"level": Level.c})


def test_lines_change_by_approval_and_unchanged_ones_ask_for_nothing(world):
    key = world.approved()
    with world.acting("admin"):
        product = world.create(Product, code="P1", name="控制器", price=100_00).id
    lines = [{"product_id": product, "quantity": Decimal(2), "price": 100_00, "discount_bp": None}]
    deal = world.approved(model=Opportunity, key=world.opportunity(key, lines=lines))

    assert change(world, deal, {"lines": lines}, model=Opportunity) == []
    more = [{**lines[0], "quantity": Decimal("3.5")}]
    (request_id,) = change(world, deal, {"lines": more}, model=Opportunity)
    assert world.get(Opportunity, deal).amount == 200_00
    world.decided(request_id)

    world.be("admin")
    found = world.get(Opportunity, deal)
    assert found.amount == 350_00
    assert [line.quantity for line in found.lines] == [Decimal("3.5")]


def test_a_contract_is_voided_by_approval(world):
    customer = world.approved()
    key = world.approved(model=Contract, key=world.contract(customer))
    with world.acting("sales"):
        contract = world.get(Contract, key)
        request_id = approval.ask_void(world.call, contract, reason="客户取消").id

    world.decided(request_id)

    world.be("admin")
    assert world.get(Contract, key).state is ContractState.void


def test_a_contract_date_survives_the_way_through_the_payload(world):
    customer = world.approved()
    key = world.approved(model=Contract, key=world.contract(customer))
    (request_id,) = change(world, key, {"deliver_on": dt.date(2027, 3, 1)}, model=Contract)

    world.decided(request_id)

    world.be("admin")
    assert world.get(Contract, key).deliver_on == dt.date(2027, 3, 1)


def test_an_import_with_the_right_writes_at_once(world):
    key = world.approved()
    with world.acting("office"):
        record = world.get(Customer, key)
        world.session.info["rule"] = "import"
        records.update(world.call, record, {"level": Level.d}, seen=None)
        world.session.info["rule"] = None

    world.be("admin")
    assert world.get(Customer, key).level is Level.d


def test_a_change_of_a_field_that_was_renamed_since_is_still_shown_and_masked():
    payload = {
        "noun": "customer",
        "values": {"grade": 13800138000, "level": "z", "street": "东湖路 1 号"},
        "old": {"grade": None, "level": "a", "street": None},
        "names": {},
    }

    plain, masked = (differences(payload, masked=hidden) for hidden in (False, True))

    assert plain[0] == ("grade", "—", "13800138000", True, "grade")
    assert plain[1][2] == "z"  # an option that is gone
    assert plain[2][2] == "东湖路 1 号"
    assert "13800138000" not in str(masked)
