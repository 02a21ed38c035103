"""What must hold for a contract with its lines, plan and money, by every door it can be changed."""

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.bulk.batch import ItemState
from models.core.base import db
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentAllocation
from models.sales.product import Product
from services import approval
from services.bulk import edits, jobs, runner
from services.core.errors import Invalid, Refused
from services.deals import contract_sums, payment
from services.records import records
from services.records.snapshot import differences
from services.rights.actor import SYSTEM
from tests.support import kept

DUE = tuple(dt.date(2026, n, 1) for n in (10, 11, 12))
RATIOS = [{"ratio_bp": r, "due_on": d} for r, d in zip((3000, 6000, 1000), DUE, strict=True)]
AMOUNTS = [{"amount": a, "due_on": d} for a, d in zip((30_00, 70_00), DUE, strict=False)]


def approved(world, **values):
    return world.approved(model=Contract, key=world.contract(world.approved(), **values))


def ask(world, key, values, who="sales"):
    """Ask for a change; return the requests that were opened."""
    with world.acting(who):
        record = world.get(Contract, key)
        records.update(world.call, record, values, seen=record.row_version)
        return approval.changes_asked(world.session)


def plan(world, key):
    world.be("admin")
    return [line.amount for line in world.get(Contract, key).plan]


def pay(world, key, amount, *, confirmed=True, day=DUE[0]):
    with world.acting("finance"):
        made = world.create(Payment, contract_id=key, amount=amount, paid_on=day)
        if confirmed:
            payment.confirm(world.call, made)
        return made.id


@pytest.fixture
@kept.step
def product(world):
    with world.acting("admin"):
        return world.create(Product, code="P1", name="泵", price=100_00).id


def lines(product, quantity, price=1_280_00):
    return [{"product_id": product, "quantity": Decimal(quantity), "price": price}]


def test_ratio_lines_follow_new_product_lines_and_the_reviewer_reads_them(world, product):
    key = approved(world, lines=lines(product, 10), plan=RATIOS)
    assert plan(world, key) == [3_840_00, 7_680_00, 1_280_00]

    (request,) = ask(world, key, {"lines": lines(product, 12)})

    world.be("admin")
    payload = world.get(ApprovalRequest, request).payload
    told = {row[4]: row[2] for row in differences(payload)}
    assert "15,360.00" in told["amount"]
    assert all(text in told["plan"] for text in ("4,608.00", "9,216.00", "1,536.00"))
    world.decided(request)
    assert plan(world, key) == [4_608_00, 9_216_00, 1_536_00]


def test_the_remainder_of_a_plan_spread_anew_goes_to_the_last_instalment(world):
    ratios = [{"ratio_bp": r, "due_on": d} for r, d in zip((3333, 3333, 3334), DUE, strict=True)]
    key = approved(world, amount=30_000_00, plan=ratios)

    (request,) = ask(world, key, {"amount": 5_47})
    world.decided(request)

    assert plan(world, key) == [1_82, 1_82, 1_83]


def test_a_plan_of_one_line_is_the_whole_amount(world):
    key = approved(world, amount=100_00)

    (request,) = ask(world, key, {"amount": 120_00})
    world.decided(request)

    assert plan(world, key) == [120_00]


def test_amount_lines_that_no_longer_sum_are_refused_beside_the_plan_with_both_sums(world):
    key = approved(world, amount=100_00, plan=AMOUNTS)

    with pytest.raises(Invalid) as refusal:
        ask(world, key, {"amount": 120_00})

    assert list(refusal.value.errors) == ["plan"]
    assert "100.00" in str(refusal.value)
    assert "120.00" in str(refusal.value)
    fitting = [AMOUNTS[0], AMOUNTS[1] | {"amount": 90_00}]
    (request,) = ask(world, key, {"amount": 120_00, "plan": fitting})
    world.decided(request)
    assert plan(world, key) == [30_00, 90_00]


