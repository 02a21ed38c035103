"""Law 7: one home of the next date; visits check in and close their plan."""

import datetime as dt

import pytest
import sqlalchemy as sa

from jobs.deliver import letter_of
from jobs.schedules import tend_pool
from models.customers.customer import Customer, Level
from models.delivery.notification import NoticeKind, Notification
from models.delivery.outbox import Channel, Outbox
from models.people.user import Language, User
from models.sales.follow_up import FollowUp, FollowUpKind
from models.sales.plan import FollowUpPlan
from services.core.errors import Invalid, Locked
from services.rights.actor import SYSTEM
from services.sales import follow_up
from tests.support import clock
from tests.support.world import World, count_queries, login, token_of

HOUR = dt.timedelta(hours=1)


def planned(world, **changes):
    key = world.approved()
    with world.acting("sales"):
        values = {"customer_id": key, "due_at": world.now + HOUR, "kind": FollowUpKind.visit}
        return key, world.create(FollowUpPlan, **(values | changes)).id


def open_plans(world, key):
    plan = FollowUpPlan
    query = sa.select(plan).where(plan.customer_id == key, plan.done_at.is_(None))
    return world.session.scalars(query).all()


def test_a_follow_up_closes_the_plan_and_its_next_date_is_the_only_new_one(world):
    key, _plan = planned(world)

    with world.acting("sales"):
        world.create(FollowUp, customer_id=key, content="去了", next_at=world.now + 9 * HOUR)
    world.be("sales")
    assert [p.due_at for p in open_plans(world, key)] == [world.now + 9 * HOUR]

    with world.acting("sales"):
        world.create(FollowUp, customer_id=key, content="又去了")
    world.be("sales")
    assert open_plans(world, key) == []


def test_a_salesperson_writes_no_follow_up_in_a_colleague_s_name(world):
    key = world.approved()
    other = world.id_of("sales2")
    with pytest.raises(Invalid) as refusal, world.acting("sales"):
        world.create(FollowUp, customer_id=key, content="去了", owner_id=other)
    assert set(refusal.value.errors) == {"owner_id"}

    mine = world.id_of("sales")
    for who in ("sales", "manager", "office"):
        with world.acting(who):
            found = world.create(FollowUp, customer_id=key, content="去了", owner_id=mine)
            assert found.owner_id == mine


def test_a_check_in_is_a_visit_with_time_and_place_and_closes_the_plan(world):
    key, plan = planned(world, content="带样品")

    with world.acting("sales"):
        found = follow_up.check_in(
            world.call, world.get(FollowUpPlan, plan), at=(30.5, 114.4), place="光谷大道 77 号"
        ).id

    world.be("sales")
    visit = world.get(FollowUp, found)
    assert (visit.kind, visit.content, visit.place) == (
        FollowUpKind.visit,
        "带样品",
        "光谷大道 77 号",
    )
    assert (visit.latitude, visit.longitude) == (30.5, 114.4)
    assert visit.started_at == visit.checked_in_at == world.now
    assert open_plans(world, key) == []
    with pytest.raises(Locked):
        follow_up.check_in(world.call, world.get(FollowUpPlan, plan), at=None, place=None)


def test_a_place_off_the_earth_is_refused(world):
    _key, plan = planned(world)

    world.be("sales")
    with pytest.raises(Invalid):
        follow_up.check_in(world.call, world.get(FollowUpPlan, plan), at=(91.0, 0.0), place=None)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("plan/calendar/?month=9999-12", 200),
        ("plan/calendar/?month=0001-01", 200),
        ("cc/?to=9999-12-31", 422),
        ("cc/?from=0001-01-01", 422),
        ("followup/?f.at=ge:0001-01-01", 200),
        ("followup/?f.at=lt:9999-12-31", 200),
    ],
)
def test_the_first_and_the_last_date_there_is_break_no_page(world, address, status):
    client = world.app.test_client()
    login(client, "sales")

    assert client.get(f"/admin/{address}").status_code == status


def test_the_calendar_shows_today_and_overdue_and_checks_in_without_a_script(lite):
    with World(lite) as world:
        world.now = clock.now() - dt.timedelta(days=3)
        _key, plan = planned(world, content="带样品")
    client = lite.test_client()
    login(client, "sales")
    with count_queries(lite) as statements:
        page = client.get("/admin/plan/calendar/").get_data(as_text=True)

    data = {"csrf_token": token_of(page), "id": plan, "latitude": "", "longitude": ""}
    answer = client.post("/admin/plan/checkin/", data=data)

    assert "带样品" in page.split('id="late"')[1].split('id="today"')[0]
    assert len(statements) <= 15
    assert answer.status_code == 303
    assert "/admin/followup/edit/" in answer.location
    assert client.get("/admin/plan/calendar/?month=x").status_code == 200


def test_the_pool_is_told_once_before_and_once_after(small):
    small.approved(level=Level.a)
    small.be(SYSTEM)
    days = dt.timedelta(days=1)

    counts = [tend_pool(small.session, now=small.now + n * days) for n in (20, 28, 28, 29, 31, 31)]

    assert counts == [0, 1, 0, 0, 1, 0]
    customer = small.session.scalars(sa.select(Customer)).one()
    kinds = (NoticeKind.pool_soon, NoticeKind.pool_gone)
    told = sa.select(Notification).where(Notification.kind.in_(kinds))
    before, after = small.session.scalars(told.order_by(Notification.id))
    assert (before.title, after.title) == (f"{customer} 12-23", str(customer))


def test_the_pool_is_told_to_each_in_his_language(app):
    with World(app) as world:
        world.approved(level=Level.a)
        world.be(SYSTEM)
        for n in (28, 31):
            tend_pool(world.session, now=world.now + n * dt.timedelta(days=1))
        world.session.commit()
        mails = world.session.scalars(sa.select(Outbox).where(Outbox.channel == Channel.mail))
        sales = world.session.get_one(User, world.id_of("sales"))
        sales.language = Language.en
        subjects = [letter_of(mail, "https://crm.example.com").subject for mail in mails]
        world.session.commit()
    client = app.test_client()
    login(client, "sales")

    page = client.get("/admin/notice/").get_data(as_text=True)

    for told in ("Returns to the pool soon", "Returned to the pool"):
        assert told in page
        assert any(told in subject for subject in subjects)
    assert "公海" not in page.split("<table", 1)[1].split("</table>", 1)[0]
