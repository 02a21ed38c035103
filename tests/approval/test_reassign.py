"""Law 20: no open task belongs to somebody who cannot decide it, whatever door he leaves by."""

import datetime as dt

import pytest
import sqlalchemy as sa

from jobs.schedules import tell_overdue
from models.approval.flow import StepMode
from models.approval.request import ApprovalEvent, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.base import db
from models.core.mixins import Approval
from models.delivery.notification import Notification
from models.people.department import Department
from models.people.role import Role
from models.people.user import User
from services import approval
from services.approval.flow.approvers import deciders
from services.people import people
from services.records import records
from services.rights.actor import SYSTEM
from tests.approval.flows import act, events, flow, turn
from tests.support.visitors import Doors

FIRST = {"people": ["reviewer"]}


def strays(world):
    """Return the live tasks of people who cannot decide."""
    task = ApprovalTask.__table__
    able = deciders(world.session)
    return world.session.execute(
        sa.select(task.c.id, task.c.assignee_id).where(
            task.c.state.in_(("open", "waiting")), task.c.assignee_id.not_in(able)
        )
    ).all()


def user(world, who):
    return world.session.get_one(User, world.id_of(who))


def off(world, who="reviewer"):
    records.update(world.call, user(world, who), {"active": False}, seen=None)


def demoted(world, who="reviewer"):
    people.set_roles(world.session, user(world, who), ["analyst"], by=world.actor)
    world.session.flush()


def cut(world):
    """Take the grant to decide from every role but the administrator's."""
    for role in world.session.scalars(sa.select(Role).where(Role.name != "admin")):
        kept = [one for one in role.permissions if one != "task:decide"]
        values = {"permissions": kept}
        records.update(world.call, role, values, seen=None)


def above(world, who, superior):
    with world.acting("admin"):
        user(world, who).manager_id = world.id_of(superior)


def told(world, who, kind="transfer"):
    notice = Notification.__table__
    query = sa.select(notice.c.title, notice.c.number).where(
        notice.c.user_id == world.id_of(who), notice.c.kind == kind
    )
    return [tuple(row) for row in world.session.execute(query)]


def saved(world, doors, address, form):
    """Save a form as the administrator; return the page that follows."""
    answer = doors.post("admin", address, form)
    assert answer.status_code in {302, 303}, answer.text
    return doors.get("admin", answer.location).text


def test_who_switches_somebody_off_or_demotes_him_reads_where_his_tasks_went(world):
    flow(world, FIRST)
    for _n in range(3):
        world.submitted()
    doors, key = Doors(world), world.id_of("reviewer")
    form = {"row_version": user(world, "reviewer").row_version, "active": "0"}
    world.session.rollback()

    page = saved(world, doors, f"/admin/user/edit/?id={key}", form)

    assert "3 项待办已转给 admin" in page
    form = {"row_version": user(world, "reviewer").row_version, "active": "1"}
    world.session.rollback()
    assert "待办已转给" not in saved(world, doors, f"/admin/user/edit/?id={key}", form)


def test_who_switches_somebody_off_in_the_grid_reads_it_in_the_answer(world):
    flow(world, FIRST)
    world.submitted()
    doors, key = Doors(world), world.id_of("reviewer")
    form = {"id": key, "row_version": user(world, "reviewer").row_version, "field": "active"}
    world.session.rollback()

    answer = doors.post("admin", "/admin/user/ajax/update/", {**form, "value": "0"})

    assert answer.status_code == 200, answer.text
    assert "1 项待办已转给 admin" in answer.json["told"]
    assert "待办已转给" not in doors.get("admin", "/admin/user/").text  # told once


def test_who_takes_roles_away_reads_where_the_tasks_went(world):
    flow(world, FIRST)
    world.submitted()
    doors, key = Doors(world), world.id_of("reviewer")
    form = {"row_version": user(world, "reviewer").row_version, "roles_sent": "1"}
    world.session.rollback()

    page = saved(world, doors, f"/admin/user/edit/?id={key}", {**form, "roles": "analyst"})

    assert "1 项待办已转给 admin" in page


