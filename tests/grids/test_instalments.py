"""应收: what is open, late and how old, asked of all instalments by filter, sort, tab and verb."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from models.bulk.batch import BatchItem
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.payment import Payment
from models.deals.payment_plan import PaymentPlan
from models.delivery.notification import Notification
from services import approval
from services.deals import payment
from services.deals.progress import figures
from services.records import records
from tests.support import kept
from tests.support.visitors import Doors

TODAY = dt.date(2026, 11, 28)  # of the pages
AGES = (0, 1, 30, 31, 60, 61, 91, 200, -5)  # days ago


@pytest.fixture
def doors(world):
    world.contract_key, world.payment_key, world.customer_key, world.draft = signed(world)
    return Doors(world)


@kept.step
def signed(world):
    """A contract of nine instalments, numbered by their days; two are paid, one half."""
    customer = world.approved(company="武汉逾期测试有限公司")
    plan = [
        {"amount": (n + 1) * 100_00, "due_on": TODAY - dt.timedelta(days=days)}
        for n, days in enumerate(AGES)
    ]
    amount = sum(row["amount"] for row in plan)
    key = world.contract(customer, amount=amount, plan=plan, signed_on=dt.date(2026, 1, 1))
    world.approved(model=Contract, key=key)
    draft = world.contract(customer, amount=1_00)
    with world.acting("finance"):
        paid = world.create(Payment, contract_id=key, amount=1_600_00, paid_on=dt.date(2026, 11, 1))
        payment.confirm(world.call, paid)
    return key, paid.id, customer, draft


def shown(doors, query, who="finance"):
    """Return the days of the instalments that a page lists, in their order."""
    page = doors.get(who, f"/admin/paymentplan/?{query}").get_data(as_text=True)
    keys = [int(key) for key in re.findall(r'name="rowid" value="(\d+)"', page)]
    if not keys:
        keys = [int(key) for key in re.findall(r"/admin/paymentplan/details/\?id=(\d+)", page)]
    doors.world.be("finance")
    due = dict(doors.world.session.execute(sa.select(PaymentPlan.id, PaymentPlan.due_on)).all())
    return [(TODAY - due[key]).days for key in dict.fromkeys(keys)]


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("", [200, 91, 61, 60, 31, 30, 1, 0, -5]),
        ("tab=open", [61, 60, 31, 30, 1, 0, -5]),
        ("tab=overdue", [61, 60, 31, 30, 1]),
        ("f.days=gt:30", [61, 60, 31]),
        ("f.days=30", [30]),
        ("f.days=0", [200, 91, 0, -5]),
        ("f.days=1..31", [31, 30, 1]),
        ("f.days=le:1", [200, 91, 1, 0, -5]),
        ("f.bucket=d60", [60, 31]),
        ("f.bucket=d30,not_due", [30, 1, 0, -5]),
        ("f.bucket=older", []),
        ("f.state=done", [200, 91]),
        ("f.state=overdue&f.open=ge:500", [61, 60]),
        ("f.state=upcoming", [0, -5]),
        ("f.open=eq:0", [200, 91]),
        ("search=逾期测试", [200, 91, 61, 60, 31, 30, 1, 0, -5]),
        ("search=没有这一家", []),
        ("sort=-days", [61, 60, 31, 30, 1, 0, -5, 91, 200]),
        ("sort=-open", [-5, 0, 61, 60, 31, 30, 1, 200, 91]),
    ],
)
def test_instalments_are_filtered_and_sorted_by_what_is_open_of_them(doors, query, days):
    found = shown(doors, query)
    assert sorted(found) == sorted(days)
    if query.startswith("sort"):  # equals stand in any order
        assert (found[0], set(found[-2:])) == (days[0], {91, 200})
    else:
        assert found == days


def test_the_grid_the_page_of_the_contract_and_the_sums_say_the_same(doors):
    world = doors.world
    world.be("finance")
    record = world.get(Contract, world.contract_key)
    told = figures(world.session, [record], day=TODAY)[record.id]
    lines = world.session.scalars(sa.select(PaymentPlan).where(PaymentPlan.settled > 0)).all()
    assert {one.id: one.settled for one in lines} == {
        one.line.id: one.settled for one in told.plan if one.settled
    }
    sums = doors.get("finance", "/admin/paymentplan/totals/").get_json()
    found = {one["key"]: one["text"] for one in sums["sums"]}
    assert sums["count"] == len(AGES)
    assert found == {"amount": "4,500.00", "settled": "1,600.00", "open": "2,900.00"}
    file = doors.get("finance", "/admin/paymentplan/export/csv/?f.days=gt:30")
    assert file.status_code == 200
    assert len(file.get_data(as_text=True).strip().splitlines()) == 4


def test_what_is_settled_follows_reversal_and_the_customer_follows_the_contract(doors):
    world = doors.world
    with world.acting("finance"):
        payment.reverse(world.call, world.get(Payment, world.payment_key))
    world.be("finance")
    assert world.session.scalar(sa.select(sa.func.sum(PaymentPlan.settled))) == 0
    other = world.approved(company="武汉另一家有限公司")
    with world.acting("sales"):
        record = world.get(Contract, world.contract_key)
        records.update(world.call, record, {"customer_id": other}, seen=None)
        (request,) = approval.changes_asked(world.session)
    world.decided(request)
    world.be("finance")
    mine = sa.select(PaymentPlan.customer_id).where(PaymentPlan.contract_id == world.contract_key)
    assert set(world.session.scalars(mine)) == {other}
    assert world.get(Customer, other) is not None


def test_many_are_reminded_of_once_a_day_and_of_what_is_paid_nobody_is(doors):
    world = doors.world
    world.be("finance")
    lines = world.session.scalars(sa.select(PaymentPlan).order_by(PaymentPlan.due_on)).all()
    mine = [one.id for one in lines if one.contract_id == world.contract_key][:3]
    for _time in range(2):
        form = {"action": "remind", "sure": "1", "rowid": mine}
        assert doors.post("finance", "/admin/paymentplan/action/", form).status_code == 303
    assert doors.post("sales", "/admin/paymentplan/action/", form).status_code == 403

    world.be("finance")
    items = world.session.scalars(sa.select(BatchItem).order_by(BatchItem.id)).all()
    assert [one.code for one in items] == ["LOCKED", "LOCKED", None] * 2
    notice = Notification.__table__
    told = sa.select(notice.c.title, notice.c.user_id).where(notice.c.url.contains("paymentplan"))
    (row,) = world.session.execute(told).all()
    assert "武汉逾期测试有限公司" in row.title
    assert "500.00" in row.title
    assert row.user_id == world.id_of("sales")
