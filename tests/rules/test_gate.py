"""The write gate alone, past every service that asks first."""

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa

from models.bulk.tag import Tag
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.sales.product import Product
from services.core.errors import Forbidden, Locked
from services.records import records
from services.rights import access, gate


@pytest.fixture
def held(small):
    """Return a function: a person looks at a customer of somebody; nothing is flushed yet."""

    def look(who, owner="sales", state="draft"):
        make = {"draft": small.customer, "approved": small.approved}
        key = make[state](owner) if state in make else small.submitted(owner)[0]
        small.be(who)
        with small.session.no_autoflush:
            query = sa.select(Customer).where(Customer.id == key)
            return small.session.scalars(query.execution_options(system="approval")).one()

    return look


def asked(world, verb, row, rule=None):
    with world.session.no_autoflush:
        gate.check_write(world.actor, verb, row, rule)


def test_without_an_actor_nothing_is_written(held):
    with pytest.raises(Forbidden):
        gate.check_write(None, "edit", held("sales"))


@pytest.mark.parametrize(
    ("who", "verb", "allowed"),
    [
        ("sales", "edit", True), ("sales2", "edit", False), ("analyst", "edit", False),
        ("sales", "delete", True), ("sales2", "delete", False), ("admin", "delete", True),
        ("analyst", "create", False),
    ],
)  # fmt: skip
def test_grants_decide_and_own_is_what_one_owns_or_made(small, held, who, verb, allowed):
    row = held(who)

    if allowed:
        asked(small, verb, row)
    else:
        with pytest.raises(Forbidden):
            asked(small, verb, row)


@pytest.mark.parametrize("column", ["owner_id", "created_by_id"])
def test_nobody_makes_a_record_his_own_by_writing_his_name_in(small, held, column):
    row = held("sales2")
    setattr(row, column, small.actor.id)

    with pytest.raises(Forbidden):
        asked(small, "edit", row)
    with pytest.raises(Forbidden):
        small.session.flush()


def test_giving_a_record_away_is_still_the_owners_deed(small, held):
    row = held("sales")
    row.owner_id = small.id_of("sales2")

    asked(small, "edit", row)


def test_a_soft_deletion_is_a_deletion(small, held):
    row = held("sales2", owner="sales")
    row.deleted_at = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)

    with pytest.raises(Forbidden):
        asked(small, "edit", row)


@pytest.mark.parametrize(
    ("state", "change", "refusal"),
    [
        ("draft", {"approval": Approval.approved}, Forbidden),
        ("draft", {"approval_round": 3}, Forbidden),
        ("draft", {"code": "KH-1"}, Forbidden),
        ("draft", {"company": "别的公司"}, None),
        ("pending", {"company": "别的公司"}, Locked),
        ("pending", {"technical_id": 1}, None),
        ("approved", {"company": "别的公司"}, Locked),
        ("approved", {"remark": "来过"}, None),
    ],
)
def test_the_state_of_a_record_says_what_may_change(small, held, state, change, refusal):
    row = held("admin", state=state)
    for key, value in change.items():
        setattr(row, key, value)

    if refusal is None:
        asked(small, "edit", row)
    else:
        with pytest.raises(refusal):
            asked(small, "edit", row)


def test_a_pending_record_is_not_deleted(small, held):
    with pytest.raises(Locked):
        asked(small, "delete", held("admin", state="pending"))


def test_nothing_is_born_approved(small):
    small.be("admin")
    row = Customer(company="光谷", approval=Approval.approved)

    with pytest.raises(Forbidden):
        asked(small, "create", row)


def test_who_owns_a_record_changes_and_removes_its_lines(world):
    """A line that is replaced has lost its record by the time the gate asks whose it is."""
    key = world.contract(world.approved())
    with world.acting("admin"):
        product = world.create(Product, code="P-1", name="传感器", price=100).id
    for rows in ([500], [700, 800], [800], []):
        with world.acting("sales"):
            lines = [{"product_id": product, "quantity": Decimal(2), "price": n} for n in rows]
            record = world.get(Contract, key)
            records.update(world.call, record, {"lines": lines}, seen=None)

        assert [line.price for line in world.get(Contract, key).lines] == rows


def test_a_stranger_takes_no_line_out_of_a_record(world):
    key = world.contract(world.approved())
    with world.acting("admin"):
        product = world.create(Product, code="P-1", name="传感器", price=100).id
    with world.acting("sales"):
        lines = [{"product_id": product, "quantity": Decimal(2), "price": 500}]
        records.update(world.call, world.get(Contract, key), {"lines": lines}, seen=None)

    world.be("sales2")
    with access.unscoped(world.session, "approval"):
        record = world.get(Contract, key)
        assert len(record.lines) == 1
    record.lines = []
    with pytest.raises(Forbidden):
        world.session.flush()


def test_a_rule_opens_its_own_tables_and_no_other(small, held):
    row = held("analyst")

    asked(small, "edit", row, "approval")
    with pytest.raises(Forbidden):
        asked(small, "edit", row, "payment")
    with pytest.raises(LookupError), gate.rule(small.session, "no such rule"):
        pass


def test_a_rule_ends_with_its_block_and_with_a_refusal(small):
    small.be("analyst")
    with gate.rule(small.session, "approval"):
        assert small.session.info["rule"] == "approval"
        with pytest.raises(ZeroDivisionError), gate.rule(small.session, "payment"):
            raise ZeroDivisionError
        assert small.session.info["rule"] == "approval"
    assert small.session.info["rule"] is None


@pytest.mark.parametrize(
    "statement",
    [
        sa.update(Customer).values(remark="x"),
        sa.delete(Customer),
        sa.insert(Tag).values(name="x"),
        sa.text("UPDATE customer SET remark = 'x'"),
    ],
)
def test_a_bulk_statement_names_the_rule_it_acts_under(small, statement):
    small.be("admin")

    with pytest.raises(PermissionError):
        small.session.execute(statement)
    with pytest.raises(PermissionError):
        small.session.execute(statement, execution_options={"rule": "no such rule"})