def test_who_cuts_a_role_reads_where_the_tasks_went(world):
    flow(world, FIRST)
    world.submitted()
    doors = Doors(world)
    role = world.session.scalar(sa.select(Role).where(Role.name == "reviewer"))
    kept = [one for one in role.permissions if one != "task:decide"]
    form = {"row_version": role.row_version, "name": role.name, "permissions": kept}
    key = role.id
    world.session.rollback()

    page = saved(world, doors, f"/admin/role/edit/?id={key}", form)

    assert "1 项待办已转给" in page


@pytest.mark.parametrize("leave", [off, demoted, cut])
def test_whoever_cannot_decide_any_more_has_his_tasks_moved_with_event_and_notice(world, leave):
    flow(world, FIRST)
    requests = [world.submitted()[1] for _n in range(3)]

    with world.acting("admin"):
        leave(world)

    assert strays(world) == []
    assert [turn(world, key) for key in requests] == [["admin"]] * 3
    assert events(world, requests[0])[-1] == "reassign"
    ((_title, number),) = told(world, "admin")
    assert number == 3, "one notice for all of them"
    row = world.session.scalars(
        sa.select(ApprovalEvent).where(ApprovalEvent.decision == Decision.reassign)
    ).first()
    assert (row.actor_id, row.on_behalf_of_id, row.target_id) == tuple(
        map(world.id_of, ("admin", "reviewer", "admin"))
    )
    assert row.comment == ("原审批人已停用" if leave is off else "原审批人不再有审批权限")
    assert world.decided(requests[0], who="admin") is Approval.approved


def test_the_superior_comes_before_the_administrator_and_the_stand_in_before_him(world):
    flow(world, FIRST)
    above(world, "reviewer", "manager")
    above(world, "manager", "finance")
    first = world.submitted()[1]

    with world.acting("admin"):
        off(world)
    assert turn(world, first) == ["manager"]

    with world.acting("manager"):
        stand_in(world, "reviewer2")
    with world.acting("admin"):
        demoted(world, "manager")
    assert turn(world, first) == ["reviewer2"]
    with world.acting("admin"):
        off(world, "reviewer2")
    assert turn(world, first) == ["finance"], "back to those above whom he stood in for"


def stand_in(world, to, days=5):
    day = dt.date(2026, 11, 23)
    approval.delegate(
        world.call,
        to=world.id_of(to),
        from_on=day,
        to_on=day + dt.timedelta(days=days),
        reason=None,
    )


def test_the_head_of_a_department_above_takes_it_where_there_is_no_superior(small):
    flow(small, FIRST)
    with small.acting("admin"):
        top = small.session.scalars(
            sa.select(Department).where(Department.parent_id.is_(None))
        ).one()
        top.head_id = small.id_of("finance")
    request = small.submitted()[1]

    with small.acting("admin"):
        off(small)

    assert turn(small, request) == ["finance"]


def test_never_to_the_submitter_and_the_last_administrator_waits_for_a_second_person(world):
    flow(world, FIRST)
    above(world, "reviewer", "manager")
    _key, of_manager = world.submitted("manager")
    _key, of_admin = world.submitted("admin", owner_id=world.id_of("sales"))

    with world.acting("admin"):
        cut(world)

    assert turn(world, of_manager) == ["admin"]
    task = ApprovalTask
    row = world.session.scalars(
        sa.select(task).where(task.request_id == of_admin, task.state == TaskState.open)
    ).one()
    assert (row.assignee_id, row.needs_second) == (world.id_of("admin"), True)


def test_where_another_of_several_is_still_asked_he_goes_on_with_it(world):
    requests = [world.submitted()[1] for _n in range(2)]  # reviewer or reviewer2

    with world.acting("admin"):
        off(world)

    assert [turn(world, key) for key in requests] == [["reviewer2"]] * 2
    assert events(world, requests[0])[-1] == "reassign"
    assert len(told(world, "reviewer2")) == 1