def test_a_form_that_repeats_amounts_by_ratio_beside_a_new_date_spreads_them_anew(world):
    key = approved(world, amount=100_00, plan=RATIOS)
    world.be("sales")
    rows = [
        {"ratio_bp": line.ratio_bp, "amount": line.amount, "due_on": line.due_on, "note": None}
        for line in world.get(Contract, key).plan
    ]
    rows[2]["due_on"] = dt.date(2027, 1, 1)

    (request,) = ask(world, key, {"amount": 200_00, "plan": rows})
    world.decided(request)

    assert plan(world, key) == [60_00, 120_00, 20_00]


def test_an_amount_beside_standing_product_lines_is_refused(world, product):
    key = approved(world, lines=lines(product, 1), plan=RATIOS)

    with pytest.raises(Invalid) as refusal:
        ask(world, key, {"amount": 1_00})

    assert "amount" in refusal.value.errors


def test_a_bulk_edit_keeps_the_law_item_by_item(world):
    good, bad = approved(world, plan=RATIOS), approved(world, amount=100_00, plan=AMOUNTS)
    with world.acting("sales"):
        task = edits.editing(world.session, Contract, {"amount": 50_00})
        job = jobs.open_job(world.call, task)
        jobs.add(world.session, job, [(good, None), (bad, None)])
        runner.run(world.call, job)
        states = {item.target_id: item.state for item in job.items}

    assert states == {good: ItemState.done, bad: ItemState.failed}


def test_an_old_request_without_its_plan_is_refused_when_it_is_approved(world):
    """As those that were asked for before the rule: the reviewer did not see another plan."""
    key = approved(world, amount=100_00, plan=RATIOS)
    (request,) = ask(world, key, {"amount": 200_00})
    table = ApprovalRequest.__table__
    payload = world.get(ApprovalRequest, request).payload
    payload = payload | {"values": {"amount": 200_00}}
    with world.acting(SYSTEM):
        world.session.execute(sa.update(table).where(table.c.id == request).values(payload=payload))

    with pytest.raises(Refused) as refusal:
        world.decided(request)

    assert (refusal.value.code, refusal.value.field) == ("NO_LONGER_WHOLE", "plan")
    assert plan(world, key) == [30_00, 60_00, 10_00]


def test_money_that_came_between_asking_and_approving_is_not_cut_off(world):
    key = approved(world, amount=100_00, plan=RATIOS)
    (request,) = ask(world, key, {"amount": 50_00})
    pay(world, key, 30_00)

    with pytest.raises(Refused) as refusal:
        world.decided(request)

    assert refusal.value.code == "NO_LONGER_WHOLE"
    assert "30.00" in str(refusal.value)


@pytest.mark.parametrize(
    "rows",
    [
        [{"amount": 20_00, "due_on": DUE[0]}, {"amount": 80_00, "due_on": DUE[1]}],
        [{"amount": 20_00, "due_on": DUE[0]}],
    ],
)
def test_an_instalment_keeps_what_confirmed_money_settled_of_it(world, rows):
    key = approved(world, amount=100_00, plan=AMOUNTS)
    pay(world, key, 100_00 if len(rows) == 1 else 30_00)
    amount = sum(row["amount"] for row in rows)

    with pytest.raises(Invalid) as refusal:
        ask(world, key, {"amount": amount, "plan": rows})

    assert list(refusal.value.errors) == ["plan"]


def test_a_plan_with_money_on_it_changes_and_keeps_its_money(world):
    key = approved(world, amount=100_00, plan=AMOUNTS)
    first = pay(world, key, 50_00)
    more = [*AMOUNTS, {"amount": 20_00, "due_on": DUE[2]}]

    (request,) = ask(world, key, {"amount": 120_00, "plan": more})
    world.decided(request)

    assert plan(world, key) == [30_00, 70_00, 20_00]
    part = PaymentAllocation.__table__
    query = sa.select(part.c.amount).where(part.c.payment_id == first).order_by(part.c.plan_id)
    assert list(world.session.execute(query).scalars()) == [30_00, 20_00]


