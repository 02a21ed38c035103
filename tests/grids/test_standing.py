"""Grids of contracts and orders: n/m, three axes, what is late and unbilled, by filter and sort."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.order import Order, OrderMilestone
from models.deals.payment import Payment
from models.deals.payment_plan import PaymentPlan
from services.deals import payment
from services.deals.progress import figures
from services.query.beside import Question, of
from services.receivables import measures, standing_asked
from services.records import records
from tests.support import kept
from tests.support.visitors import Doors
from tests.support.world import count_queries

TODAY = dt.date(2026, 11, 28)  # of the pages
SIGNED = dt.date(2026, 9, 1)


@pytest.fixture
def doors(world):
    world.keys = signed(world)
    return Doors(world)


@kept.step
def signed(world):
    """Three contracts of 300: nothing, a third paid and billed 200, all paid and nothing billed."""
    customer = world.approved()
    keys = []
    for name, paid, billed in (("甲", 0, 0), ("乙", 99_99, 200_00), ("丙", 300_00, 0)):
        plan = [
            {"amount": 100_00, "due_on": SIGNED + dt.timedelta(days=days)} for days in (0, 40, 200)
        ]
        key = world.contract(customer, name=name, amount=300_00, plan=plan, signed_on=SIGNED)
        keys.append(world.approved(model=Contract, key=key))
        with world.acting("finance"):
            if paid:
                made = world.create(Payment, contract_id=key, amount=paid, paid_on=SIGNED)
                payment.confirm(world.call, made)
            if billed:
                world.create(Invoice, contract_id=key, amount=billed, number="1", issued_on=SIGNED)
    with world.acting("admin"):
        order = sa.select(Order.id).where(Order.contract_id == keys[1])
        steps = sa.select(OrderMilestone).where(OrderMilestone.order_id.in_(order))
        for step in world.session.scalars(steps.order_by(OrderMilestone.ordinal).limit(3)):
            if step.done_on is None:
                records.update(world.call, step, {"done_on": SIGNED}, seen=None)
    return keys


def shown(doors, noun, query):
    page = doors.get("finance", f"/admin/{noun}/?{query}").get_data(as_text=True)
    found = re.findall(rf"/admin/{noun}/details/\?id=(\d+)", page)
    return list(dict.fromkeys(int(key) for key in found))


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("f.paid=33.33", [1]),
        ("f.paid=ge:100", [2]),
        ("f.invoiced=66.66", [1]),
        ("f.invoiced=0", [0, 2]),
        ("f.delivered=gt:20", [1]),
        ("f.overdue=ge:200", [0]),
        ("f.overdue=0.01..150", [1]),
        ("f.days=gt:80", [0, 1]),
        ("f.days=gt:88", []),
        ("f.days=0", [2]),
        ("f.unbilled=ge:1", [2]),
        ("f.uncollected=100.01", [1]),
        ("f.late=2", [0, 1]),
    ],
)
def test_contracts_are_filtered_by_how_they_stand(doors, query, places):
    assert set(shown(doors, "contract", query)) == {doors.world.keys[n] for n in places}


def test_many_late_instalments_are_asked_for_as_few_are(doors, monkeypatch):
    monkeypatch.setattr(standing_asked, "FEW", 1)
    for query, places in (("gt:80", [0, 1]), ("gt:88", []), ("0", [2]), ("le:80", [2])):
        found = set(shown(doors, "contract", f"f.days={query}"))
        assert found == {doors.world.keys[n] for n in places}


@pytest.mark.parametrize(
    ("sort", "places"),
    [
        ("paid", [0, 1, 2]),
        ("-paid", [2, 1, 0]),
        ("-invoiced", [1]),
        ("-delivered", [1]),
        ("-overdue", [0, 1, 2]),
        ("-unbilled", [2]),
        ("-uncollected", [1]),
        ("-plans", [2]),
    ],
)
def test_contracts_are_sorted_by_how_they_stand(doors, sort, places):
    found = shown(doors, "contract", f"sort={sort}")
    assert found[: len(places)] == [doors.world.keys[n] for n in places]


def test_what_sql_says_is_what_the_page_says(doors):
    world = doors.world
    world.be("finance")
    contracts = world.session.scalars(sa.select(Contract).order_by(Contract.id)).all()
    told = figures(world.session, contracts, day=TODAY)
    values = {
        key: dict(world.session.connection().execute(query).all())
        for key, query in measures.sorts(Contract, TODAY).items()
    }
    for key, one in told.items():
        assert values["paid"][key] == one.collection
        assert values["invoiced"][key] == one.invoicing
        assert values["delivered"][key] == one.delivery
        assert values["overdue"][key] == one.late_collection.amount
        assert values["plans"][key] == one.settled
        assert values["unbilled"][key] - values["uncollected"][key] == one.paid - one.invoiced
    clause = of(Order)["progress"].clause
    for order in world.session.scalars(sa.select(Order)):
        asked = Question(world.session, "eq", told[order.contract_id].delivery, world.now)
        same = sa.select(Order.id).where(Order.id == order.id, clause(asked))
        assert world.session.scalar(same) == order.id


def test_orders_are_filtered_and_sorted_by_delivery_and_lateness(doors):
    world = doors.world
    world.be("finance")
    order = sa.select(Order.id).where(Order.contract_id == world.keys[1])
    key = world.session.scalar(order)
    assert shown(doors, "order", "f.progress=gt:20") == [key]
    assert shown(doors, "order", "sort=-progress")[0] == key
    late = shown(doors, "order", "f.days=gt:0")
    assert set(late) <= set(shown(doors, "order", ""))
    page = doors.get("finance", f"/admin/contract/details/?id={world.keys[1]}")
    assert "100.01" in page.get_data(as_text=True)


def test_payments_say_what_of_them_settles_no_instalment(doors):
    world = doors.world
    with world.acting("finance"):
        more = world.create(Payment, contract_id=world.keys[2], amount=12_34, paid_on=SIGNED)
        payment.confirm(world.call, more)
        key = more.id
    assert shown(doors, "payment", "f.rest=gt:0") == [key]
    assert shown(doors, "payment", "sort=-rest")[0] == key
    file = doors.get("finance", "/admin/payment/export/csv/?f.rest=12.34")
    assert "12.34" in file.get_data(as_text=True)


def order_of(world, contract):
    world.be("finance")
    return world.session.scalar(sa.select(Order.id).where(Order.contract_id == contract))


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("f.paid=33.33", [1]),
        ("f.invoiced=66.66", [1]),
        ("f.overdue=ge:200", [0]),
        ("f.steps=ge:3", [1]),
        ("sort=-paid", [2, 1, 0]),
        ("sort=-invoiced", [1]),
        ("sort=-overdue", [0, 1, 2]),
        ("sort=-steps", [1]),
    ],
)
def test_orders_are_filtered_and_sorted_by_the_axes_of_their_contract(doors, query, places):
    world = doors.world
    found = shown(doors, "order", query)[: len(places)]
    assert found == [order_of(world, world.keys[n]) for n in places]


def test_instalments_are_filtered_and_sorted_by_the_axes_of_their_contract(doors):
    world = doors.world
    lines = {}
    world.be("finance")
    for line in world.session.scalars(sa.select(PaymentPlan)):
        lines.setdefault(line.contract_id, set()).add(line.id)
    for query, place in (
        ("f.paid=33.33", 1),
        ("f.invoiced=66.66", 1),
        ("f.plans=3", 2),
        ("f.delivered=gt:20", 1),
    ):
        assert set(shown(doors, "paymentplan", query)) == lines[world.keys[place]], query
    for sort, place in (("-paid", 2), ("-invoiced", 1), ("-plans", 2), ("-delivered", 1)):
        found = set(shown(doors, "paymentplan", f"sort={sort}")[:3])
        assert found == lines[world.keys[place]], sort


def test_what_is_late_of_delivery_and_invoicing_is_a_column_of_contracts(doors):
    world = doors.world
    world.be("finance")
    contracts = world.session.scalars(sa.select(Contract).order_by(Contract.id)).all()
    told = figures(world.session, contracts, day=TODAY)
    values = {
        key: dict(world.session.connection().execute(query).all())
        for key, query in measures.sorts(Contract, TODAY).items()
    }
    for key, one in told.items():
        assert values["days"][key] == one.late_collection.days
        assert values["late_delivery"][key] == one.late_delivery.days
        assert values["late_invoicing"][key] == one.late_invoicing.amount
    first, second, _third = world.keys
    assert values["late_invoicing"][first] == 200_00
    assert values["late_invoicing"][second] == 0
    assert set(shown(doors, "contract", "f.late_invoicing=ge:200")) == {first, world.keys[2]}
    late = {key for key, days in values["late_delivery"].items() if days}
    assert set(shown(doors, "contract", "f.late_delivery=ge:1")) == late
    page = doors.get("finance", "/admin/contract/?columns=name,days,late_invoicing")
    assert "200.00" in page.get_data(as_text=True)


@pytest.mark.parametrize("noun", ["contract", "order", "paymentplan"])
def test_a_file_has_what_the_grid_shows_of_measures(doors, noun):
    file = doors.get("admin", f"/admin/{noun}/export/csv/").get_data(as_text=True)
    assert "33.33" in file
    assert "66.66" in file


def test_a_grid_of_contracts_costs_ten_statements_log_in_included(doors, world):
    path = "/admin/contract/"
    told = ("3/3", "33.33%", "66.66%")
    for who, most in (("finance", 10), ("admin", 10), ("sales", 11)):
        doors.get(who, path)
        with count_queries(world.app) as found:
            page = doors.get(who, path).get_data(as_text=True)
        assert all(text in page for text in told), who
        assert len(found) <= most, (who, "\n".join(one[:200] for one in found))
