"""The demo story holds whatever the clock says: at night, at ends of months and years, on holidays.

By day a short story is told at the hours at which one went wrong or could; `make soak` tells it at
every hour of a day and on the edges of the calendar.
"""

import datetime as dt

import pytest
import sqlalchemy as sa

from cli.common import system_session
from models.approval.request import ApprovalRequest
from models.core.base import Model, db
from models.core.types import UtcDateTime
from models.customers.customer import Customer
from models.deals.payment import Payment
from seed.demo import seed_demo
from seed.demo.people import PEOPLE
from seed.reference import seed_reference, seed_roles
from services.core.days import today
from tests.support import clock
from tests.support.visitors import Visitors

COUNT = 50  # of 300 customers: every fate occurs, some have contracts that are paid
WHO = sorted({role: account for account, _name, role, *_rest in reversed(PEOPLE)}.values())
CRITICAL = (
    "2026-11-29T00:05",  # a Sunday
    "2026-12-31T23:50",  # the end of a month, a quarter and a year
    "2027-01-01T00:47",  # a holiday, and a new counter year
    "2028-02-29T01:20",
    "2026-10-01T09:30",  # National Day, half an hour after opening
)
HOURS = [f"2026-11-30T{hour:02}:20" for hour in range(24)]
EDGES = [
    f"{day}T{time}"
    for day in (
        "2026-02-17",  # the first and the last day of the Spring Festival
        "2026-02-23",
        "2026-02-28",
        "2026-03-01",
        "2026-03-31",
        "2026-06-30",
        "2026-10-07",
        "2027-12-31",
        "2028-02-29",
        "2028-03-01",
    )
    for time in ("00:00", "10:00", "23:59")
]
AHEAD = {"due_at", "next_at", "deliver_on", "next_attempt_at", "not_before"}  # plans, not the past


def seed_empty(engine):
    """Give roles and reference data, and nobody."""
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    with engine.begin() as connection:
        seed_roles(connection, now)
        seed_reference(connection, now)


def tell(app, now):
    """Tell the story up to an instant."""
    with app.test_request_context():
        session = system_session()
        seed_demo(session, now=now, count=COUNT)
        session.commit()
        db.session.remove()


def check(databases, time):
    with databases.lent("sqlite", seed_empty) as app:
        app.config["TCOS_CLOCK"] = clock.at(time)
        now = app.config["TCOS_CLOCK"]()
        tell(app, now)
        with app.app_context(), db.engine.connect() as connection:
            assert list(ahead(connection, now)) == []
            assert paid_today(connection, now) > 0, "nothing came in today: what would be tested?"
            assert unordered(connection) == 0
        visitors = Visitors(app)
        answers = {who: visitors.get(who, "/admin/").status_code for who in WHO}

    assert answers == dict.fromkeys(WHO, 200)


def ahead(connection, now):
    """Yield the columns that tell of something after the end of the story."""
    for name, table in Model.metadata.tables.items():
        for column in table.c:
            if column.name in AHEAD or not isinstance(column.type, UtcDateTime):
                continue
            last = connection.execute(sa.select(sa.func.max(column))).scalar()
            if last is not None and last > now:
                yield f"{name}.{column.name}", last


def paid_today(connection, now):
    paid = Payment.__table__
    query = sa.select(sa.func.count()).where(paid.c.paid_on == today(now))
    return connection.execute(query).scalar()


def unordered(connection):
    """Return how many requests were asked before their record was there, or decided before."""
    request, customer = ApprovalRequest.__table__, Customer.__table__
    mine = sa.and_(request.c.noun == "customer", request.c.record_id == customer.c.id)
    query = sa.select(sa.func.count()).select_from(request.join(customer, mine))
    early = request.c.submitted_at < customer.c.created_at
    decided = request.c.decided_at < request.c.submitted_at
    return connection.execute(query.where(sa.or_(early, decided))).scalar()


@pytest.mark.parametrize("time", CRITICAL)
def test_the_story_can_be_told_at_a_critical_time_and_everybody_has_a_home_page(databases, time):
    check(databases, time)


@pytest.mark.soak
@pytest.mark.parametrize("time", [*HOURS, *EDGES])
def test_the_story_can_be_told_at_any_time_and_everybody_has_a_home_page(databases, time):
    check(databases, time)
