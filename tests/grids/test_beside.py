"""Filters on what stands beside a record: contact, number, follow-ups; 回款（%）, instalments."""

import datetime as dt

import pytest
import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from models.core.base import db
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract, ContractState
from models.deals.payment import PaymentState
from services.core.days import today
from services.deals.progress import figures
from services.query.condition_sql import TESTS
from services.query.conditions import NUMBERS
from tests.support.books import Books
from tests.support.world import World
from views.core.base import CrmView  # noqa: F401 # registers what may be asked
from views.grid import listing

CONTACTS = (("李秀荣", "13900010001"), ("Wang Li", "15011114321"), (None, None), ("李平", None))
DATES = ("2026-10-01T10:00", "2026-11-20T09:00", "2026-11-23T08:00", "2026-12-05T10:00")
# Which follow-ups and which open plans each customer has, by their place among the dates.
HISTORY = (((0, 1), (3,)), ((0,), (1, 3)), ((), ()), ((1, 2, 0), (2,)))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def app(request, databases):
    with databases.lent(request.param) as found:
        with found.app_context(), db.engine.begin() as connection:
            books = Books(connection)
            customers(books)
            contracts(books)
        yield found


def customers(books):
    for n, ((name, mobile), (done, due)) in enumerate(zip(CONTACTS, HISTORY, strict=True)):
        owner = "sales" if n % 2 == 0 else "sales2"
        key = books.customer(f"客户{n}", owner)
        if name:
            books.add(Contact, customer_id=key, name=name, mobile=mobile, is_primary=True)
        books.add(Contact, customer_id=key, name="李旁", mobile="18800000000", is_primary=False)
        for place in done:
            books.follow_up(key, owner, DATES[place], "call")
        for place in due:
            books.follow_up(key, owner, "2026-01-01T10:00", "call", then=DATES[place])


def contracts(books):
    """Allocated, without allocation, too much, given back, half a percent, void, without a plan."""
    customer = books.customer("客户9", "sales2")
    plan = ((100_00, "2026-10-01", "sales"), (100_00, "2026-11-01", "sales"),
            (200_00, "2026-12-31", "sales"))  # fmt: skip

    def make(pays, **values):
        key, lines = books.contract(customer, "sales", 400_00, "2026-09-01", plan, **values)
        for amount, parts, more in pays:
            shares = [(lines[n], part) for n, part in parts]
            books.payment(customer, key, amount, "2026-10-05", "sales", shares, **more)

    make([])
    make([(100_00, [(0, 100_00)], {}), (50_00, [(1, 50_00)], {})])
    make([(150_00, [], {})])
    make([(50_00, [(1, 50_00)], {}), (120_00, [], {})])
    make([(500_00, [], {})])
    make([(400_00, [(0, 100_00), (1, 100_00), (2, 200_00)], {}), (-150_00, [], {})])
    make(
        [
            (50_00, [], {}),
            (100_00, [(0, 100_00)], {"state": PaymentState.registered, "confirmed_at": None}),
        ]
    )
    make([(150_00, [], {})], state=ContractState.void)
    make([(100_00, [(0, 100_00)], {})], state=ContractState.done)
    books.contract(customer, "sales", 0, "2026-09-01")
    key, _plan = books.contract(customer, "sales", 200, "2026-09-01")
    books.payment(customer, key, 25, "2026-10-05", "sales")  # 12.5 %


def keys(world, model, address):
    """Return the keys of what matches; a complaint about the filter is told instead."""
    found = listing.read(world.session, model, MultiDict(address), actor=world.actor, now=world.now)
    if found.filter.complaints:
        return found.filter.complaints
    query = listing.matching(world.session, model, found, world.actor)
    return sorted(world.session.scalars(query.with_only_columns(model.id)))


def judged(truth, op, value):
    return sorted(key for key, own in truth.items() if TESTS[op](own, value))


def test_money_and_instalments_are_found_as_the_grid_counts_them(app):
    with World(app) as world:
        world.be("admin")
        rows = world.session.scalars(sa.select(Contract)).all()
        told = figures(world.session, rows, day=today(world.now))
        for key, own in (
            ("paid", {k: one.collection for k, one in told.items()}),
            ("plans", {k: one.settled for k, one in told.items()}),
            ("late", {k: len(one.overdue) for k, one in told.items()}),
        ):
            assert len(set(own.values())) > 2, key
            unit = 100 if key == "paid" else 1  # basis points of what is typed
            for value in sorted({*own.values(), 1, 50 * unit}):
                for op in ("eq", "ne", "ge", "le", "gt", "lt"):
                    asked = {
                        f"f.{key}": f"{op}:{value / unit:.2f}" if unit > 1 else f"{op}:{value}"
                    }
                    assert keys(world, Contract, asked) == judged(own, op, value), asked
            some = (unit, 3 * unit)
            assert keys(world, Contract, {f"f.{key}": "1..3"}) == judged(own, "between", some)


