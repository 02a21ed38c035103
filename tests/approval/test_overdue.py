"""Nothing freezes: overdue steps are reminded of and handed up, once, with an event each."""

import datetime as dt

import sqlalchemy as sa

from jobs.schedules import tell_overdue
from models.approval.flow import ApproverKind, StepMode
from models.approval.request import Decision
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.delivery.notification import NoticeKind, Notification
from models.people.user import User
from services import approval
from services.core.days import ZONE
from services.rights.actor import SYSTEM
from tests.approval.flows import act, events, flow, state, turn


def at(day, hour):
    return dt.datetime(2026, 11, day, hour, tzinfo=ZONE)


def led(world, who, above):
    with world.acting("admin"):
        user = world.session.get_one(User, world.id_of(who))
        user.manager_id = world.id_of(above)


def tick(world, now):
    """Let the worker look at the clock; committed."""
    with world.acting(SYSTEM):
        return tell_overdue(world.session, now=now)


def late(world):
    """Let the worker come late: it reminds first, and hands up when that was in vain."""
    assert [tick(world, at(24, hour)) for hour in (11, 11, 14)] == [1, 0, 1]


def notices(world, kind):
    table, user = Notification.__table__, User.__table__
    return world.session.execute(
        sa.select(user.c.name)
        .join_from(table, user, user.c.id == table.c.user_id)
        .where(table.c.kind == kind)
        .order_by(table.c.id)
    ).scalars().all()  # fmt: skip


def test_the_superior_gets_it_beside_the_late_one_and_once(world):
    led(world, "reviewer", "manager")
    flow(world, {"people": ["reviewer"], "due_hours": 8, "escalate_hours": 2})
    _key, request_id = world.submitted()  # Monday 10:00: due on Tuesday at 10:00

    ticks = [tick(world, at(24, hour)) for hour in (9, 11, 11, 14, 15, 15)]

    assert ticks == [0, 1, 0, 0, 1, 0]  # two working hours after the reminder
    assert events(world, request_id) == ["submit", "remind", "escalate"]
    assert turn(world, request_id) == ["reviewer", "manager"]
    assert notices(world, NoticeKind.escalation) == ["manager"]
    assert world.decided(request_id, who="manager") is Approval.approved


def test_escalation_waits_in_working_time(world):
    led(world, "reviewer", "manager")
    flow(world, {"people": ["reviewer"], "due_hours": 32, "escalate_hours": 8})
    _key, request_id = (
        world.submitted()
    )  # due on Friday at 10:00, reminded of at 12:00, handed up on Monday at 12:00

    assert [tick(world, at(day, 12)) for day in (27, 28, 29)] == [1, 0, 0]
    assert turn(world, request_id) == ["reviewer"]
    assert [tick(world, at(30, hour)) for hour in (11, 13)] == [0, 1]


def test_a_step_that_says_so_is_reminded_of_only(world):
    led(world, "reviewer", "manager")
    flow(world, {"people": ["reviewer"], "due_hours": 1, "escalate": False})
    _key, request_id = world.submitted()

    ticks = [tick(world, at(24, hour)) for hour in (11, 12, 17)]

    assert ticks == [1, 0, 0]
    assert events(world, request_id) == ["submit", "remind"]


def test_where_all_must_agree_the_superior_takes_the_late_ones_place(world):
    led(world, "reviewer", "manager")
    led(world, "finance", "admin")
    flow(
        world,
        {"people": ["reviewer", "finance"], "mode": StepMode.all, "due_hours": 1},
        {"people": ["admin"]},
    )
    _key, request_id = world.submitted()
    world.decided(request_id, who="finance")

    late(world)

    assert turn(world, request_id) == ["manager"]
    world.decided(request_id, who="manager")
    assert turn(world, request_id) == ["admin"]


def test_whoever_waited_for_the_late_one_waits_for_his_superior(world):
    led(world, "reviewer", "manager")
    flow(world, {"people": ["reviewer", "finance"], "mode": StepMode.turn, "due_hours": 1})
    _key, request_id = world.submitted()

    late(world)

    assert turn(world, request_id) == ["manager"]
    world.decided(request_id, who="manager")
    assert turn(world, request_id) == ["finance"]
    assert world.decided(request_id, who="finance") is Approval.approved


def test_nobody_is_handed_his_own_submission(world):
    led(world, "reviewer", "manager")
    flow(world, {"people": ["reviewer"], "due_hours": 1})
    _key, request_id = world.submitted("manager")

    late(world)

    assert turn(world, request_id) == ["admin", "reviewer"]


def test_what_was_decided_is_not_handed_up(world):
    flow(world, {"people": ["reviewer"], "due_hours": 1})
    _key, request_id = world.submitted()
    tick(world, at(23, 12))
    world.decided(request_id)

    assert tick(world, at(25, 11)) == 0
    assert events(world, request_id) == ["submit", "remind", "approve"]


def test_an_approval_can_be_taken_back_after_the_next_step_was_handed_up(world):
    led(world, "finance", "manager")
    flow(world, {"people": ["reviewer"]}, {"people": ["finance"], "due_hours": 1})
    _key, request_id = world.submitted()
    world.decided(request_id)
    late(world)

    act(world, "reviewer", "take_back", request_id)

    assert turn(world, request_id) == ["reviewer"]
    assert state(world, request_id) is Approval.pending


def test_without_an_approver_the_admin_gets_it_and_is_told_why(world):
    flow(world, {"kind": ApproverKind.head})
    _key, request_id = world.submitted()

    assert turn(world, request_id) == ["admin"]
    assert events(world, request_id) == ["submit", "no_approver"]
    assert notices(world, NoticeKind.no_approver) == ["admin"]
    assert notices(world, NoticeKind.task) == []


def test_the_timeline_shows_that_nobody_was_found(world):
    flow(world, {"kind": ApproverKind.head})
    key, request_id = world.submitted()

    world.be("sales")
    (found,) = approval.timeline(world.session, world.get(Customer, key))

    last = found.events[-1]
    assert (last.decision, last.actor) == (Decision.no_approver, None)
    assert last.target == "admin"
    assert found.id == request_id
