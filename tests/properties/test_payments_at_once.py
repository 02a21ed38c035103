"""Payments that several people register and confirm at once on one contract: none is lost."""

import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from models.core.base import db
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentAllocation
from models.deals.payment_plan import PaymentPlan
from services.deals import payment
from services.deals.payment import received
from services.records import records
from tests.support.world import World, seed_people

TODAY = dt.date(2026, 11, 23)
PAYERS, EACH = 4, 6


def test_payments_that_come_at_once_lose_nothing(databases):
    """Registered and confirmed by several at the same time on one contract, some given back."""
    with databases.lent("postgres", seed_people) as app:
        with World(app) as world:
            plan = [{"amount": 10_00, "due_on": TODAY} for _n in range(5)]
            key = world.contract(world.approved(), amount=50_00, plan=plan)
            world.approved(model=Contract, key=key)
        start = threading.Barrier(PAYERS)

        def pay(who):
            start.wait()
            done = 0
            for n in range(EACH):
                with World(app) as own, own.acting("finance"):
                    values = {"contract_id": key, "paid_on": TODAY, "amount": 3_00 + who + n}
                    made = own.create(Payment, **values)
                    payment.confirm(own.call, made)
                    done += made.amount
                    if n % 3 == 2:
                        payment.reverse(own.call, made)
                        done -= made.amount
            return done

        with ThreadPoolExecutor(PAYERS) as pool:
            whole = sum(pool.map(pay, range(PAYERS)))
        with World(app) as world:
            world.be("finance")
            lines = world.session.scalars(sa.select(PaymentPlan).order_by(PaymentPlan.ordinal))
            settled = [line.settled for line in lines]
            assert received(world.session, key) == whole
    assert sum(settled) == min(whole, 50_00)
    assert settled == sorted(settled, reverse=True)


def test_money_corrected_at_once_is_laid_one_after_the_other(databases):
    """Who corrects a payment waits for the other's before it lays its own beside it."""
    with databases.lent("postgres", seed_people) as app:
        with World(app) as world:
            plan = [{"amount": 10_00, "due_on": TODAY} for _n in range(2)]
            key = world.contract(world.approved(), amount=20_00, plan=plan)
            world.approved(model=Contract, key=key)
            values = {"contract_id": key, "paid_on": TODAY, "amount": 1_00}
            with world.acting("finance"):
                first, other = (world.create(Payment, **values).id for _n in range(2))
        written = threading.Event()

        def mend(own, payment_key, amount):
            record = own.get(Payment, payment_key)
            records.update(own.call, record, {"amount": amount}, seen=None)

        def second():
            written.wait()
            with World(app) as own, own.acting("finance"):
                mend(own, other, 9_00)

        with ThreadPoolExecutor(1) as pool, World(app) as own:
            with own.acting("finance"):
                later = pool.submit(second)
                mend(own, first, 10_00)
                written.set()
                assert waits(app)
            later.result()
        with World(app) as world:
            world.be("finance")
            part = PaymentAllocation.__table__
            rows = sa.select(part.c.plan_id, sa.func.sum(part.c.amount)).group_by(part.c.plan_id)
            laid = dict(world.session.execute(rows).all())
    assert sorted(laid.values()) == [9_00, 10_00]


def waits(app):
    """Tell whether somebody comes to wait for a lock of another one, asked again and again."""
    asked = sa.text("SELECT COUNT(*) FROM pg_locks WHERE NOT granted")
    ends = time.monotonic() + 20
    with app.app_context(), db.engine.connect() as connection:
        while time.monotonic() < ends:
            if connection.execute(asked).scalar_one():
                return True
            connection.rollback()
    return False
