"""A volume keeps its proportions and the rules of the schema, and the numbers go on after it."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentAllocation
from models.deals.payment_plan import PaymentPlan
from models.sales.follow_up import FollowUp
from seed.volume import seed_volume
from services.core import numbers
from services.core.days import today
from tests.support.world import make_app

NOW = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)
CUSTOMERS = 500


def fill(app, customers=CUSTOMERS):
    heard = []
    with app.app_context(), db.engine.begin() as connection:
        made = seed_volume(
            connection,
            customers=customers,
            years=5,
            seed=7,
            now=NOW,
            tell=lambda *step: heard.append(step),
        )
    return made, heard


def ask(app, query):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(query).all()


def test_proportions_are_those_of_a_real_company(app):
    made, heard = fill(app)

    assert heard == [(CUSTOMERS, CUSTOMERS)]
    assert made["customer"] == CUSTOMERS
    for noun, ratio in (("followup", 5), ("opportunity", 1.5), ("contract", 0.7), ("payment", 2)):
        assert made[noun] / CUSTOMERS == pytest.approx(ratio, rel=0.15), noun


def test_sums_agree_and_what_is_entered_by_hand_follows_on(app):
    fill(app)

    plan, part = PaymentPlan.__table__, PaymentAllocation.__table__
    contract = Contract.__table__
    planned = sa.select(sa.func.sum(plan.c.amount)).where(plan.c.contract_id == contract.c.id)
    assert not ask(app, sa.select(contract).where(contract.c.amount != planned.scalar_subquery()))
    settled = sa.select(sa.func.sum(part.c.amount)).where(part.c.plan_id == plan.c.id)
    assert not ask(app, sa.select(plan).where(settled.scalar_subquery() > plan.c.amount))
    with app.app_context():
        session = db.session()
        code = numbers.allocate(session, "contract", on=today(NOW))
        whole = session.execute(sa.select(sa.func.count()).select_from(contract)).scalar_one()
    assert code == f"YAV-HT-20261123-{whole + 1}"


def test_the_same_seed_gives_the_same_rows(lite, databases):
    with databases.fresh("sqlite") as url:
        other = make_app(url)
        fill(lite, 60)
        fill(other, 60)

        for model in (Customer, FollowUp, Payment):
            query = sa.select(model.__table__)
            assert ask(lite, query) == ask(other, query)


def test_the_database_counts_on_after_the_given_keys(world):
    fill(world.app, 60)

    assert world.customer("sales") > 60


def test_volume_passes_the_foreign_keys_and_checks_of_sqlite(lite):
    fill(lite, 60)

    with lite.app_context(), db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