def test_both_reviewers_demoted_at_once_leave_nothing_stuck(world):
    requests = [world.submitted()[1] for _n in range(4)]

    with world.acting("admin"):
        role = world.session.scalars(sa.select(Role).where(Role.name == "reviewer")).one()
        kept = [one for one in role.permissions if one != "task:decide"]
        values = {"permissions": kept}
        records.update(world.call, role, values, seen=None)

    assert strays(world) == []
    for key in requests:
        assert world.decided(key, who="admin") is Approval.approved


@pytest.mark.parametrize("mode", [StepMode.any, StepMode.all, StepMode.turn, StepMode.share])
@pytest.mark.parametrize("who", ["reviewer", "manager", "finance"])
def test_order_and_number_of_signatures_stay(small, mode, who):
    """Who waited for the leaver waits for his heir; who waits himself changes hands unseen."""
    signers = ["reviewer", "manager", "finance"]
    share = 100 if mode is StepMode.share else None
    flow(small, {"people": signers, "mode": mode, "share": share})
    request = small.submitted()[1]

    with small.acting("admin"):
        demoted(small, who)

    assert strays(small) == []
    heirs = [one if one != who else "admin" for one in signers]
    if mode is StepMode.any:
        heirs = [one for one in signers if one != who][:1]
    for one in sorted(heirs, key=turned(small, request)) if mode is not StepMode.turn else heirs:
        last = small.decided(request, who=one)
    assert last is Approval.approved


def turned(world, request):
    order = turn(world, request)
    return lambda who: order.index(who) if who in order else len(order)


@pytest.mark.parametrize("before", [True, False])
def test_an_extra_signature_of_a_leaver_is_still_asked_for(small, before):
    flow(small, FIRST)
    request = small.submitted()[1]
    act(
        small, "reviewer", "add_sign", request, who=small.id_of("manager"), before=before,
        comment=None,
    )  # fmt: skip

    with small.acting("admin"):
        demoted(small, "manager")

    assert strays(small) == []
    order = ["admin", "reviewer"] if before else ["reviewer", "admin"]
    assert [small.decided(request, who=one) for one in order][-1] is Approval.approved


def test_a_step_whose_every_heir_is_asked_already_goes_on_without_the_leaver(small):
    flow(small, {"people": ["reviewer", "admin"], "mode": StepMode.turn})
    request = small.submitted()[1]

    with small.acting("admin"):
        off(small)

    assert turn(small, request) == ["admin"]
    assert small.decided(request, who="admin") is Approval.approved


def test_what_slipped_by_is_mended_by_the_schedule(world):
    """A submission and a deactivation at the same moment do not see each other."""
    flow(world, FIRST)
    request = world.submitted()[1]
    world.session.rollback()
    with db.engine.begin() as connection:
        table = User.__table__
        connection.execute(sa.update(table).where(table.c.name == "reviewer").values(active=False))
    assert len(strays(world)) == 1

    with world.acting(SYSTEM):
        tell_overdue(world.session, now=world.now)

    assert (strays(world), turn(world, request)) == ([], ["admin"])


def test_taking_an_approval_back_asks_nobody_who_left(small):
    flow(small, {"people": ["reviewer", "manager"]}, {"people": ["finance"]})
    request = small.submitted()[1]
    small.decided(request, who="manager")
    with small.acting("admin"):
        off(small, "reviewer")

    act(small, "manager", "take_back", request)

    assert strays(small) == []
    assert turn(small, request) == ["manager"]


def test_an_approval_can_be_taken_back_although_the_next_task_moved(small):
    flow(small, {"people": ["manager"]}, FIRST)
    request = small.submitted()[1]
    small.decided(request, who="manager")
    with small.acting("admin"):
        off(small, "reviewer")

    act(small, "manager", "take_back", request)

    assert turn(small, request) == ["manager"]
