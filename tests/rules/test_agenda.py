"""今天要做: what is due of one's own, in whole 分, by a plan that hangs on no statistics."""

import datetime as dt

import pytest
import sqlalchemy as sa

import models as m
from services import agenda, money, payment, texts
from services.settlement import settled_of
from tests.support.visitors import Doors

MANY = 1000  # contracts of a colleague: reading them all would show


def due(world, who="sales", **changes):
    """Return the key of a contract in force whose instalment was due before today."""
    signed = world.now.date() - dt.timedelta(days=3)
    values = {"signed_on": signed, "amount": 100_000_00} | changes
    customer = world.approved(who)
    return world.approved(who, m.Contract, world.contract(customer, who, **values))


def pay(world, contract, amount, verb=payment.confirm):
    with world.acting("finance"):
        values = {"contract_id": contract, "amount": amount, "paid_on": world.now.date()}
        made = world.create(m.Payment, method=m.PaymentMethod.wire, **values)
        if verb:
            verb(world.session, made, by=world.actor, now=world.now)


def instalments(world, who="sales"):
    actor = world.be(who)
    found = agenda.agenda(world.session, actor, now=world.now)
    return [item for item in found if item.kind == "instalment"]


def test_what_is_open_of_an_instalment_is_whole_fen(world):
    contract = due(world)
    pay(world, contract, 33_333_33)
    pay(world, contract, 1_00, verb=None)  # only registered: it counts for nothing yet

    (one,) = instalments(world)

    assert (one.amount, type(one.amount)) == (66_666_67, int)
    assert instalments(world, "sales2") == []


def test_the_home_page_tells_the_amount_of_an_instalment(world):
    pay(world, due(world), 33_333_33)

    page = Doors(world).get("sales", "/admin/")

    assert page.status_code == 200
    assert "66,666.67" in page.get_data(as_text=True)


def test_an_instalment_paid_in_full_or_of_a_void_contract_is_not_due(world):
    pay(world, due(world), 100_000_00)
    void = due(world)
    with world.acting("admin"):
        world.session.connection().execute(
            sa.update(m.Contract.__table__)
            .where(m.Contract.__table__.c.id == void)
            .values(state=m.ContractState.void)
        )

    assert instalments(world) == []


def test_an_instalment_of_a_customer_one_does_not_see_is_not_told(world):
    contract = due(world, "sales2")
    with world.acting("admin"):
        line = m.PaymentPlan.__table__
        moved = sa.update(line).where(line.c.contract_id == contract)
        world.session.connection().execute(moved.values(owner_id=world.id_of("sales")))

    assert instalments(world) == []


def crowd(world, contract):
    """Copy a contract with its line MANY times, for a colleague; keep PostgreSQL uninformed."""
    table, line = m.Contract.__table__, m.PaymentPlan.__table__
    world.be("admin")
    connection = world.session.connection()
    mold = dict(connection.execute(sa.select(table).where(table.c.id == contract)).mappings().one())
    other = world.id_of("sales2")
    rows = [mold | {"id": 10_000 + n, "code": f"X{n}", "owner_id": other} for n in range(MANY)]
    connection.execute(sa.insert(table), rows)
    plan = [
        {
            "id": 100_000 + n,
            "contract_id": 10_000 + n,
            "ordinal": 1,
            "amount": mold["amount"],
            "due_on": mold["signed_on"],
            "owner_id": other,
            "row_version": 1,
        }
        for n in range(MANY)
    ]
    connection.execute(sa.insert(line), plan)
    world.session.commit()


@pytest.mark.parametrize("app", ["postgres"], indirect=True)
def test_todays_instalments_read_only_ones_own_without_statistics(world):
    crowd(world, due(world))
    read = []

    def explain(connection, _cursor, statement, parameters, _context, _many):
        if "mine AS MATERIALIZED" in statement and not statement.startswith("EXPLAIN"):
            told = connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
            )
            read.append(told.scalar()[0]["Plan"])

    engine = m.db.engine
    sa.event.listen(engine, "before_cursor_execute", explain)
    try:
        assert len(instalments(world)) == 1
    finally:
        sa.event.remove(engine, "before_cursor_execute", explain)

    assert max(touched(plan) for plan in read) < 20


def touched(plan):
    """Return the most rows one node of a plan read in all its loops."""
    here = plan["Actual Loops"] * (
        plan["Actual Rows"]
        + plan.get("Rows Removed by Filter", 0)
        + plan.get("Rows Removed by Join Filter", 0)
    )
    return max([here, *(touched(part) for part in plan.get("Plans", ()))])


def test_a_sum_is_an_int_on_both_databases(world):
    pay(world, due(world), 33_333_33)
    line = m.PaymentPlan.__table__
    world.be("admin")
    ask = world.session.connection().execute

    for query in (
        sa.select(money.total(m.Payment.__table__.c.amount)),
        sa.select(settled_of(line)),
        sa.select(money.total(line.c.amount - settled_of(line))),
        sa.select(money.total(line.c.amount)).where(line.c.id < 0),
    ):
        assert {type(value) for (value,) in ask(query)} == {int}


@pytest.mark.parametrize("value", [1.5, "1", None])
def test_an_amount_that_is_no_whole_number_is_refused(value):
    with pytest.raises(TypeError):
        texts.yuan(value)


def test_amounts_are_written_with_and_without_thousands():
    assert (texts.yuan(123456_78), money.plain(123456_78)) == ("123,456.78", "123456.78")
    assert (texts.yuan(-5), money.plain(-5)) == ("-0.05", "-0.05")
    assert (texts.yuan(0), money.plain(0)) == ("0.00", "0.00")
