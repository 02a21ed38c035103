"""今天要做: what is due of one's own, in whole 分, by a plan that hangs on no statistics."""

import datetime as dt
import html
import re

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.core.calendar_day import CalendarDay
from models.deals.contract import Contract, ContractState
from models.deals.invoice import Invoice, InvoiceType
from models.deals.order import Order
from models.deals.payment import Payment, PaymentMethod
from models.deals.payment_plan import PaymentPlan
from models.delivery.outbox import Channel, Outbox, OutboxState
from models.people.user import User
from models.sales.follow_up import FollowUpKind
from models.sales.plan import FollowUpPlan
from services.core import money, texts
from services.core.days import today
from services.deals import payment
from services.delivery import outbox
from services.people import people
from services.records import records
from services.records.settlement import rest_of
from services.sales import agenda
from tests.support.visitors import Doors

MANY = 1000  # contracts of a colleague: reading them all would show


def due(world, who="sales", **changes):
    """Return the key of a contract in force whose instalment was due before today."""
    signed = world.now.date() - dt.timedelta(days=3)
    values = {"signed_on": signed, "amount": 100_000_00} | changes
    customer = world.approved(who)
    return world.approved(who, Contract, world.contract(customer, who, **values))


def pay(world, contract, amount, verb=payment.confirm):
    with world.acting("finance"):
        values = {"contract_id": contract, "amount": amount, "paid_on": world.now.date()}
        made = world.create(Payment, method=PaymentMethod.wire, **values)
        if verb:
            verb(world.call, made)


def instalments(world, who="sales"):
    actor = world.be(who)
    found = agenda.agenda(world.session, actor, now=world.now)
    return [item for item in found if item.kind in {"instalment", "late"}]


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
            sa.update(Contract.__table__)
            .where(Contract.__table__.c.id == void)
            .values(state=ContractState.void)
        )

    assert instalments(world) == []


def test_an_instalment_of_a_customer_one_does_not_see_is_not_told(world):
    contract = due(world, "sales2")
    with world.acting("admin"):
        line = PaymentPlan.__table__
        moved = sa.update(line).where(line.c.contract_id == contract)
        world.session.connection().execute(moved.values(owner_id=world.id_of("sales")))

    assert instalments(world) == []


