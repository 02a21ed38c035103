"""Segments equal plain pandas to the customer; ties, disjointness, nothing of the future."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from bench import histories
from models.core.base import db
from models.customers.customer import Customer
from models.deals.contract import Contract, ContractState
from models.portrait.customer_portrait import CustomerPortrait, PortraitMonth
from models.portrait.run import PortraitRun
from models.portrait.segment_rule import SegmentRule
from services.portrait import recompute, segments
from services.portrait.maths import rfm
from services.portrait.maths.story import Story, frame, number
from services.rights.actor import SYSTEM
from tests.support.books import AT, Books, day

AS_OF = dt.date(2026, 11, 20)


def story(*buys, pays=()):
    """Return the story of (customer, day, amount) purchases."""
    rows = [(who, n, on, amount) for n, (who, on, amount) in enumerate(buys, 1)]
    return Story(
        customers=np.array(sorted({row[0] for row in rows})),
        buys=frame("customer order day amount", rows),
        items=frame("customer order product day"),
        pays=frame("customer day amount", pays),
        meets=frame("customer day"),
    )


def test_fifths_of_equal_values_go_by_key():
    found = rfm.figures(story(*((who, 100, 500) for who in range(1, 11))), 100, 365)

    assert found["f"].tolist() == found["m"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert found["r"].tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]


def test_fewer_than_five_customers_have_no_fifths_and_no_segment_that_asks_for_them():
    found = rfm.figures(story((1, 90, 5), (2, 91, 5)), 100, 365)
    rules = [rfm.Rule(n, bounds) for n, (*_names, bounds) in enumerate(segments.DEFAULT, 1)]

    assert found[["r", "f", "m"]].isna().all(axis=None)
    assert rfm.segments(found, [r for r in rules if "r" in r.bounds]).tolist() == [0, 0]


def test_what_happened_later_changes_nothing():
    early = [(who, 10 * who, 100 * who) for who in range(1, 9)]
    before = rfm.figures(story(*early), 80, 365)
    after = rfm.figures(story(*early, (1, 81, 9_999), (99, 300, 1)), 80, 365)

    pd.testing.assert_frame_equal(before, after)


def test_a_payment_moves_recency_alone_and_a_refund_lessens_the_money():
    buys = [(who, 10, 100) for who in range(1, 6)]
    found = rfm.figures(story(*buys, pays=[(1, 40, 50), (2, 50, -30)]), 100, 365)

    assert found["recency"].tolist() == [60, 90, 90, 90, 90]
    assert found["monetary"].tolist() == [100, 70, 100, 100, 100]
    assert found["frequency"].tolist() == [1] * 5


def test_every_combination_of_scores_is_in_exactly_one_of_the_shipped_segments():
    rules = [rfm.Rule(n, bounds) for n, (*_names, bounds) in enumerate(segments.DEFAULT, 1)]
    grid = pd.DataFrame(
        [
            {"r": r, "f": f, "m": m, "recency": days, "known": 400, "orders": 9}
            for r in range(1, 6)
            for f in range(1, 6)
            for m in range(1, 6)
            for days in (10, 200, 400)
        ]
    )
    found = rfm.segments(grid, rules)

    assert (found > 0).all()
    near = grid["recency"].eq(10).to_numpy()
    fits = sum(rule.fits(grid).astype(int) for rule in rules if "r" in rule.bounds)
    assert (fits[near] == 1).all()


def plain(found, as_of, window):
    """Return the segments as an analyst writes them in pandas, by the places of customers."""
    lines = pd.DataFrame({"order": found.order, "amount": found.amount})
    orders = pd.DataFrame({"customer": found.customer, "day": found.day})
    orders["amount"] = lines.groupby("order")["amount"].sum().reindex(orders.index)
    orders = orders[orders["day"] <= number(as_of)]
    lately = orders[orders["day"] > number(as_of) - window]
    table = pd.DataFrame(
        {
            "days": number(as_of) - orders.groupby("customer")["day"].max(),
            "known": number(as_of) - orders.groupby("customer")["day"].min(),
            "orders": orders.groupby("customer").size(),
            "f": lately.groupby("customer").size(),
            "m": lately.groupby("customer")["amount"].sum(),
        }
    ).sort_index()
    cut = table[table["f"].notna()]
    scored = pd.DataFrame(
        {
            "R": pd.qcut(cut["days"].rank(method="first"), 5, labels=[5, 4, 3, 2, 1]).astype(int),
            "F": pd.qcut(cut["f"].rank(method="first"), 5, labels=[1, 2, 3, 4, 5]).astype(int),
            "M": pd.qcut(cut["m"].rank(method="first"), 5, labels=[1, 2, 3, 4, 5]).astype(int),
        }
    )
    table = table.join(scored.reindex(table.index).fillna(1).astype(int))

    def named(row):
        if row["days"] > 365:
            return "流失"
        if row["days"] > 180:
            return "沉睡"
        if row["known"] <= 60 and row["orders"] == 1:
            return "新客户"
        kind = {(1, 1): "价值", (1, 0): "发展", (0, 1): "保持", (0, 0): "挽留"}
        return ("重要" if row["M"] > 3 else "一般") + kind[int(row["R"] > 3), int(row["F"] > 3)]

    return table.apply(named, axis=1)


@pytest.fixture
def shop(app):
    """An application with a planted history; return (application, history)."""
    found = histories.draw(histories.Shape(customers=300, orders=2_400, lines=6_000, products=60))
    with app.app_context(), db.engine.begin() as connection:
        owner = Books(connection).people["sales"][0]
        histories.write(connection, found, owner, AT)
    return app, found


def test_segments_equal_plain_pandas_to_the_customer(shop, world):
    _app, found = shop
    for as_of, window in ((AS_OF, 365), (AS_OF - dt.timedelta(days=100), 365)):
        world.be(SYSTEM)

        run = recompute.recompute(world.session, as_of=as_of, now=world.now)

        rows = world.session.execute(
            sa.select(Customer.external_ref, SegmentRule.name)
            .join(CustomerPortrait, CustomerPortrait.customer_id == Customer.id)
            .join(SegmentRule, SegmentRule.id == CustomerPortrait.segment_id)
        )
        told = {int(ref.removeprefix("shop:")): name for ref, name in rows}
        assert told == plain(found, as_of, window).to_dict()
        assert run.figures["bought"] == len(told)
        assert len(set(told.values())) >= 8


def test_ends_of_months_are_kept_and_a_second_run_leaves_the_same(shop, world):
    world.be(SYSTEM)
    recompute.recompute(world.session, as_of=AS_OF, now=world.now)
    portrait, month = CustomerPortrait.__table__, PortraitMonth.__table__
    query = sa.select(*[c for c in portrait.c if c.name != "id"]).order_by(portrait.c.customer_id)
    first = world.session.execute(query).all()
    recompute.recompute(world.session, as_of=AS_OF, now=world.now)

    assert world.session.execute(query).all() == first
    counts = dict(
        world.session.execute(
            sa.select(month.c.month, sa.func.count()).group_by(month.c.month)
        ).all()
    )
    assert set(counts) == {day(f"2026-{n}-01") for n in ("08", "09", "10", "11")}
    now = sa.select(month.c.customer_id, month.c.segment_id).where(
        month.c.month == day("2026-11-01")
    )
    same = sa.select(portrait.c.customer_id, portrait.c.segment_id).where(portrait.c.orders > 0)
    assert set(world.session.execute(now)) == set(world.session.execute(same))
    assert world.session.scalar(sa.select(sa.func.count(PortraitRun.id))) == 1


def test_what_is_void_given_away_deleted_or_not_approved_is_no_purchase(world):
    with world.session.get_bind().begin() as connection:
        books = Books(connection)
        one = books.customer("甲公司")
        books.contract(one, "sales", 100_00, "2026-11-02")
        books.contract(one, "sales", 900_00, "2026-11-05", state=ContractState.void)
        books.contract(one, "sales", 0, "2026-11-06")
        books.contract(one, "sales", 900_00, "2026-11-07", deleted_at=AT)
        books.contract(one, "sales", 900_00, "2026-12-01")
        contract, _plan = books.contract(one, "sales", 50_00, "2026-11-03")
        books.payment(one, contract, 30_00, "2026-11-09", "sales")
        books.payment(one, contract, -20_00, "2026-11-10", "sales")
    world.be(SYSTEM)

    recompute.recompute(world.session, as_of=AS_OF, now=world.now)

    row = world.session.scalars(sa.select(CustomerPortrait)).one()
    assert (row.orders, row.frequency, row.monetary) == (2, 2, 130_00)
    assert (row.recency, row.last_on, row.paid_on) == (11, day("2026-11-03"), day("2026-11-09"))
    assert row.segment_id is None
    assert row.strip == [0] * 11 + [150_00]


def test_a_portrait_is_seen_exactly_where_its_customer_is(shop, world):
    world.be(SYSTEM)
    recompute.recompute(world.session, as_of=AS_OF, now=world.now)

    counted = {}
    for who in ("sales", "sales2", "admin", "analyst"):
        world.be(who)
        counted[who] = world.session.scalar(sa.select(sa.func.count(CustomerPortrait.id)))
    assert counted == {"sales": 300, "sales2": 0, "admin": 300, "analyst": 300}


def test_a_customer_that_is_gone_loses_its_portrait(shop, world):
    world.be(SYSTEM)
    recompute.recompute(world.session, as_of=AS_OF, now=world.now)
    table = Customer.__table__
    first = world.session.execute(sa.select(sa.func.min(table.c.id))).scalar()
    last = world.session.execute(sa.select(sa.func.max(table.c.id))).scalar()
    gone = table.c.id.in_([first, last])
    world.session.execute(sa.update(table).where(gone).values(deleted_at=AT))
    world.session.commit()

    recompute.recompute(world.session, as_of=AS_OF, now=world.now)

    left = set(world.session.scalars(sa.select(CustomerPortrait.customer_id)))
    assert len(left) == 298
    assert left.isdisjoint({first, last})
    assert world.session.scalar(sa.select(sa.func.count(Contract.id))) > 0
