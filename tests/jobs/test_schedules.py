"""Schedules tell once, however often and whenever they run."""

import datetime as dt

import sqlalchemy as sa

from jobs.schedules import remind_due, tell_overdue
from models.delivery.notification import NoticeKind, Notification
from models.delivery.outbox import Outbox
from models.people.user import User
from models.sales.follow_up import FollowUpKind
from models.sales.plan import FollowUpPlan
from services.core.days import ZONE
from services.delivery import notices
from services.rights.actor import SYSTEM


def at(day, hour):
    return dt.datetime(2026, 11, day, hour, tzinfo=ZONE)


def planned(world, due):
    key = world.approved()
    with world.acting("sales"):
        return world.create(
            FollowUpPlan,
            customer_id=key,
            due_at=due,
            kind=FollowUpKind.call,
            content="确认方案",
            owner_id=world.actor.id,
        ).id


def told(world, *kinds):
    table, user = Notification.__table__, User.__table__
    rows = world.session.execute(
        sa.select(user.c.name, table.c.kind)
        .join_from(table, user, user.c.id == table.c.user_id)
        .where(table.c.kind.in_(kinds))
        .order_by(table.c.id)
    )
    return [(name, kind.name) for name, kind in rows]


def test_a_due_follow_up_is_told_once_per_date_from_the_morning_on(world):
    key = planned(world, at(25, 15))
    world.be(SYSTEM)

    assert remind_due(world.session, now=at(24, 12)) == 0
    assert remind_due(world.session, now=at(25, 7)) == 0
    assert remind_due(world.session, now=at(25, 9)) == 1
    assert remind_due(world.session, now=at(25, 9)) == 0
    assert remind_due(world.session, now=at(26, 9)) == 0
    plan = world.get(FollowUpPlan, key)
    plan.due_at = at(27, 10)
    world.session.flush()
    assert remind_due(world.session, now=at(27, 9)) == 1
    assert told(world, NoticeKind.reminder) == [("sales", "reminder")] * 2


def test_a_worker_that_was_away_still_reminds_but_not_of_old_times(world):
    planned(world, at(25, 15))
    world.be(SYSTEM)

    assert remind_due(world.session, now=at(28, 9)) == 1
    planned(world, at(25, 16))
    world.be(SYSTEM)
    assert remind_due(world.session, now=dt.datetime(2026, 12, 20, 9, tzinfo=ZONE)) == 0


def test_an_overdue_step_reminds_the_assignee_and_then_his_manager_or_the_admin(world):
    with world.acting("admin"):
        user = world.session.get_one(User, world.id_of("reviewer"))
        user.manager_id = world.id_of("manager")
    world.submitted()  # Monday 10:00, eight working hours: due on Tuesday at 10:00
    world.be(SYSTEM)
    kinds = (NoticeKind.overdue, NoticeKind.escalation)

    assert tell_overdue(world.session, now=at(24, 9)) == 0
    assert tell_overdue(world.session, now=at(24, 11)) == 2
    assert tell_overdue(world.session, now=at(24, 11)) == 0
    assert told(world, *kinds) == [("reviewer", "overdue"), ("reviewer2", "overdue")]
    assert tell_overdue(world.session, now=at(25, 12)) == 2
    assert told(world, *kinds)[2:] == [("manager", "escalation"), ("admin", "escalation")]


def test_a_told_story_is_the_past(world):
    _key, _request = world.submitted()
    world.be(SYSTEM)

    notices.settle_history(world.session, now=world.now + dt.timedelta(days=3))

    notice, mail = Notification.__table__, Outbox.__table__
    assert world.session.execute(sa.select(sa.func.count()).select_from(mail)).scalar() == 0
    unread = sa.select(sa.func.count()).select_from(notice).where(notice.c.read_at.is_(None))
    assert world.session.execute(unread).scalar() == 0