def crowd(world, contract):
    """Copy a contract with its line MANY times, for a colleague; keep PostgreSQL uninformed."""
    table, line = Contract.__table__, PaymentPlan.__table__
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

    engine = db.engine
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
    line = PaymentPlan.__table__
    world.be("admin")
    ask = world.session.connection().execute

    for query in (
        sa.select(money.total(Payment.__table__.c.amount)),
        sa.select(line.c.settled),
        sa.select(money.total(rest_of(line.c))),
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


def kinds(world, who, *, wide=False):
    found = agenda.agenda(world.session, world.be(who), wide=wide, now=world.now)
    return [item.kind for item in found]


def test_what_can_be_done_today_comes_first_and_late_money_behind_in_one_line_a_customer(world):
    due(world)
    contract = due(world)
    customer = world.approved("sales")
    day = dt.timedelta(days=1)
    with world.acting("sales"):
        for at in (world.now - 2 * day, world.now + dt.timedelta(minutes=1)):
            plan = {"customer_id": customer, "due_at": at, "kind": FollowUpKind.call}
            world.create(FollowUpPlan, **plan, owner_id=world.id_of("sales"))
    with world.acting("admin"):
        line, table = PaymentPlan.__table__, Contract.__table__
        ask = world.session.connection().execute
        first = ask(sa.select(line.c.contract_id).where(line.c.contract_id != contract)).scalar()
        buyer = ask(sa.select(table.c.customer_id).where(table.c.id == first)).scalar_one()
        ask(sa.update(table).where(table.c.id == contract).values(customer_id=buyer))
        order = Order.__table__  # the database keeps an order with its contract's customer
        ask(sa.update(order).where(order.c.contract_id == contract).values(customer_id=buyer))

    everything = agenda.agenda(world.session, world.be("sales"), now=world.now)

    found = [item for item in everything if item.kind != "milestone"]
    assert [(one.kind, one.due_on < world.now.date()) for one in found] == [
        ("plan", False), ("plan", True), ("late", True),
    ]  # fmt: skip
    late = found[-1]
    assert (late.count, late.amount, late.customer_id) == (2, 200_000_00, buyer)


def test_the_list_is_what_the_role_can_do(world):
    contract = due(world)
    pay(world, contract, 1_00, verb=None)
    with world.acting("sales"):
        world.create(
            Invoice, contract_id=contract, amount=5_00, title="买方", type=InvoiceType.general
        )
    due(world, signed_on=today(world.now), deliver_on=today(world.now))

    assert sorted(kinds(world, "finance", wide=True)) == ["instalment", "invoice", "payment"]
    assert "instalment" in kinds(world, "office", wide=True)
    assert "late" not in kinds(world, "office", wide=True)  # the tile tells the sum of everybody's
    assert sorted({*kinds(world, "sales")}) == ["instalment", "late", "milestone"]
    assert kinds(world, "analyst", wide=True) == kinds(world, "reviewer", wide=True) == []
    assert kinds(world, "manager") == []


def test_the_home_page_leads_on_for_every_role(small):
    draft, customer = small.customer("sales"), small.approved("sales")
    with small.acting("sales"):
        plan = {"customer_id": customer, "due_at": small.now, "kind": FollowUpKind.call}
        small.create(FollowUpPlan, **plan, owner_id=small.id_of("sales"))
    due(small)
    doors = Doors(small)
    for who in ("admin", "office", "sales", "manager", "finance", "analyst", "reviewer"):
        opened = set()
        for address in ("/admin/", "/admin/?all=1", "/admin/?whose=own"):
            page = doors.get(who, address)
            assert page.status_code == 200, (who, address)
            for link in re.findall(r'<a class="(?:card tile|btn sm)" href="([^"]+)"', page.text):
                if link in opened:
                    continue
                opened.add(link)
                answer = doors.get(who, html.unescape(link))
                assert answer.status_code == 200, (who, link)
    assert f"/admin/customer/edit/?id={draft}" in doors.get("sales", "/admin/?all=1").text
    assert f"/admin/customer/edit/?id={draft}" not in doors.get("sales", "/admin/").text
    whole, own = (doors.get("manager", f"/admin/{more}").text for more in ("", "?whose=own"))
    assert f"/admin/followup/new/?customer_id={customer}" in whole
    assert f"/admin/followup/new/?customer_id={customer}" not in own


def test_the_head_of_the_home_page_tells_decisions_besides_what_is_to_do(small):
    doors = Doors(small)
    head = re.compile(r"<h1>.*?</p>", re.DOTALL)
    assert "待我处理" not in head.search(doors.get("reviewer", "/admin/").text)[0]
    for name in ("宜昌水泵", "荆州水泵"):
        small.submitted(company=name)

    assert "待我处理 2 项" in head.search(doors.get("reviewer", "/admin/").text)[0]
    doors.get("reviewer", "/lang/en")
    assert "2 waiting for my decision" in head.search(doors.get("reviewer", "/admin/").text)[0]


def test_the_timeline_says_in_english_what_was_done(small):
    key = small.approved()
    doors = Doors(small)
    doors.get("sales", "/lang/en")
    page = " ".join(doors.get("sales", f"/admin/customer/details/?id={key}").text.split())

    assert all(f"</b> {word}" in page for word in ("submitted", "approved"))
    assert "</b> Submit" not in page


def test_an_administrator_is_told_what_only_he_can_mend(small):
    doors = Doors(small)
    # On 23 November nothing of the next year stands in the calendar: from 60 days ahead it is told.
    early = doors.get("admin", "/admin/").text
    assert "工作日历即将到期" in early
    assert "后台服务没有运行" in early
    assert early.count("待修复") == 2
    with small.acting("admin"):
        records.create(small.call, CalendarDay, {"day": dt.date(2027, 1, 1), "workday": False})
    quiet = doors.get("admin", "/admin/").text
    assert quiet.count("待修复") == quiet.count("后台服务没有运行") == 1
    with small.acting("admin"):
        user = small.session.get_one(User, small.id_of("sales2"))
        user.department_id = None
        people.set_roles(small.session, user, [], by=small.actor)
        for channel in Channel:
            outbox.enqueue(small.session, "go", {"n": channel.name}, title="t", now=small.now)
        row = Outbox.__table__
        ask = small.session.connection().execute
        ask(sa.update(row).values(state=OutboxState.parked, reason="x"))
        first = ask(sa.select(sa.func.min(row.c.id))).scalar_one()
        ask(sa.update(row).where(row.c.id == first).values(channel=Channel.mail, user_id=user.id))
        for who in ("reviewer", "reviewer2", "admin", "manager", "finance"):
            if who != "admin":
                gone = small.session.get_one(User, small.id_of(who))
                people.set_active(small.call, gone, active=False)

    page = doors.get("admin", "/admin/").text

    told = "后台任务失败 邮件发送失败 人员没有部门 人员没有角色 没有可用的审批人"
    for words in told.split():
        assert words in page
    for link in re.findall(r'<a class="btn sm" href="([^"]+)"', page):
        answer = doors.get("admin", html.unescape(link))
        assert answer.status_code == 200, link
    assert "待修复" not in doors.get("office", "/admin/").text
