"""Flows and verbs of approval, on both databases: nothing freezes, nobody approves his own."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.approval.flow import ApproverKind, Delegation, StepMode
from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask
from models.core.mixins import Approval
from models.people.user import User
from models.sales.opportunity import Opportunity
from services import approval
from services.core.errors import Invalid, NotVisible, Refused
from tests.approval.flows import act, events, flow, state, turn
from tests.support.visitors import Visitors
from tests.support.world import World

LARGE = {"field": "amount", "op": "ge", "value": 50_000_000}


def test_all_means_all_and_any_means_the_first(world):
    flow(world, {"people": ["reviewer", "manager"], "mode": StepMode.all}, {"people": ["finance"]})
    _key, request_id = world.submitted()

    world.decided(request_id, who="manager")
    assert turn(world, request_id) == ["reviewer"]
    world.decided(request_id, who="reviewer")
    assert turn(world, request_id) == ["finance"]
    assert world.decided(request_id, who="finance") is Approval.approved


def test_in_turn_each_waits_for_the_one_before(world):
    flow(world, {"people": ["manager", "reviewer"], "mode": StepMode.turn})
    _key, request_id = world.submitted()

    assert turn(world, request_id) == ["manager"]
    with pytest.raises(Refused) as refusal:
        world.decided(request_id, who="reviewer")
    assert refusal.value.code == "NOT_ASSIGNEE"
    world.decided(request_id, who="manager")
    assert turn(world, request_id) == ["reviewer"]
    assert world.decided(request_id, who="reviewer") is Approval.approved


def test_only_the_steps_whose_condition_holds_apply(world):
    flow(
        world,
        {"people": ["reviewer"]},
        {"people": ["finance"], "condition": LARGE},
        noun="opportunity",
    )
    customer = world.approved()
    requests = []
    for amount in (10_00, 60_000_000):
        deal = world.opportunity(customer, amount=amount)
        requests.append(world.submitted(model=Opportunity, key=deal)[1])

    states = [world.decided(key) for key in requests]

    assert states == [Approval.approved, Approval.pending]
    assert turn(world, requests[1]) == ["finance"]


def test_a_running_request_keeps_its_version_of_the_flow(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["finance"]})
    _key, request_id = world.submitted()
    flow(world, {"people": ["manager"]})

    world.decided(request_id)

    assert turn(world, request_id) == ["finance"]


def test_superiors_and_heads_are_found(world):
    with world.acting("admin"):
        for who, above in (("sales", "manager"), ("manager", "finance")):
            world.session.get_one(User, world.id_of(who)).manager_id = world.id_of(above)
    flow(
        world,
        {"kind": ApproverKind.manager},
        {"kind": ApproverKind.superior, "level": 2},
        {"kind": ApproverKind.head},
    )
    _key, request_id = world.submitted()

    assert turn(world, request_id) == ["manager"]
    world.decided(request_id, who="manager")
    assert turn(world, request_id) == ["finance"]
    world.decided(request_id, who="finance")
    assert turn(world, request_id) == ["admin"], "there is no head: the admin gets it"


def test_a_return_to_a_step_asks_it_again_and_to_the_submitter_ends_the_round(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["finance"]})
    _key, request_id = world.submitted()
    world.decided(request_id)
    seen = world.get(ApprovalRequest, request_id).seen_version

    back = {"seen": seen, "verb": "give_back", "comment": "再核对"}
    act(world, "finance", "decide", request_id, beside=approval.Beside(to_step=1), **back)
    assert turn(world, request_id) == ["reviewer"]
    world.decided(request_id)
    act(world, "finance", "decide", request_id, **back)

    assert state(world, request_id) is Approval.rejected
    assert events(world, request_id) == ["submit", "approve", "give_back", "approve", "give_back"]


def test_a_transfer_hands_the_task_over(world):
    _key, request_id = world.submitted()

    act(world, "reviewer", "transfer", request_id, to=world.id_of("manager"), comment="请看")

    assert turn(world, request_id) == ["reviewer2", "manager"]
    with pytest.raises(Refused):
        world.decided(request_id)
    assert world.decided(request_id, who="manager") is Approval.approved


@pytest.mark.parametrize("who", ["office", "analyst", "reviewer2", "reviewer"])
def test_a_task_goes_only_to_who_may_decide_and_has_none_yet(small, who):
    _key, request_id = small.submitted()

    with pytest.raises(Invalid):
        act(small, "reviewer", "transfer", request_id, to=small.id_of(who), comment=None)

    assert turn(small, request_id) == ["reviewer", "reviewer2"]


def test_only_who_could_get_the_task_is_offered_for_it(app):
    with World(app) as world:
        _key, request_id = world.submitted()
        names = {who: world.id_of(who) for who in ("manager", "reviewer2", "reviewer", "sales")}

    page = Visitors(app).get("reviewer", f"/admin/request/?id={request_id}").get_data(as_text=True)

    offered = page.split('id="transfer-to"')[1].split("</select>")[0]
    assert {who for who, key in names.items() if f'value="{key}"' in offered} == {"manager"}


def test_no_transfer_signature_or_stand_in_leads_round_self_approval(world):
    flow(world, {"people": ["reviewer"]})
    _key, request_id = world.submitted("manager")
    manager = world.id_of("manager")
    for verb, options in (
        ("transfer", {"to": manager}),
        ("add_sign", {"who": manager, "before": True}),
    ):
        with pytest.raises(Invalid, match="manager 是提交人"):
            act(world, "reviewer", verb, request_id, comment=None, **options)
    delegate(world, "reviewer", "manager")

    _key, second = world.submitted("manager")

    assert turn(world, second) == ["reviewer"]


def test_a_signature_before_comes_first_and_after_comes_last(world):
    flow(world, {"people": ["reviewer"]})
    _key, request_id = world.submitted()

    who = world.id_of("manager")
    act(world, "reviewer", "add_sign", request_id, who=who, before=True, comment=None)
    assert turn(world, request_id) == ["manager"]
    world.decided(request_id, who="manager")
    assert turn(world, request_id) == ["reviewer"]
    who = world.id_of("finance")
    act(world, "reviewer", "add_sign", request_id, who=who, before=False, comment=None)
    world.decided(request_id)
    assert turn(world, request_id) == ["finance"]
    assert world.decided(request_id, who="finance") is Approval.approved


def delegate(world, who, to, days=3):
    with world.acting(who):
        start = world.now.date()
        approval.delegate(
            world.call,
            to=world.id_of(to),
            from_on=start,
            to_on=start + dt.timedelta(days=days),
            reason="出差",
        )


def test_a_delegation_is_to_another_decider_and_does_not_overlap(small):
    for to in ("reviewer", "office"):
        with pytest.raises(Invalid):
            delegate(small, "reviewer", to)
    delegate(small, "reviewer", "manager")

    with pytest.raises(Invalid) as refusal:
        delegate(small, "reviewer", "finance")

    assert set(refusal.value.errors) == {"from_on"}


def test_an_ended_delegation_gives_the_tasks_back(small):
    flow(small, {"people": ["reviewer"]})
    delegate(small, "reviewer", "manager")
    with small.acting("reviewer"):
        key = small.session.scalar(sa.select(Delegation.id))
        approval.end(small.call, key)

    _key, request_id = small.submitted()

    assert turn(small, request_id) == ["reviewer"]


def test_a_stand_in_gets_new_tasks_and_the_event_says_for_whom(world):
    flow(world, {"people": ["reviewer"]})
    delegate(world, "reviewer", "manager")
    _key, request_id = world.submitted()

    assert turn(world, request_id) == ["manager"]
    world.decided(request_id, who="manager")

    event = ApprovalEvent.__table__
    row = world.session.execute(sa.select(event).where(event.c.decision == Decision.approve)).one()
    assert (row.actor_id, row.on_behalf_of_id) == (world.id_of("manager"), world.id_of("reviewer"))


def test_a_stand_in_of_another_week_gets_nothing(world):
    flow(world, {"people": ["reviewer"]})
    delegate(world, "reviewer", "manager")
    world.now += dt.timedelta(days=7)

    _key, request_id = world.submitted()

    assert turn(world, request_id) == ["reviewer"]


def test_the_submitter_urges_once_in_a_quarter_of_an_hour(world):
    _key, request_id = world.submitted()
    act(world, "sales", "urge", request_id)

    with pytest.raises(Refused) as refusal:
        act(world, "sales", "urge", request_id)
    assert refusal.value.code == "TOO_SOON"
    with pytest.raises(NotVisible):
        act(world, "reviewer", "urge", request_id)
    world.now += dt.timedelta(minutes=15)
    act(world, "sales", "urge", request_id)

    assert events(world, request_id) == ["submit", "urge", "urge"]


def test_participants_comment_and_strangers_do_not(world):
    _key, request_id = world.submitted()
    act(world, "reviewer", "comment", request_id, text="缺执照吗？")
    act(world, "sales", "comment", request_id, text="已补")

    with pytest.raises(NotVisible):
        act(world, "sales2", "comment", request_id, text="我也说")

    assert events(world, request_id) == ["submit", "comment", "comment"]


def test_an_approval_is_taken_back_before_the_next_one_acted(world):
    flow(world, {"people": ["reviewer", "reviewer2"]}, {"people": ["finance"]})
    _key, request_id = world.submitted()
    world.decided(request_id)

    act(world, "reviewer", "take_back", request_id)
    assert turn(world, request_id) == ["reviewer", "reviewer2"]
    world.decided(request_id)
    assert world.decided(request_id, who="finance") is Approval.approved
    with pytest.raises(Refused):
        act(world, "reviewer", "take_back", request_id)


def test_after_the_next_one_acted_nothing_is_taken_back(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["finance", "manager"], "mode": StepMode.all})
    _key, request_id = world.submitted()
    world.decided(request_id)
    world.decided(request_id, who="finance")

    with pytest.raises(Refused) as refusal:
        act(world, "reviewer", "take_back", request_id)

    assert refusal.value.code == "ALREADY_HANDLED"
    assert turn(world, request_id) == ["manager"]


def test_a_task_is_due_by_working_hours(small):
    flow(small, {"people": ["reviewer"], "due_hours": 4})
    small.now = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC)  # Friday 16:00 in Shanghai
    small.submitted()

    task = ApprovalTask.__table__
    until = small.session.execute(sa.select(task.c.due_at)).scalar_one()
    assert until.date() == dt.date(2026, 11, 23), "not on the weekend"
