"""A grid's pages: nothing twice, nothing lost, what is empty last, from either end."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer
from models.deals.contract import Contract, ContractState
from models.deals.payment import Payment, PaymentMethod
from models.people.user import User
from models.sales.opportunity import Opportunity
from services.deals import payment
from tests.support import kept
from tests.support.visitors import Visitors
from tests.support.world import count_queries
from views.grid import paging
from views.grid.paging import RowOrder

SIZE = 3


@pytest.fixture
def deals(world):
    entered(world)
    return world


@kept.step
def entered(world):
    """Eleven opportunities of two people; some lack the amount, some the customer."""
    customers = [world.approved(company=name) for name in ("乙公司", "甲公司")]
    for n in range(11):
        with world.acting("sales" if n % 3 else "sales2"):
            world.create(
                Opportunity,
                name=f"商机{n}",
                customer_id=customers[n % 2] if n % 4 and n % 3 else None,
                amount=None if n % 5 == 0 else (n % 4) * 100,
                expected_on=dt.date(2026, 12, 1),
            )
    world.be("admin")


def walk(world, order, numbers):
    query = paging.RowQuery(sa.select(Opportunity))
    return [
        row
        for n in numbers
        for row in paging.read(world.session, query, order, n, SIZE, options=[]).rows
    ]


@pytest.mark.parametrize("key", ["id", "amount", "customer_id", "owner_id", "state"])
@pytest.mark.parametrize("down", [True, False])
def test_pages_share_nothing_and_lose_nothing(deals, key, down):
    target = {"customer_id": Customer, "owner_id": User}.get(key)
    order = RowOrder(Opportunity, key, down, target)

    rows = walk(deals, order, range(4))

    assert len({row.id for row in rows}) == len(rows) == 11
    values = [getattr(row, key) for row in rows]
    if key in {"amount", "customer_id"}:
        first_empty = values.index(None)
        assert set(values[first_empty:]) == {None}
        assert None not in values[:first_empty]
    if key == "amount":
        assert values[:first_empty] == sorted(values[:first_empty], reverse=down)


@pytest.mark.parametrize("down", [True, False])
def test_a_reference_is_sorted_by_its_name(deals, down):
    rows = walk(deals, RowOrder(Opportunity, "owner_id", down, User), range(4))

    names = [row.owner.name for row in rows]
    assert names == sorted(names, reverse=down)


def test_a_row_whose_reference_may_not_be_seen_stays_in_the_list(deals):
    with deals.acting("admin"):
        hidden = deals.get(Customer, 1)
        hidden.deleted_at = deals.now
    deals.be("admin")

    rows = walk(deals, RowOrder(Opportunity, "customer_id", False, Customer), range(4))

    assert len({row.id for row in rows}) == 11


@pytest.mark.parametrize("key", ["id", "amount", "owner_id"])
def test_the_end_is_reached_backwards_when_rows_are_too_many_to_count(deals, key, monkeypatch):
    monkeypatch.setattr(paging, "CAP", 5)
    target = User if key == "owner_id" else None
    order = RowOrder(Opportunity, key, True, target)
    query = paging.RowQuery(sa.select(Opportunity))
    forwards = walk(deals, order, range(4))

    last = paging.read(deals.session, query, order, -1, SIZE, options=[])
    before = paging.read(deals.session, query, order, -2, SIZE, options=[])

    assert [r.id for r in (*before.rows, *last.rows)] == [r.id for r in forwards[-6:]]
    assert last.capped
    assert last.after is None
    assert before.after == -1


def test_junk_pages_and_sorts_show_a_page_all_the_same(app):
    visitors = Visitors(app)
    for query in (
        "page=99999999999",
        "page=-1",
        "page=-999999",
        "page=x",
        "sort=password",
        "sort=--id",
    ):
        assert visitors.get("admin", f"/admin/customer/?{query}").status_code == 200


def test_totals_are_exact_and_of_all_filtered_rows(deals):
    visitors = Visitors(deals.app)
    found = visitors.get("admin", "/admin/opportunity/totals/?amount_from=2").get_json()

    amounts = [a for a in deals.session.scalars(sa.select(Opportunity.amount)) if a and a >= 200]
    assert found["count"] == len(amounts)
    assert found["sums"][0]["text"] == f"{sum(amounts) / 100:,.2f}"


def test_sums_of_money_take_in_what_counts_and_say_so(world):
    signed = {"signed_on": world.now.date(), "amount": 100_00}
    customer = world.approved()
    first = world.approved("sales", Contract, world.contract(customer, **signed))
    world.contract(customer, **signed)  # a draft
    void = world.approved("sales", Contract, world.contract(customer, **signed))
    with world.acting("admin"):
        table = Contract.__table__
        gone = sa.update(table).where(table.c.id == void).values(state=ContractState.void)
        world.session.connection().execute(gone)
    with world.acting("finance"):
        paid = {"contract_id": first, "amount": 30_00, "paid_on": world.now.date()}
        payment.confirm(world.call, world.create(Payment, method=PaymentMethod.wire, **paid))
        world.create(Payment, method=PaymentMethod.wire, **(paid | {"amount": 1_00}))
    visitors = Visitors(world.app)

    found = {
        noun: visitors.get("admin", f"/admin/{noun}/totals/").get_json()
        for noun in ("contract", "payment")
    }

    assert [(one["count"], one["sums"][0]["text"]) for one in found.values()] == [
        (3, "100.00"), (2, "30.00"),
    ]  # fmt: skip
    assert [one["sums"][0]["caption"] for one in found.values()] == [
        "合同金额（履行中与履行完毕）", "回款金额（已确认，不含作废合同）",
    ]  # fmt: skip


def test_totals_show_without_a_script_too(deals):
    page = Visitors(deals.app).get("admin", "/admin/opportunity/?totals=1").get_data(as_text=True)

    assert "共 11 条 · 金额 合计" in " ".join(page.split())


def test_a_page_costs_the_same_however_many_rows_it_has(deals):
    visitors = Visitors(deals.app)
    visitors.get("admin", "/admin/opportunity/")
    counts = []
    for size in (20, 50):
        with count_queries(deals.app) as statements:
            visitors.get("admin", f"/admin/opportunity/?page_size={size}&sort=owner_id")
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 15
