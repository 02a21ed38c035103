"""On time and late have one definition: a customer's page and every grain of the cockpit agree."""

import datetime as dt
import re
from decimal import Decimal

import sqlalchemy as sa

from dashboards.core.columns import shown
from dashboards.pages import SUMMARIES
from models.core.base import db
from models.deals.contract import Contract, ContractState
from models.deals.order import MilestoneState, Order, OrderState
from services.deals.order import punctuality
from services.deals.order.punctuality import Punctuality
from services.deals.progress import figures
from services.query.beside import Question, of
from services.records import records
from tests.support.page import tight
from tests.support.visitors import Doors

DAY = dt.date(2026, 11, 23)
BACK = [dt.timedelta(days=n) for n in range(40)]


def story(world):
    """Return a customer of whose steps two are on time, one is late by 4 days, one open for 3."""
    customer = world.approved()
    key = world.contract(customer, signed_on=DAY - BACK[30], deliver_on=DAY)
    contract = world.approved(model=Contract, key=key)
    told = (
        (BACK[9], {"done_on": DAY - BACK[9]}),
        (BACK[8], {"done_on": DAY - BACK[4]}),
        (BACK[3], {}),
        (BACK[1], {"state": MilestoneState.skipped}),
        (BACK[0], {}),
    )
    with world.acting("admin"):
        (order,) = world.session.query(Order).filter_by(contract_id=contract).all()
        for step, (due, values) in zip(order.milestones[1:], told, strict=False):
            step.planned_on = DAY - due
            world.session.flush()
            step.agreed_on = None
            records.update(world.call, step, values, seen=None)
        # The first was ticked as it was ordered; a move of the open one makes it no more punctual.
        moved = order.milestones[3]
        records.update(world.call, moved, {"planned_on": DAY + BACK[30]}, seen=None)
    return customer


def test_what_is_late_is_counted_by_the_day_that_was_agreed_on(world):
    customer = story(world)
    world.be("admin")

    found = punctuality.of_customer(world.session, customer, DAY)

    assert found == Punctuality(judged=4, late=2, days=7)
    assert (found.rate, found.mean) == (Decimal("0.5000"), Decimal("3.5"))


def test_nothing_judged_has_no_rate_and_what_is_told_is_rounded_half_up():
    assert (Punctuality().rate, Punctuality().mean) == (None, None)
    assert Punctuality(judged=3, late=0).mean is None
    found = Punctuality(judged=3, late=1, days=1)
    assert (found.rate, found.mean) == (Decimal("0.6667"), Decimal("1.0"))
    assert Punctuality(judged=20, late=20, days=5).mean == Decimal("0.3")  # 0.25
    assert Punctuality(judged=8, late=3).rate == Decimal("0.6250")
    assert Punctuality(judged=20_000, late=1).rate == Decimal("1.0000")  # 0.99995


def test_every_grain_of_the_cockpit_says_the_same(world):
    story(world)
    actor = world.be("admin")
    for grain in ("customer", "owner", "month", "contract"):
        asked = {"from": ["2026-01-01"], "to": ["2026-12-31"], "by": [grain]}
        summary = SUMMARIES["performance"]
        query = summary.query(asked, now=world.now)

        rows = summary.read(world.session, actor, query).frame

        assert [rows[key].sum() for key in ("judged", "late", "on_time", "late_days")] == [
            4,
            2,
            2,
            7,
        ]


def told(world, customer):
    """Return what the customer's page and the cockpit's row of it say, as people read them."""
    client = Doors(world)
    page = tight(client.get("admin", f"/admin/customer/360/?id={customer}").text)
    (whole,) = re.findall(r'准时率 · 平均延误天数</div><div class="v small">([^<]*)</div>', page)
    world.be("admin")
    asked = {"from": ["2026-01-01"], "to": ["2026-12-31"], "customer": [str(customer)]}
    query = SUMMARIES["performance"].query(asked | {"undealt": ["1"]}, now=world.now)
    found = SUMMARIES["performance"].read(world.session, world.actor, query)
    columns = {c.key: c for c in found.columns}
    cells = [shown(found.records[0][key], columns[key]) for key in ("on_time_rate", "delay")]
    return whole, " · ".join(cells)


def test_the_page_of_a_customer_and_the_cockpit_say_the_same(world):
    world.app.config["TCOS_CLOCK"] = lambda: world.now  # a page and what is read here: one day
    customer, other = story(world), world.approved(company="还没有合同的公司")

    assert told(world, customer) == ("50.00% · 3.5", "50.00% · 3.5")
    assert told(world, other) == ("— · —", "— · —")

    world.session.rollback()
    contract = Contract.__table__
    void = sa.update(contract).where(contract.c.customer_id == customer)
    with db.engine.begin() as connection:
        connection.execute(void.values(state=ContractState.void))
    assert told(world, customer) == ("— · —", "— · —")


def test_a_late_step_is_the_same_for_the_contract_the_grid_and_the_cockpit(world):
    customer = world.approved()
    contract = world.approved(model=Contract, key=world.contract(customer, deliver_on=DAY))
    with world.acting("admin"):
        (order,) = world.session.query(Order).filter_by(contract_id=contract).all()
        key = order.id
        for step in order.milestones:
            back = 3 if step.weight == 0 or step.delivers else -30
            step.planned_on = DAY - dt.timedelta(days=back)
            world.session.flush()
            step.agreed_on = None

    def late():
        world.be("admin")
        found = figures(world.session, [world.get(Contract, contract)], day=DAY)[contract]
        steps = [step for step in world.get(Order, key).milestones if step.is_late(DAY)]
        grid = world.session.scalars(sa.select(Order.id).where(late_clause(world)))
        cockpit = punctuality.of_customer(world.session, customer, DAY).late
        return found.late_delivery.count, len(steps), len(grid.all()), cockpit

    assert late() == (1, 1, 1, 1)
    with world.acting("admin"):  # somebody finished it with steps open
        records.update(world.call, world.get(Order, key), {"state": OrderState.done}, seen=None)
    assert late() == (0, 0, 0, 0)


def late_clause(world):
    """Return what the grid of orders asks: overdue by a day or more."""
    return of(Order)["days"].clause(Question(world.session, "ge", 1, world.now))
