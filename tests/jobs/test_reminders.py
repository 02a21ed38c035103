"""Reminders of instalments: before, and 1, 7 and 30 days late, once each, while money is open."""

import datetime as dt

import sqlalchemy as sa

from models.core.setting import Setting
from models.deals.contract import Contract
from models.deals.payment import Payment
from models.delivery.notification import NoticeKind, Notification
from services.core.days import ZONE
from services.deals import payment, reminders
from services.rights.actor import SYSTEM

DUE = dt.date(2026, 12, 1)


def at(days):
    return dt.datetime.combine(DUE + dt.timedelta(days=days), dt.time(9), ZONE)


def running(world):
    plan = [{"ratio_bp": 5000, "due_on": DUE}, {"ratio_bp": 5000, "due_on": dt.date(2027, 12, 1)}]
    return world.approved(model=Contract, key=world.contract(world.approved(), plan=plan))


def remind(world, day):
    with world.acting(SYSTEM):
        return reminders.remind(world.session, now=at(day))


def titles(world):
    table = Notification.__table__
    query = sa.select(table.c.title).where(table.c.kind == NoticeKind.instalment)
    return world.session.execute(query.order_by(table.c.id)).scalars().all()


def paid(world, contract, amount, day):
    with world.acting("sales"):
        values = {"contract_id": contract, "paid_on": day, "amount": amount}
        key = world.create(Payment, **values).id
    with world.acting("finance"):
        payment.confirm(world.call, world.get(Payment, key))


def test_an_open_instalment_is_told_four_times_and_no_more(world):
    running(world)

    told = [day for day in range(-20, 60) for _twice in range(2) if remind(world, day)]

    assert told == [-7, 1, 7, 30]
    assert titles(world)[0].endswith("1 · 2026-12-01 · ¥50,000.00")


def test_a_worker_that_was_away_tells_the_last_one_only(small):
    running(small)

    assert [remind(small, 10), remind(small, 10), remind(small, 29)] == [1, 0, 0]
    assert remind(small, 60) == 0


def test_what_is_paid_or_switched_off_is_not_told(world):
    contract = running(world)
    with world.acting("admin"):
        world.session.add(Setting(key="collection.remind_days", value=0))
    assert [remind(world, -7), remind(world, 1)] == [0, 1]

    paid(world, contract, 20_000_00, dt.date(2026, 11, 22))
    assert remind(world, 7) == 1
    assert titles(world)[-1].endswith("¥30,000.00")

    paid(world, contract, 30_000_00, dt.date(2026, 11, 21))
    assert remind(world, 30) == 0