def test_a_change_of_something_else_is_not_held_up_by_a_fault_of_old(world):
    key = approved(world, amount=100_00, plan=AMOUNTS)
    break_(world, key)

    (request,) = ask(world, key, {"name": "改名的合同"})
    world.decided(request)

    assert world.get(Contract, key).name == "改名的合同"


def break_(world, key):
    """Leave a contract as the product did before there was a rule."""
    table, guard = Contract.__table__, "plan_sum_amount"
    sqlite = world.session.get_bind().dialect.name == "sqlite"
    with db.engine.begin() as connection:
        trigger = f"SELECT sql FROM sqlite_master WHERE name = 'guard_{guard}'"
        made = connection.exec_driver_sql(trigger).scalar() if sqlite else None
        off = f"DROP TRIGGER guard_{guard}"
        connection.exec_driver_sql(
            off if sqlite else f"ALTER TABLE contract DISABLE TRIGGER guard_{guard}"
        )
        connection.execute(sa.update(table).where(table.c.id == key).values(amount=150_00))
        if not sqlite:  # the other guards look now: a table with work left is not altered
            connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        connection.exec_driver_sql(
            made if sqlite else f"ALTER TABLE contract ENABLE TRIGGER guard_{guard}"
        )


def test_broken_contracts_are_named_and_can_be_mended(world):
    approved(world, amount=100_00, plan=RATIOS)
    key = approved(world, amount=100_00, plan=AMOUNTS)
    break_(world, key)

    world.be(SYSTEM)
    ((row, wrong),) = contract_sums.broken(world.session)
    named = world.app.test_cli_runner().invoke(args=["contracts", "check"])
    assert (named.exit_code, row.code in named.output) == (1, True)
    world.be(SYSTEM)
    assert row.id == key
    assert "150.00" in str(wrong["plan"])

    rows = [AMOUNTS[0], AMOUNTS[1] | {"amount": 120_00}]
    (request,) = ask(world, key, {"plan": rows})
    world.decided(request)
    world.be(SYSTEM)
    assert list(contract_sums.broken(world.session)) == []
    assert world.app.test_cli_runner().invoke(args=["contracts", "check"]).exit_code == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contract SET amount = 12000 WHERE id = :id",
        "UPDATE payment_plan SET amount = amount + 1 WHERE contract_id = :id AND ordinal = 1",
        "DELETE FROM payment_plan WHERE contract_id = :id AND ordinal = 1",
        """INSERT INTO payment_plan (contract_id, ordinal, amount, due_on)
        VALUES (:id, 9, 100, '2026-12-01')""",
    ],
)
def test_the_database_itself_keeps_plan_and_amount_together(world, statement):
    key = approved(world, amount=100_00, plan=AMOUNTS)

    def write():
        with db.engine.begin() as connection:
            connection.execute(sa.text(statement), {"id": key})

    with pytest.raises(sa.exc.IntegrityError):
        write()
    with db.engine.begin() as connection:  # both together, in either order
        for text in (
            "UPDATE payment_plan SET amount = amount + 1 WHERE contract_id = :id AND ordinal = 1",
            "UPDATE contract SET amount = amount + 1 WHERE id = :id",
        ):
            connection.execute(sa.text(text), {"id": key})
    assert plan(world, key) == [30_01, 70_00]


@pytest.mark.parametrize(
    ("quantities", "price"), [(["999999999.999"], 10**13), (["1", "1"], 6 * 10**12)]
)
def test_lines_that_come_to_more_than_any_amount_may_be_are_refused(
    world, product, quantities, price
):
    rows = [{"product_id": product, "quantity": Decimal(n), "price": price} for n in quantities]
    customer = world.approved()

    for make in (world.contract, world.opportunity):
        with pytest.raises(Invalid) as refusal:
            make(customer, lines=rows)
        assert set(refusal.value.errors) == {"lines"}
    key = approved(world, lines=lines(product, 10))
    with pytest.raises(Invalid) as refusal:
        ask(world, key, {"lines": rows})
    assert set(refusal.value.errors) == {"lines"}
