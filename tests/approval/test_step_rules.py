"""Rules of a step: copies alone, no second agreement of the same person, coming back to it."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.approval.flow import ApproverKind, Placement, StepMode
from models.approval.request import ApprovalCopy, ApprovalEvent, ApprovalRequest
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.delivery.notification import NoticeKind, Notification
from models.people.role import Role
from models.people.user import User
from services.approval import Beside
from services.approval.flow.flow import in_force
from services.approval.inbox.trial import trial
from services.approval.inbox.way import way_of
from services.approval.request.tasks import live
from services.core.errors import Refused
from services.records.records import update
from tests.approval.flows import act, events, flow, state, turn
from tests.support.visitors import Visitors
from tests.support.world import World

CC = StepMode.cc


def copies(world, request):
    """Return who has a copy of a request: name → (state, step, whether unread)."""
    copy, user = ApprovalCopy.__table__, User.__table__
    rows = world.session.execute(
        sa.select(user.c.name, copy.c.state, copy.c.step, copy.c.read_at)
        .join(user, user.c.id == copy.c.user_id)
        .where(copy.c.request_id == request)
    )
    return {row.name: (row.state, row.step, row.read_at is None) for row in rows}


def test_people_of_a_copy_step_read_along_and_decide_nothing(world):
    high = {"field": "level", "op": "in", "value": ["a"]}
    flow(
        world,
        {"people": ["finance"], "mode": CC},
        {"people": ["reviewer"]},
        {"people": ["manager"], "mode": CC, "condition": high},
    )
    _key, request = world.submitted(level="b")
    _other, important = world.submitted(level="a")

    assert turn(world, request) == ["reviewer"]
    row = world.session.get_one(ApprovalRequest, request)
    assert (row.route, row.steps) == ([2], 1)
    assert copies(world, request) == {"finance": (Approval.pending, 0, True)}
    assert copies(world, important).keys() == {"finance", "manager"}
    world.decided(important, "reviewer", "reject", "资料不全")
    found = copies(world, important)
    assert found["finance"] == found["manager"] == (Approval.rejected, 1, True)
    world.be("finance")
    assert world.get(ApprovalRequest, important) is not None


def test_a_copy_goes_to_people_who_could_not_decide(small):
    with small.acting("admin"):
        office = small.session.scalar(sa.select(Role.id).where(Role.name == "office"))
    flow(
        small, {"people": ["reviewer"]}, {"kind": ApproverKind.role, "role_id": office, "mode": CC}
    )
    _key, request = small.submitted()

    assert copies(small, request).keys() == {"office"}
    shown = Visitors(small.app).get("office", f"/admin/request/?id={request}")
    assert shown.status_code == 200
    assert "抄送：提交人、office" in shown.text


def test_who_agreed_before_is_not_asked_again_where_the_flow_says_so(world):
    flow(
        world,
        {"people": ["reviewer"]},
        {"people": ["reviewer", "reviewer2"], "collapse": True},
        {"people": ["reviewer", "manager"], "mode": StepMode.all, "collapse": True},
    )
    key, request = world.submitted()
    world.decided(request, "reviewer")

    assert turn(world, request) == ["manager"]  # any of step 2, and his part of step 3
    rows = world.session.scalars(
        sa.select(ApprovalEvent.comment).where(ApprovalEvent.request_id == request)
    ).all()
    assert [text for text in rows if text] == ["前面步骤已同意，按流程规则不再重复审批"] * 2
    world.decided(request, "manager")
    world.be("admin")
    assert world.get(Customer, key).approval is Approval.approved


def test_where_all_who_may_decide_agreed_before_nobody_else_is_asked(world):
    all_of = {"mode": StepMode.all, "collapse": True}
    flow(world, {"people": ["reviewer"]}, {"people": ["reviewer", "admin"], **all_of})
    _key, request = world.submitted("admin")
    world.decided(request, "reviewer")

    assert state(world, request) is Approval.approved
    assert events(world, request) == ["submit", "approve", "approve"]  # no admin for want of others


@pytest.mark.parametrize(("share", "asked"), [(50, ["admin"]), (60, ["manager"])])
def test_who_agreed_before_counts_in_a_share(world, share, asked):
    of = {"people": ["reviewer", "manager"], "mode": StepMode.share, "share": share}
    flow(world, {"people": ["reviewer"]}, of | {"collapse": True}, {"people": ["admin"]})
    _key, request = world.submitted()
    world.decided(request, "reviewer")

    assert turn(world, request) == asked


def test_the_last_step_may_be_passed_so_and_each_step_is_asked_again_without_the_rule(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["reviewer"], "collapse": True})
    key, request = world.submitted()
    world.decided(request)
    world.be("admin")
    assert world.get(Customer, key).approval is Approval.approved
    flow(world, {"people": ["reviewer"]}, {"people": ["reviewer"]})
    _key, request = world.submitted()
    world.decided(request)

    assert turn(world, request) == ["reviewer"]
    assert state(world, request) is Approval.pending


def test_what_was_sent_back_is_asked_again(world):
    flow(
        world,
        {"people": ["reviewer"]},
        {"people": ["manager"]},
        {"people": ["reviewer"], "collapse": True},
    )
    _key, request = world.submitted()
    world.decided(request)
    seen = world.session.get_one(ApprovalRequest, request).seen_version
    act(world, "manager", "decide", request, seen=seen, verb="give_back",
        comment="再看看", beside=Beside(to_step=1))  # fmt: skip

    assert turn(world, request) == ["reviewer"]
    world.now += dt.timedelta(minutes=1)
    world.decided(request)
    world.decided(request, "manager")
    assert state(world, request) is Approval.approved  # he agreed after it was sent back


def test_an_agreement_by_rule_can_be_taken_back(small):
    flow(
        small,
        {"people": ["reviewer"]},
        {"people": ["reviewer"], "collapse": True},
        {"people": ["manager"]},
    )
    _key, request = small.submitted()
    small.decided(request)
    assert turn(small, request) == ["manager"]

    act(small, "reviewer", "take_back", request)

    assert turn(small, request) == ["reviewer"]
    assert small.get(ApprovalRequest, request).step == 1
    small.decided(request)
    assert turn(small, request) == ["manager"]


def test_an_approval_is_taken_back_with_the_agreements_that_followed_from_it(world):
    flow(
        world,
        {"people": ["manager"]},
        {"people": ["reviewer"]},
        {"people": ["manager", "finance"], "mode": StepMode.all, "collapse": True},
        {"people": ["admin"]},
    )
    _key, request = world.submitted()
    world.decided(request, "manager")
    world.now += dt.timedelta(minutes=1)
    world.decided(request, "reviewer")
    assert turn(world, request) == ["finance"]  # the manager's part was noted by the rule
    with pytest.raises(Refused):
        act(world, "manager", "take_back", request)  # he said nothing since

    act(world, "reviewer", "take_back", request)
    assert turn(world, request) == ["reviewer"]
    world.now += dt.timedelta(minutes=1)
    world.decided(request, "reviewer")
    assert turn(world, request) == ["finance"]
    world.decided(request, "finance")
    assert world.decided(request, "admin") is Approval.approved


def test_in_a_branch_too_what_is_taken_back_is_what_was_said(world):
    at_once = {"placement": Placement.parallel, "split": 1}
    flow(
        world,
        {"people": ["admin"]},
        {**at_once, "branch": 1, "people": ["reviewer"]},
        {**at_once, "branch": 1, "people": ["reviewer", "finance"], "collapse": True},
        {**at_once, "branch": 2, "people": ["manager"]},
    )
    _key, request = world.submitted()
    world.decided(request, "admin")
    world.now += dt.timedelta(minutes=1)
    world.decided(request, "reviewer")
    assert turn(world, request) == ["manager"]
    act(world, "reviewer", "take_back", request)

    assert turn(world, request) == ["reviewer", "manager"]
    assert sorted(task.step for task in live(world.session, request)) == [2, 4]
    world.decided(request, "reviewer", "reject", "不行")
    assert state(world, request) is Approval.rejected


def test_what_is_rejected_comes_back_to_its_step_where_the_flow_says_so(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["manager"], "resume": True})
    key, request = world.submitted()
    world.decided(request)
    world.decided(request, "manager", "reject", "地址不全")
    with world.acting("sales"):
        update(world.call, world.get(Customer, key), {"remark": "补好了"}, seen=None)

    _key, again = world.submitted(key=key)

    assert turn(world, again) == ["manager"]
    world.decided(again, "manager")
    assert state(world, again) is Approval.approved


def test_another_way_begins_at_its_beginning(small):
    flow(small, {"people": ["reviewer"]}, {"people": ["manager"], "resume": True})
    key, request = small.submitted()
    small.decided(request)
    small.decided(request, "manager", "reject", "地址不全")
    flow(small, {"people": ["reviewer2"]}, {"people": ["manager"], "resume": True})

    _key, again = small.submitted(key=key)

    assert turn(small, again) == ["reviewer2"]
    key, request = small.submitted()
    small.decided(request, "reviewer2", "reject", "地址不全")
    assert turn(small, small.submitted(key=key)[1]) == ["reviewer2"]


def test_whom_a_comment_names_is_told_where_he_takes_part(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["manager"]})
    _key, request = world.submitted()
    world.decided(request)
    act(world, "manager", "comment", request, text="@reviewer2 @reviewer 这里的级别对吗？@analyst")

    notice, user = Notification.__table__, User.__table__
    rows = world.session.execute(
        sa.select(user.c.name)
        .join(notice, notice.c.user_id == user.c.id)
        .where(notice.c.kind == NoticeKind.comment)
        .order_by(user.c.name)
    )
    assert list(rows.scalars()) == ["reviewer", "sales"]
    assert events(world, request)[-1] == "comment"


def test_the_dry_run_shows_who_gets_a_copy(small):
    flow(small, {"people": ["finance"], "mode": CC}, {"people": ["reviewer"]})
    key = small.customer()
    small.be("admin")
    found = trial(
        small.session,
        in_force(small.session, Customer),
        small.get(Customer, key),
        submitter=small.id_of("sales"),
        now=small.now,
    )

    assert [(step.applies, step.people) for step in found.steps] == [
        (True, [("finance", "")]),
        (True, [("reviewer", "")]),
    ]
    assert not found.forced


def test_the_editor_keeps_the_rules_and_asks_for_somebody_who_decides(lite):
    visitors = Visitors(lite)
    with World(lite) as world:
        reviewer = world.id_of("reviewer")
    step = {"name": "抄送", "kind": "person", "people": reviewer, "level": "1", "outer": "any"}
    first = {f"s0-{key}": value for key, value in step.items()} | {"s0-mode": "cc", "s0-rules": 0}
    form = {"noun": "customer", "action": "create", "name": "带抄送", "steps": 1, "_do": "save"}

    refused = visitors.post("admin", "/admin/flow/new/", form | first)
    assert refused.status_code == 422
    assert "至少需要一个审批步骤" in refused.text
    second = {f"s1-{key}": value for key, value in step.items()}
    second |= {"s1-mode": "all", "s1-rules": 0, "s1-collapse": 1, "s1-resume": 1, "steps": 2}
    saved = visitors.post("admin", "/admin/flow/new/", form | first | second)
    assert saved.status_code == 303
    page = visitors.get("admin", saved.location).text
    assert "（只抄送，不审批）" in page
    key = saved.location.rpartition("=")[2]
    editor = visitors.get("admin", f"/admin/flow/new/?base={key}").text
    assert editor.count('name="s1-collapse" value="1" checked') == 1
    assert editor.count('name="s1-resume" value="1" checked') == 1


def test_a_request_shows_who_gets_a_copy_and_what_share_is_wanted(world):
    flow(
        world,
        {"people": ["reviewer", "manager"], "mode": StepMode.share, "share": 60},
        {"people": ["finance", "office"], "mode": CC},
    )
    _key, request = world.submitted()
    world.be("reviewer")
    way = way_of(world.session, world.get(ApprovalRequest, request))

    assert way.steps[0].name.endswith("60%")
    assert set(way.copied.split("、")) == {"finance", "office"}


def test_a_share_of_the_approvers_is_enough(world):
    people = ["reviewer", "reviewer2", "manager", "finance"]
    flow(world, {"people": people, "mode": StepMode.share, "share": 51}, {"people": ["admin"]})
    _key, request = world.submitted()

    for who in ("reviewer", "manager"):
        world.decided(request, who)
    assert turn(world, request) == ["reviewer2", "finance"]  # a half is less than 51 %
    world.decided(request, "finance")

    assert turn(world, request) == ["admin"]


def test_a_share_is_counted_anew_after_a_return_and_with_whom_it_went_to(world):
    people = ["reviewer", "reviewer2", "manager"]
    flow(world, {"people": people, "mode": StepMode.share, "share": 60}, {"people": ["finance"]})
    _key, request = world.submitted()
    for who in ("reviewer", "reviewer2"):
        world.decided(request, who)
    assert turn(world, request) == ["finance"]
    seen = world.session.get_one(ApprovalRequest, request).seen_version
    act(world, "finance", "decide", request, seen=seen, verb="give_back", comment="再看看",
        beside=Beside(to_step=1))  # fmt: skip
    world.now += dt.timedelta(minutes=1)

    world.decided(request, "reviewer")
    assert turn(world, request) == ["reviewer2", "manager"]
    act(world, "manager", "transfer", request, to=world.id_of("admin"), comment=None)
    world.decided(request, "admin")
    assert turn(world, request) == ["finance"]


def test_a_share_is_asked_for_in_the_editor(lite):
    visitors = Visitors(lite)
    with World(lite) as world:
        reviewer = world.id_of("reviewer")
    step = {"name": "会签", "kind": "person", "people": reviewer, "level": "1", "outer": "any"}
    step |= {"mode": "share", "rules": 0}
    form = {"noun": "customer", "action": "create", "name": "会签", "steps": 1, "_do": "save"}
    form |= {f"s0-{key}": value for key, value in step.items()}

    assert "请填写通过的百分比" in visitors.post("admin", "/admin/flow/new/", form).text
    assert visitors.post("admin", "/admin/flow/new/", form | {"s0-share": 101}).status_code == 422
    saved = visitors.post("admin", "/admin/flow/new/", form | {"s0-share": 60})
    assert saved.status_code == 303
    assert "按比例通过 60%" in visitors.get("admin", saved.location).text
