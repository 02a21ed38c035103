"""The database itself keeps lines and amount together, money on its contract and its customer."""

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.deals.contract import Contract, ContractLine
from models.deals.invoice import Invoice
from models.deals.order import Order
from models.deals.payment import Payment, PaymentAllocation
from models.deals.payment_plan import PaymentPlan
from models.sales.product import Product
from services.customers import merge
from tests.support import kept

DAY = dt.date(2026, 11, 20)


def write(*statements, **values):
    """Write past every service, in one transaction."""
    with db.engine.begin() as connection:
        for text in statements:
            connection.execute(sa.text(text), values)


def refused(*statements, **values):
    with pytest.raises(sa.exc.IntegrityError):
        write(*statements, **values)


@pytest.fixture
@kept.step
def sold(world):
    """A contract of 3 × 100.00 and, in another line, 1 × 50.00."""
    with world.acting("admin"):
        product = world.create(Product, code="P1", name="泵", price=100_00).id
    rows = [
        {"product_id": product, "quantity": Decimal(n), "price": price}
        for n, price in ((3, 100_00), (1, 50_00))
    ]
    return world.approved(model=Contract, key=world.contract(world.approved(), lines=rows))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contract_line SET subtotal = subtotal + 1 WHERE contract_id = :id AND ordinal = 1",
        "DELETE FROM contract_line WHERE contract_id = :id AND ordinal = 1",
        """INSERT INTO contract_line
        (contract_id, ordinal, product_id, quantity, price, discount_bp, subtotal)
        SELECT contract_id, 9, product_id, quantity, price, discount_bp, subtotal
        FROM contract_line WHERE contract_id = :id AND ordinal = 1""",
    ],
)
def test_lines_of_an_approved_contract_sum_to_its_amount(world, sold, statement):
    refused(statement, id=sold)
    write(  # the other figures with it, in any order
        "UPDATE contract_line SET subtotal = subtotal + 1 WHERE contract_id = :id AND ordinal = 1",
        "UPDATE contract SET amount = amount + 1 WHERE id = :id",
        "UPDATE payment_plan SET amount = amount + 1 WHERE contract_id = :id",
        id=sold,
    )
    world.be("admin")
    assert world.get(Contract, sold).amount == 350_01


def test_an_amount_of_its_own_beside_lines_is_refused(sold):
    refused(
        "UPDATE contract SET amount = amount + 1 WHERE id = :id",
        "UPDATE payment_plan SET amount = amount + 1 WHERE contract_id = :id",
        id=sold,
    )


def test_without_lines_the_amount_stands_alone(world, sold):
    write("DELETE FROM contract_line WHERE contract_id = :id", id=sold)
    write(
        "UPDATE contract SET amount = 100 WHERE id = :id",
        "UPDATE payment_plan SET amount = 100 WHERE contract_id = :id",
        id=sold,
    )
    world.be("admin")
    assert world.session.scalar(sa.select(sa.func.count()).select_from(ContractLine)) == 0


def test_money_lies_on_instalments_of_its_own_contract(world, sold):
    other = world.approved(model=Contract, key=world.contract(world.approved(), amount=100_00))
    with world.acting("finance"):
        paid = world.create(Payment, contract_id=sold, amount=10_00, paid_on=DAY).id
    world.be("finance")
    line = sa.select(PaymentPlan.id).where(PaymentPlan.contract_id == other)
    strange = world.session.scalar(line)
    assert world.session.scalar(sa.select(PaymentAllocation.payment_id)) == paid
    world.be("admin")  # what was read holds the lock of SQLite

    refused(
        "UPDATE payment_allocation SET plan_id = :to WHERE payment_id = :id", to=strange, id=paid
    )
    refused(
        "INSERT INTO payment_allocation (payment_id, plan_id, amount, by_hand) "
        "VALUES (:id, :to, 1, false)",
        to=strange,
        id=paid,
    )
    refused("UPDATE payment SET contract_id = :to WHERE id = :id", to=other, id=paid)
    refused(
        "UPDATE payment_plan SET contract_id = :to, ordinal = 9 WHERE contract_id = :id",
        to=other,
        id=sold,
    )


