"""Branches of a flow: one of several is taken, or all at once, and joined behind."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.approval.flow import Placement, StepMode
from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.people.user import User
from services import approval
from services.approval.flow import forks
from services.approval.inbox import inbox
from services.approval.inbox.way import way_of
from services.approval.oversight import monitor, oversight
from services.core.errors import Invalid, Refused
from services.records import records
from tests.approval.flows import act, events, flow, state, turn

CHOICE, PARALLEL = Placement.choice, Placement.parallel
LEVELS = {key: {"field": "level", "op": "in", "value": [key]} for key in "abcd"}


def branch(kind, number, *people, split=1, **rest):
    return {"placement": kind, "split": split, "branch": number, "people": people, **rest}


def choice(world, *, last=True):
    """If A: manager, then finance; else if B: reviewer2; else reviewer. Then admin."""
    other = [branch(CHOICE, 3, "reviewer")] if last else []
    flow(
        world,
        branch(CHOICE, 1, "manager", condition=LEVELS["a"]),
        branch(CHOICE, 1, "finance"),
        branch(CHOICE, 2, "reviewer2", condition=LEVELS["b"]),
        *other,
        {"people": ["admin"]},
    )


def at_once(world, **rest):
    """Reviewer, then manager → finance beside reviewer2, then admin."""
    flow(
        world,
        {"people": ["reviewer"]},
        branch(PARALLEL, 1, "manager"),
        branch(PARALLEL, 1, "finance"),
        branch(PARALLEL, 2, "reviewer2"),
        {"people": ["admin"]},
        **rest,
    )


def back(world, who, request, step):
    """Send a request back to a step as somebody."""
    seen = world.get(ApprovalRequest, request).seen_version
    beside = approval.Beside(to_step=step)
    said = {"seen": seen, "verb": "give_back", "comment": "再看", "beside": beside}
    act(world, who, "decide", request, **said)


def route(world, request):
    return world.get(ApprovalRequest, request).route


@pytest.mark.parametrize(
    ("level", "way", "first"),
    [
        ("a", [1, 2, 5], "manager"),
        ("b", [3, 5], "reviewer2"),
        ("c", [4, 5], "reviewer"),
        ("d", [4, 5], "reviewer"),
    ],
)
def test_the_first_branch_that_applies_is_taken_and_else_the_last(world, level, way, first):
    choice(world)
    _key, request = world.submitted(level=level)

    assert (route(world, request), turn(world, request)) == (way, [first])


def test_a_fork_without_else_is_passed_where_no_branch_applies(world):
    choice(world, last=False)
    _key, request = world.submitted(level="c")

    assert (route(world, request), turn(world, request)) == ([4], ["admin"])


def test_only_branches_and_none_that_applies_still_leave_the_last_step(world):
    flow(world, branch(CHOICE, 1, "manager", condition=LEVELS["a"]))
    _key, request = world.submitted(level="c")

    assert turn(world, request) == ["manager"]


def test_two_forks_after_each_other_are_two(world):
    flow(
        world,
        branch(CHOICE, 1, "manager", condition=LEVELS["a"]),
        branch(CHOICE, 2, "finance"),
        branch(CHOICE, 1, "reviewer", split=2, condition=LEVELS["b"]),
        branch(CHOICE, 2, "reviewer2", split=2),
    )
    _key, high = world.submitted(level="a")
    _key, mid = world.submitted(level="b")

    assert (route(world, high), route(world, mid)) == ([1, 4], [2, 3])


def test_branches_at_once_join_behind(world):
    at_once(world)
    _key, request = world.submitted()

    world.decided(request, "reviewer")
    assert turn(world, request) == ["reviewer2", "manager"]
    world.decided(request, "reviewer2")
    assert turn(world, request) == ["manager"]
    world.decided(request, "manager")
    assert turn(world, request) == ["finance"]
    world.decided(request, "finance")
    assert turn(world, request) == ["admin"]
    assert world.decided(request, "admin") is Approval.approved
    row = world.get(ApprovalRequest, request)
    assert (row.steps, row.step) == (5, 5)


def test_only_branches_that_apply_run_at_once(world):
    flow(
        world,
        branch(PARALLEL, 1, "manager", condition=LEVELS["a"]),
        branch(PARALLEL, 2, "finance", condition=LEVELS["b"]),
        branch(PARALLEL, 3, "reviewer"),
    )
    _key, request = world.submitted(level="a")
    _other, alone = world.submitted(level="c")

    assert turn(world, request) == ["reviewer", "manager"]
    assert turn(world, alone) == ["reviewer"]
    assert world.get(ApprovalRequest, alone).lanes is None


def test_a_no_in_one_branch_ends_the_others(world):
    at_once(world)
    _key, request = world.submitted()
    world.decided(request, "reviewer")

    assert world.decided(request, "manager", "reject", "不合适") is Approval.rejected
    assert turn(world, request) == []
    with pytest.raises(Refused):
        world.decided(request, "reviewer2")


def test_who_is_asked_in_two_branches_says_it_once(world):
    flow(
        world,
        branch(PARALLEL, 1, "manager"),
        branch(PARALLEL, 1, "finance"),
        branch(PARALLEL, 2, "manager", "reviewer2", mode=StepMode.all),
    )
    _key, request = world.submitted()
    world.be("manager")
    now, me = world.now, world.actor
    found = inbox.tally(world.session, me, inbox.QueueFilter(), now=now).kinds
    lines = inbox.rows(world.session, me, inbox.QueueFilter(), now=now)

    assert (found, len(lines)) == ({"customer": 1}, 1)
    world.decided(request, "manager")
    assert turn(world, request) == ["reviewer2", "finance"]
    assert events(world, request) == ["submit", "approve", "approve"]
    world.decided(request, "finance")
    assert world.decided(request, "reviewer2") is Approval.approved


def test_an_approval_in_a_branch_is_taken_back_without_touching_the_other(world):
    at_once(world)
    _key, request = world.submitted()
    world.decided(request, "reviewer")
    world.decided(request, "manager")
    assert turn(world, request) == ["reviewer2", "finance"]

    act(world, "manager", "take_back", request)
    assert turn(world, request) == ["reviewer2", "manager"]
    for who in ("manager", "finance", "reviewer2"):
        world.decided(request, who)
    assert turn(world, request) == ["admin"]
    act(world, "reviewer2", "take_back", request)  # the one that let them join
    assert turn(world, request) == ["reviewer2"]
    world.decided(request, "reviewer2")
    assert world.decided(request, "admin") is Approval.approved


def test_what_was_said_in_two_branches_is_taken_back_in_both(world):
    flow(
        world,
        branch(PARALLEL, 1, "manager"),
        branch(PARALLEL, 2, "manager", "finance"),
        {"people": ["admin"]},
    )
    _key, request = world.submitted()
    world.decided(request, "manager")
    assert turn(world, request) == ["admin"]

    act(world, "manager", "take_back", request)
    assert turn(world, request) == ["manager", "manager", "finance"]
    world.decided(request, "finance")
    world.decided(request, "manager")
    assert turn(world, request) == ["admin"]


def test_a_return_behind_the_branches_begins_all_of_them_anew(world):
    at_once(world)
    _key, request = world.submitted()
    for who in ("reviewer", "manager", "finance", "reviewer2"):
        world.decided(request, who)
    world.be("admin")
    way = way_of(world.session, world.get(ApprovalRequest, request))
    assert [place for place, _name in way.back] == [1, 2]

    back(world, "admin", request, 3)  # in the midst of a branch: where the fork begins
    assert turn(world, request) == ["reviewer2", "manager"]
    with pytest.raises(Invalid):
        back(world, "manager", request, 3)
    back(world, "manager", request, 1)
    assert turn(world, request) == ["reviewer"]


def test_what_a_branch_rejected_comes_back_to_the_fork_where_the_flow_says_so(world):
    flow(
        world,
        {"people": ["reviewer"]},
        branch(PARALLEL, 1, "manager"),
        branch(PARALLEL, 2, "reviewer2", resume=True),
    )
    key, request = world.submitted()
    world.decided(request, "reviewer")
    world.decided(request, "reviewer2", "reject", "请补充")
    _key, again = world.submitted(key=key)

    assert turn(world, again) == ["reviewer2", "manager"]


def test_who_leaves_has_his_tasks_of_every_branch_given_on(world):
    flow(world, branch(PARALLEL, 1, "manager"), branch(PARALLEL, 2, "manager"))
    _key, request = world.submitted()
    with world.acting("admin"):
        found = world.get(User, world.id_of("manager"))
        records.update(world.call, found, {"active": False}, seen=None)

    assert set(turn(world, request)) == {"admin"}
    assert world.decided(request, "admin") is Approval.approved


def test_tasks_of_every_branch_are_transferred_and_reassigned_together(world):
    flow(world, branch(PARALLEL, 1, "manager"), branch(PARALLEL, 2, "manager"))
    _key, request = world.submitted()
    act(world, "manager", "transfer", request, to=world.id_of("finance"), comment=None)
    assert set(turn(world, request)) == {"finance"}
    with world.acting("admin"):
        move = oversight.Move(world.id_of("finance"), world.id_of("reviewer"))
        oversight.give(world.call, request, move, "出差")

    assert set(turn(world, request)) == {"reviewer"}
    assert world.decided(request, "reviewer") is Approval.approved


def test_the_way_and_the_monitor_tell_every_branch(world):
    at_once(world)
    _key, request = world.submitted()
    world.decided(request, "reviewer")
    world.decided(request, "manager")
    world.be("admin")
    row = world.get(ApprovalRequest, request)
    way = way_of(world.session, row)

    assert [(s.state, s.lane, s.waiting) for s in way.steps] == [
        ("done", None, ()),
        ("done", 1, ()),
        ("now", 1, ("finance",)),
        ("now", 2, ("reviewer2",)),
        ("next", None, ()),
    ]
    found = monitor.whereabouts(world.session, [row])[request]
    assert found.step.endswith("第3步、第4步")
    assert found.holders == ["reviewer2", "finance"]


def test_somebody_added_in_a_branch_holds_up_that_branch_only(world):
    at_once(world)
    _key, request = world.submitted()
    world.decided(request, "reviewer")
    act(
        world,
        "manager",
        "add_sign",
        request,
        who=world.id_of("reviewer"),
        before=True,
        comment=None,
    )
    assert set(turn(world, request)) == {"reviewer", "reviewer2"}
    world.decided(request, "reviewer2")
    world.decided(request, "reviewer")
    assert turn(world, request) == ["manager"]
    assert state(world, request) is Approval.pending


def test_people_who_agreed_before_pass_a_branch_at_once(world):
    flow(
        world,
        {"people": ["manager"]},
        branch(PARALLEL, 1, "manager", collapse=True),
        branch(PARALLEL, 2, "manager", "finance", collapse=True),
        {"people": ["reviewer"]},
    )
    _key, request = world.submitted()
    world.now += dt.timedelta(minutes=1)
    world.decided(request, "manager")

    assert turn(world, request) == ["reviewer"]


@pytest.mark.parametrize(
    ("lanes", "place", "fork", "firsts", "behind"),
    [
        (None, 2, [2], [2], None),
        ([None, [1, 1], [1, 1], [1, 2], None], 3, [2, 3, 4], [2, 4], None),
        ([None, [1, 1], [1, 1], [1, 2], None], 2, [2, 3, 4], [2, 4], 3),
        ([[1, 1], [1, 2], [2, 1], [2, 2]], 2, [1, 2], [1, 2], None),
        ([[1, 1], [1, 2], [2, 1], [2, 2]], 3, [3, 4], [3, 4], None),
    ],
)
def test_places_of_a_route_know_their_fork(lanes, place, fork, firsts, behind):
    assert list(forks.block(lanes, place)) == fork
    assert forks.firsts(lanes, place) == firsts
    assert forks.next_in_lane(lanes, place) == behind


def test_open_tasks_are_of_the_branches_that_run(world):
    at_once(world)
    _key, request = world.submitted()
    world.decided(request, "reviewer")
    rows = world.session.execute(
        sa.select(ApprovalTask.step, ApprovalTask.state).where(ApprovalTask.request_id == request)
    ).all()

    assert {row.step for row in rows if row.state is TaskState.open} == {2, 4}
