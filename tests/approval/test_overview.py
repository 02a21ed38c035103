"""The overview of the queue: counts by person and age, what is late, the median time."""

import datetime as dt

import sqlalchemy as sa

from models.approval.task import ApprovalTask
from services.approval.inbox.decision_times import own_pace
from services.approval.oversight.monitor import Waiting
from services.approval.oversight.overview import Overview, oldest, overview
from services.core.worktime import calendar
from services.rights.actor import SYSTEM
from tests.approval.flows import flow
from tests.support.visitors import Visitors
from tests.support.world import World

DAY = dt.timedelta(days=1)


def wait(world, request, days, *, late=False):
    """Let the open tasks of a request have waited so many days."""
    world.be(SYSTEM)
    task = ApprovalTask.__table__
    due = world.now - DAY if late else world.now + DAY
    world.session.execute(
        sa.update(task)
        .where(task.c.request_id == request)
        .values(created_at=world.now - days * DAY, due_at=due)
    )
    world.session.commit()


def test_open_tasks_are_counted_by_person_and_age(world):
    for days, late in ((0.5, False), (2, False), (10, True)):
        wait(world, world.submitted()[1], days, late=late)
    world.be("admin")

    found = {one.name: one for one in overview(world.session, now=world.now).loads}

    assert found["reviewer"].open == 3
    assert found["reviewer"].ages == dict(zip(Waiting, (1, 1, 0, 1), strict=True))
    assert found["reviewer"].overdue == 1
    assert found["reviewer"].oldest == world.now - 10 * DAY


def test_the_median_is_over_what_was_decided(world):
    for days in (1, 2, 4):
        request = world.submitted()[1]
        wait(world, request, days)
        world.decided(request)
    world.be("admin")

    found = {one.name: one for one in overview(world.session, now=world.now).loads}

    assert (found["reviewer"].decided, found["reviewer"].median_hours) == (3, 1.0)
    assert found["reviewer"].open == 0


def test_the_mean_counts_working_hours_alone(world):
    request = world.submitted()[1]
    wait(world, request, 3)  # from Friday 10:00 to Monday 10:00: one working day
    world.decided(request)
    by = world.be("reviewer")
    mean = overview(world.session, now=world.now).mean_hours

    assert mean == own_pace(world.session, by, now=world.now) == calendar(world.session).day_hours
    assert own_pace(world.session, world.be("reviewer2"), now=world.now) is None


def test_the_queue_and_the_overview_say_how_quickly_it_goes(app):
    with World(app) as world:
        world.decided(world.submitted()[1])
    doors = Visitors(app)

    assert "平均处理" in doors.get("reviewer", "/admin/inbox/").text
    assert "平均处理" in doors.get("admin", "/admin/overview/").text
    assert "平均处理" not in doors.get("reviewer2", "/admin/inbox/").text


def test_a_manager_sees_what_is_his_to_see(world):
    world.submitted()
    world.be("manager")

    assert overview(world.session, now=world.now) == Overview([], 0, 0, None)


def test_the_page_shows_a_line_an_approver(app):
    with World(app) as world:
        world.submitted()

    page = Visitors(app).get("admin", "/admin/overview/").text

    assert "审批概览" in page
    assert "reviewer2" in page


def test_what_waits_longest_is_named_with_whose_it_is_to_whoever_sees_it(small):
    keys = [small.submitted()[1] for _n in range(2)]
    small.decided(small.submitted()[1])
    small.be("admin")
    found = [(row.id, names) for row, names in oldest(small.session)]
    small.be("sales2")

    assert found == [(key, ["reviewer", "reviewer2"]) for key in keys]
    assert oldest(small.session) == []
    page = Visitors(small.app).get("admin", "/admin/overview/").text
    assert "等待最久" in page
    assert f"/admin/request/?id={keys[0]}" in page


def test_what_a_rule_took_as_agreed_is_no_decision_and_took_no_time(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["reviewer"], "collapse": True})
    request = world.submitted()[1]
    wait(world, request, 3)  # one working day
    world.decided(request)
    world.be("admin")
    found = overview(world.session, now=world.now)
    load = next(one for one in found.loads if one.name == "reviewer")

    hours = calendar(world.session).day_hours
    assert (load.decided, load.median_hours, found.mean_hours) == (1, hours, hours)
    reviewer = world.be("reviewer")
    assert own_pace(world.session, reviewer, now=world.now) == hours