def test_a_red_letter_is_never_earlier_than_what_it_takes_back(world, sold):
    with world.acting("finance"):
        issued = {"number": "1", "issued_on": DAY}
        first = world.create(Invoice, contract_id=sold, amount=100_00, **issued).id
        back = {"contract_id": sold, "amount": -100_00, "reverses_id": first}
        red = world.create(Invoice, number="2", issued_on=DAY, **back).id

    refused("UPDATE invoice SET issued_on = '2026-11-19' WHERE id = :id", id=red)
    write("UPDATE invoice SET issued_on = '2026-11-21' WHERE id = :id", id=red)


@pytest.fixture
@kept.step
def two(world, sold):
    """The contract with a payment and an invoice, and another customer."""
    with world.acting("finance"):
        world.create(Payment, contract_id=sold, amount=10_00, paid_on=DAY)
        world.create(Invoice, contract_id=sold, amount=10_00)
    other = world.approved(company="乙公司", **{"primary.mobile": "13912345678"})
    world.be("admin")
    return {"id": sold, "to": other}


MOVE = "UPDATE {0} SET customer_id = :to WHERE {1} = :id"
FOLLOWERS = [MOVE.format(table, "contract_id") for table in ("sales_order", "payment", "invoice")]


@pytest.mark.parametrize("one", FOLLOWERS)
def test_what_hangs_on_a_contract_belongs_to_its_customer(world, two, one):
    refused(one, **two)
    refused(MOVE.format("contract", "id"), *(other for other in FOLLOWERS if other != one), **two)


@pytest.mark.parametrize("last", [False, True])
def test_a_contract_goes_to_another_customer_with_all_that_is_its_own(world, two, last):
    moves = [MOVE.format("contract", "id"), *FOLLOWERS]

    write(*(moves[::-1] if last else moves), **two)

    world.be("admin")
    for model in (Contract, Order, Payment, Invoice, PaymentPlan):
        assert set(world.session.scalars(sa.select(model.customer_id))) == {two["to"]}


def test_money_is_not_put_on_a_contract_under_another_customers_name(two):
    row = "INSERT INTO payment (code, contract_id, customer_id, paid_on, amount, method, state, {0}"
    row = row.format("created_at, updated_at) SELECT 'X', :id, {0}, '2026-11-20', 1, 'wire', ")
    row += "'registered', created_at, updated_at FROM contract WHERE id = :id"

    refused(row.format(":to"), **two)
    write(row.format("customer_id"), id=two["id"])


def test_what_is_struck_out_again_in_the_same_transaction_stands_in_nobodys_way(world, two):
    wrong = MOVE.format("payment", "contract_id")
    gone = "DELETE FROM payment WHERE contract_id = :id"
    write("DELETE FROM payment_allocation", wrong, gone, **two)
    world.be("admin")
    assert world.session.scalar(sa.select(sa.func.count()).select_from(Payment)) == 0


@pytest.mark.parametrize("what", [Payment, Invoice])
def test_a_merge_taken_back_takes_along_what_came_since(world, sold, what):
    kept = world.approved(company="乙公司", **{"primary.mobile": "13912345678"})
    with world.acting("admin"):
        dropped = world.session.scalar(sa.select(Contract.customer_id).where(Contract.id == sold))
        found = merge.plan(world.session, kept, dropped, {}, by=world.actor)
        seen = (found.kept.row_version, found.dropped.row_version)
        key = merge.merge(world.call, found, seen=seen).id
    with world.acting("finance"):
        since = {"paid_on": DAY} if what is Payment else {}
        assert world.create(what, contract_id=sold, amount=10_00, **since).customer_id == kept

    with world.acting("admin"):
        merge.undo(world.call, key)

    world.be("admin")
    for model in (Contract, Order, what):
        assert set(world.session.scalars(sa.select(model.customer_id))) == {dropped}
