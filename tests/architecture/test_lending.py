"""The tests' own house: what is lent to a test again is as new, and two tests never share."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.customers.customer import Customer
from tests.support import clock, ready
from tests.support.world import World


def customers(app):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(sa.select(Customer.__table__.c.company)).scalars().all()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_application_lent_again_remembers_nothing(databases, kind):
    with databases.lent(kind) as first:
        with World(first) as world:
            world.customer("sales", company="光谷")
        first.config["TCOS_SMTP_URL"] = "smtp://nowhere"
        first.extensions["attachment_hint"] = {"until": 1e12, "most": 1}
        first.extensions["queue"].now["mails"]()
        assert customers(first) == ["光谷"]
        assert first.extensions["queue"].huey.pending_count() == 1

    with databases.lent(kind) as again:
        assert again is first, "made anew: each one takes a fifth of a second"
        assert customers(again) == []
        assert again.config["TCOS_SMTP_URL"] == ""
        assert "attachment_hint" not in again.extensions
        assert again.extensions["queue"].huey.pending_count() == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_two_at_once_have_an_application_and_a_database_each(databases, kind):
    with databases.lent(kind) as one, databases.lent(kind) as two:
        with World(two) as world:
            world.customer("sales", company="光谷")

        assert one is not two
        assert (customers(one), customers(two)) == ([], ["光谷"])


def test_a_seed_is_told_once_and_copied(databases):
    told = []

    def one_department(engine):
        told.append(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE department SET name = name")

    with databases.lent("sqlite", one_department), databases.lent("sqlite", one_department):
        assert len(told) == 1


def test_a_program_of_the_product_has_the_time_of_the_tests():
    words = ["-c", "from services.core import clock; print(clock.system().isoformat())"]
    before = clock.now()
    status, out, error = ready.PRODUCT.run(words)

    assert status == 0, error
    assert before <= dt.datetime.fromisoformat(out.strip()) <= clock.now()
