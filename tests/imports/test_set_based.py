"""What is written many rows in a statement is what the form's rules leave, one by one."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.customers.customer import Customer, CustomerStatus
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentMethod
from models.sales.follow_up import FollowUp, FollowUpKind
from services.core.days import ZONE
from services.deals import payment
from tests.support.imports import run, table
from tests.support.world import World

CONTRACTS = """approval = "approved"
source = "x"
[[files]]
[[files.entities]]
entity = "customer"
keys = ["external_ref"]
distinct = true
fields = {external_ref = "co", company = "co", owner_id = "who"}
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "no"
name = "no"
customer_id = "co"
owner_id = "who"
signed_on = "day"
amount = "sum"
[files.entities.lines.plan]
due_on = "due"
amount = "part"
"""
PAYMENTS = """approval = "approved"
source = "x"
[[files]]
[[files.entities]]
entity = "payment"
[files.entities.fields]
contract_id = {column = "no", by = "external_ref"}
paid_on = "day"
amount = "sum"
method = "how"
remark = "note"
"""
METHODS = {
    "电汇": PaymentMethod.wire,
    "现金": PaymentMethod.cash,
    "支票": PaymentMethod.cheque,
    "微信": PaymentMethod.wechat,
}
TERMS = [
    ("甲公司", "sales", "A1", "2020-01-02", "100", "2020-02-01", "40"),
    ("甲公司", "sales", "A1", "2020-01-02", "100", "2020-03-01", "60"),
    ("乙公司", "sales2", "B1", "2020-01-03", "50", "2020-02-01", "50"),
]
# Out of the order of days, more than is due, money given back.
PAID = [
    ("A1", "2020-03-05", "30", "电汇", ""),
    ("B1", "2020-02-05", "20", "", "备注"),
    ("A1", "2020-02-05", "50", "现金", ""),
    ("B1", "2020-02-06", "45", "支票", ""),
    ("A1", "2020-02-01", "5.55", "微信", ""),
    ("B1", "2020-02-07", "-10", "电汇", ""),
]
MORE = [("A1", "2020-04-05", "7", "", ""), ("B1", "2020-04-05", "8", "", "")]
SAID = """SELECT p.code, p.paid_on, p.amount, p.method, p.state, p.remark,
    p.owner_department_id, u.name, c.name, k.name, i.due_on, a.amount
    FROM payment p JOIN contract c ON c.id = p.contract_id JOIN customer k ON k.id = p.customer_id
    JOIN user_account u ON u.id = p.owner_id LEFT JOIN payment_allocation a ON a.payment_id = p.id
    LEFT JOIN payment_plan i ON i.id = a.plan_id"""


def ready(app):
    with World(app) as world:
        head = ("co", "who", "no", "day", "sum", "due", "part")
        run(world, [("a.csv", table(head, *TERMS))], CONTRACTS)


def said(app):
    """Return every payment with each share of it, keys and times aside."""
    with app.app_context(), db.engine.connect() as connection:
        return sorted(map(str, connection.execute(sa.text(SAID.replace("k.name", "k.company")))))


def by_form(app, *, confirmed=True):
    """Register the payments as people do, and confirm them."""
    with World(app) as world:
        for name, day, amount, how, note in PAID + MORE:
            if not confirmed and amount.startswith("-"):
                continue  # by the form a refund waits until the money is confirmed
            contract = world.session.scalar(sa.select(Contract.id).where(Contract.name == name))
            values = {"method": METHODS[how]} if how else {}
            one = world.create(
                Payment,
                contract_id=contract,
                paid_on=dt.date.fromisoformat(day),
                amount=round(float(amount) * 100),
                remark=note or None,
                **values,
            )
            if confirmed:
                payment.confirm(world.call, one)
            world.session.commit()


@pytest.mark.parametrize("approval", ["approved", "draft"])
def test_payments_of_a_file_are_those_written_one_by_one(app, databases, approval):
    ready(app)
    head, how = ("no", "day", "sum", "how", "note"), PAYMENTS.replace("approved", approval)
    with World(app) as world:
        for name, rows in (("p.csv", PAID), ("q.csv", MORE)):
            told = [one for one in rows if approval == "approved" or one[2][0] != "-"]
            run(world, [(name, table(head, *told))], how)
    with databases.lent(kind_of(app)) as other:
        ready(other)
        by_form(other, confirmed=approval == "approved")

        assert said(app) == said(other)
        registered = dict.fromkeys(range(1, len(PAID + MORE)), 1)  # the form left the refund out
        confirmed = dict.fromkeys(range(1, len(PAID + MORE) + 1), 2)
        assert versions(other, "payment") == (registered if approval == "draft" else confirmed)
    # Written once: confirmed as they come. The refund and what follows it are made by the form.
    byform = {6: 2, 8: 2} if approval == "approved" else {}
    assert versions(app, "payment") == registered | ({8: 1} | byform if byform else {})
    assert len(said(app)) == {"approved": 9, "draft": 8}[approval]  # one is laid on two instalments


def versions(app, name):
    """Return the keys of a table, from 1 on → how often each row was written."""
    with app.app_context(), db.engine.connect() as connection:
        rows = connection.execute(sa.text(f"SELECT row_version FROM {name} ORDER BY id"))
        return dict(enumerate(rows.scalars(), 1))


def kind_of(app):
    """Return the kind of database of an application."""
    kind = app.config["SQLALCHEMY_DATABASE_URI"].split(":")[0].split("+")[0]
    return "sqlite" if kind == "sqlite" else "postgres"


TALKS = """approval = "draft"
[[files]]
[[files.entities]]
entity = "followup"
[files.entities.fields]
customer_id = "co"
at = "day"
content = "text"
kind = {value = "电话"}
owner_id = "who"
status_to = "to"
next_at = "next"
"""
# Of a past and of today, each moving something; the second closes what the first left.
TALKED = [
    ("甲公司", "2020-02-01 09:00", "一", "sales", "", "2020-03-01"),
    ("乙公司", "2020-02-01 09:00", "二", "sales2", "有意向", ""),
    ("甲公司", "2020-02-05 09:00", "三", "sales2", "", ""),
    ("甲公司", "2026-11-23 09:00", "四", "sales", "洽谈中", "2026-12-01"),
    ("甲公司", "2026-11-23 09:30", "五", "sales", "", "2026-12-02"),
    ("乙公司", "2020-01-01 09:00", "六", "sales", "", "2026-12-03"),
]
FOLLOWED = """SELECT f.content, f.kind, f.at, f.status_to, f.origin, f.owner_department_id, u.name,
    c.company, c.status, p.due_at, p.kind, p.done_at, d.content, m.content
    FROM follow_up f JOIN customer c ON c.id = f.customer_id
    JOIN user_account u ON u.id = f.owner_id
    LEFT JOIN follow_up_plan p ON p.customer_id = f.customer_id
    LEFT JOIN follow_up d ON d.id = p.done_by_id LEFT JOIN follow_up m ON m.id = p.made_by_id"""


def test_follow_ups_of_a_file_move_what_those_of_the_form_move(app, databases):
    head = ("co", "day", "text", "who", "to", "next")
    ready(app)
    with World(app) as world:
        run(world, [("f.csv", table(head, *TALKED))], TALKS)
    with databases.lent(kind_of(app)) as other:
        ready(other)
        with World(other) as world:
            for one in TALKED:
                talk(world, one)

        assert facts(app) == facts(other)
        assert versions(other, "customer") == {1: 3, 2: 2}
        assert versions(other, "follow_up") == dict.fromkeys(range(1, 7), 1)
    assert versions(app, "customer") == {1: 2, 2: 2}  # one piece writes a customer once
    assert versions(app, "follow_up") == dict.fromkeys(range(1, 7), 1)
    assert len(facts(app)) == 14  # 3 plans beside 4 follow-ups of one customer, 1 beside 2


def talk(world, told):
    company, day, text, who, to, due = told
    at = dt.datetime.fromisoformat(day).replace(tzinfo=ZONE)
    status = {"有意向": CustomerStatus.intent, "洽谈中": CustomerStatus.negotiating}.get(to)
    values = {"next_at": dt.datetime.fromisoformat(due).replace(tzinfo=ZONE)} if due else {}
    world.create(
        FollowUp,
        customer_id=world.session.scalar(sa.select(Customer.id).where(Customer.company == company)),
        at=at,
        content=text,
        kind=FollowUpKind.call,
        owner_id=world.id_of(who),
        status_to=status,
        **values,
    )
    world.session.commit()


def facts(app):
    """Return follow-ups with customer and plans."""
    with app.app_context(), db.engine.connect() as connection:
        rows = connection.execute(sa.text(FOLLOWED))
        return sorted(str(tuple(row)) for row in rows)