def truth(world, where, pick):
    """Return customer → what `pick` makes of the moments of its history."""
    world.be("admin")
    table = "follow_up" if where == 0 else "follow_up_plan"
    column = "at" if where == 0 else "due_at"
    rows = db.metadata.tables[table]
    query = sa.select(rows.c.customer_id, rows.c[column])
    found = dict.fromkeys(world.session.scalars(sa.select(Customer.id)))
    moments = {}
    for key, at in world.session.connection().execute(query):
        moments.setdefault(key, []).append(at)
    return {key: pick(moments[key]) if key in moments else None for key in found}


@pytest.mark.parametrize(("key", "where", "pick"), [("next", 1, min), ("last", 0, max)])
def test_the_next_and_the_last_date_are_compared_as_dates(app, key, where, pick):
    with World(app) as world:
        own = truth(world, where, pick)
        days = [dt.datetime.fromisoformat(f"{text}:00+08:00") for text in DATES]
        for at in (*days, days[1] + dt.timedelta(hours=1)):
            local = f"{at:%Y-%m-%dT%H:%M}"
            for op in ("ge", "gt", "le", "lt", "ne"):
                assert keys(world, Customer, {f"f.{key}": f"{op}:{local}"}) == judged(own, op, at)
        for period, ends in (
            ("overdue", ("1900-01-01", "2026-11-23")),
            ("today", ("2026-11-23", "2026-11-24")),
            ("this_month", ("2026-11-01", "2026-12-01")),
            ("last_year", ("2025-01-01", "2026-01-01")),
        ):
            pair = [dt.datetime.fromisoformat(f"{text}T00:00:00+08:00") for text in ends]
            assert keys(world, Customer, {f"f.{key}": period}) == judged(own, "within", pair)
        whole = [days[1].replace(hour=0), days[1].replace(hour=23, minute=59)]
        assert keys(world, Customer, {f"f.{key}": "2026-11-20"}) == judged(own, "between", whole)
        for op in ("empty", "filled"):
            assert keys(world, Customer, {f"f.{key}": op}) == judged(own, op, None)


def test_follow_ups_are_counted_and_none_is_zero(app):
    with World(app) as world:
        own = {key: n or 0 for key, n in truth(world, 0, len).items()}
        assert 0 in own.values()
        for value in (0, 1, 2, 3):
            for op in set(NUMBERS) - {"between", "empty", "filled"}:
                asked = {"f.follow_ups": f"{op}:{value}"}
                assert keys(world, Customer, asked) == judged(own, op, value), asked
        for pair in ((0, 2), (1, 3)):
            asked = {"f.follow_ups": f"{pair[0]}..{pair[1]}"}
            assert keys(world, Customer, asked) == judged(own, "between", pair)


def names(world, who, **asked):
    world.be(who)
    address = {f"f.{key}": value for key, value in asked.items()}
    found = keys(world, Customer, address)
    rows = dict(world.session.execute(sa.select(Customer.id, Customer.company)).all())
    return [rows.get(key, key) for key in found]


def test_the_primary_contact_is_found_by_name_and_by_number(app):
    with World(app) as world:
        assert names(world, "admin", contact="李") == ["客户0", "客户3"]
        assert names(world, "admin", contact="wang") == ["客户1"]
        assert names(world, "admin", contact="starts:李平") == ["客户3"]
        assert names(world, "admin", contact="eq:李平") == ["客户3"]
        assert names(world, "admin", contact="in:李平,Wang Li") == ["客户1", "客户3"]
        assert names(world, "admin", contact="empty") == ["客户2", "客户9"]
        assert "客户2" in names(world, "admin", contact="not_contains:李")
        assert names(world, "admin", mobile="139 0001") == ["客户0"]
        assert names(world, "admin", mobile="ends:4321") == ["客户1"]
        assert names(world, "admin", mobile="eq:+86 139 0001 0001") == ["客户0"]
        assert names(world, "admin", mobile="filled") == ["客户0", "客户1"]
        assert "至少填 4 位数字" in names(world, "admin", mobile="139")[0]
        assert "至少填 4 位数字" in names(world, "admin", mobile="ends:321")[0]


def test_no_number_is_told_to_who_sees_a_mask(app):
    with World(app) as world:
        assert names(world, "sales", mobile="1390") == ["客户0"]
        assert names(world, "sales2", mobile="1390") == []  # of another's customer
        assert "没有字段「mobile」" in names(world, "analyst", mobile="1390")[0]
