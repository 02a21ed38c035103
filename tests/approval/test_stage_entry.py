"""A stage, the won one too, may be entered by approval, whatever door moves the opportunity."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.sales.follow_up import FollowUp, FollowUpKind
from models.sales.opportunity import Opportunity
from models.sales.stage import Stage, StageHistory, StageKind
from services.core.errors import Invalid, Locked, Refused
from services.records import records
from services.sales.opportunity import move_stage
from tests.approval.flows import flow, turn
from tests.support.visitors import Visitors
from tests.support.world import World


def guard(world, *stages):
    with world.acting("admin"):
        for code in stages:
            row = world.get(Stage, world.stage(code))
            records.update(world.call, row, {"approved_entry": True}, seen=None)


def deal(world):
    return world.approved("sales", Opportunity, world.opportunity(world.approved()))


def where(world, key):
    world.be("admin")
    row = world.get(Opportunity, key)
    return world.get(Stage, row.stage_id).code, row.state


def asked(world, key):
    """Return the open change request of an opportunity."""
    request = ApprovalRequest.__table__
    query = sa.select(request.c.id).where(
        request.c.noun == "opportunity",
        request.c.record_id == key,
        request.c.state == Approval.pending,
        request.c.action == FlowAction.change,
    )
    return world.session.execute(query).scalar()


def move(world, key, stage):
    with world.acting("sales"):
        move_stage(world.call, world.get(Opportunity, key), {"stage_id": world.stage(stage)})


def by_form(world, key, stage):
    with world.acting("sales"):
        values = {"stage_id": world.stage(stage), "need": "已谈妥"}
        records.update(world.call, world.get(Opportunity, key), values, seen=None)


def by_follow_up(world, key, stage):
    with world.acting("sales"):
        row = world.get(Opportunity, key)
        values = {
            "customer_id": row.customer_id,
            "opportunity_id": key,
            "at": world.now,
            "kind": FollowUpKind.call,
            "content": "谈妥",
            "stage_to_id": world.stage(stage),
        }
        records.create(world.call, FollowUp, values)


@pytest.mark.parametrize("door", [move, by_form, by_follow_up])
def test_a_guarded_stage_is_entered_when_the_request_is_approved(world, door):
    guard(world, "quote")
    key = deal(world)
    door(world, key, "quote")
    request = asked(world, key)

    assert where(world, key) == ("contact", StageKind.open)
    assert turn(world, request) == ["reviewer", "reviewer2"]
    world.now += dt.timedelta(hours=1)
    world.decided(request)
    assert where(world, key) == ("quote", StageKind.open)
    history = world.session.scalars(
        sa.select(StageHistory).where(StageHistory.opportunity_id == key).order_by(StageHistory.id)
    ).all()
    assert [world.get(Stage, row.to_stage_id).code for row in history] == ["contact", "quote"]


def test_winning_may_ask_for_approval_too_and_a_no_leaves_the_opportunity_open(world):
    guard(world, "won")
    flow(world, {"people": ["manager"]}, noun="opportunity", action=FlowAction.change)
    key = deal(world)
    move(world, key, "won")
    first = asked(world, key)
    assert turn(world, first) == ["manager"]
    world.decided(first, "manager", "reject", "先签合同")
    assert where(world, key) == ("contact", StageKind.open)
    move(world, key, "won")
    world.decided(asked(world, key), "manager")

    assert where(world, key) == ("won", StageKind.won)


def test_other_stages_are_entered_at_once(world):
    guard(world, "won")
    key = deal(world)
    move(world, key, "quote")

    assert (where(world, key), asked(world, key)) == (("quote", StageKind.open), None)


def test_what_a_stage_asks_for_is_refused_before_anybody_is_asked(world):
    guard(world, "lost")
    key = deal(world)
    with pytest.raises(Invalid) as problem:
        move(world, key, "lost")

    assert "lost_reason_id" in problem.value.errors
    assert asked(world, key) is None


def test_a_second_move_waits_for_the_first(world):
    guard(world, "quote")
    key = deal(world)
    move(world, key, "quote")
    with pytest.raises(Locked):
        move(world, key, "quote")


def test_what_was_closed_meanwhile_is_not_moved_by_an_approval(world):
    guard(world, "quote")
    key = deal(world)
    move(world, key, "quote")
    request = asked(world, key)
    move(world, key, "won")
    with pytest.raises(Refused) as problem:
        world.decided(request)

    assert problem.value.code == "CONTENT_CHANGED"
    assert where(world, key) == ("won", StageKind.won)


def stage_becomes(world, code, **values):
    with world.acting("admin"):
        records.update(world.call, world.get(Stage, world.stage(code)), values, seen=None)


def deal_becomes(world, key, **values):
    with world.acting("sales"):
        records.update(world.call, world.get(Opportunity, key), values, seen=None)


@pytest.mark.parametrize("door", [move, by_follow_up])
def test_what_went_on_meanwhile_is_not_thrown_back_by_an_approval(world, door):
    guard(world, "quote")
    key = deal(world)
    door(world, key, "quote")
    request = asked(world, key)
    move(world, key, "deal")  # further on, by a stage that asks nobody
    with pytest.raises(Refused) as problem:
        world.decided(request)

    assert problem.value.code == "CONTENT_CHANGED"
    assert where(world, key) == ("deal", StageKind.open)


@pytest.mark.parametrize(
    ("meanwhile", "field"),
    [
        (lambda world, _key: stage_becomes(world, "quote", active=False), "stage_id"),
        (lambda world, key: deal_becomes(world, key, expected_on=None), "expected_on"),
        (lambda world, _key: stage_becomes(world, "quote", requires="竞争对手"), "competitor"),
    ],
)
def test_what_the_stage_asks_for_holds_when_it_is_entered_too(world, meanwhile, field):
    guard(world, "quote")
    stage_becomes(world, "quote", requires="预计成交日")
    key = deal(world)
    deal_becomes(world, key, expected_on=dt.date(2027, 1, 1))
    move(world, key, "quote")
    request = asked(world, key)
    meanwhile(world, key)
    with pytest.raises(Refused) as problem:
        world.decided(request)

    assert (problem.value.code, problem.value.field) == ("NO_LONGER_WHOLE", field)
    assert where(world, key) == ("contact", StageKind.open)


def test_who_moves_it_where_it_stands_moves_nothing(world):
    key = deal(world)
    with world.acting("sales"):
        before = world.get(Opportunity, key)
        kept = before.stage_since, before.row_version
    world.now += dt.timedelta(days=3)
    move(world, key, "contact")

    after = world.get(Opportunity, key)
    assert (after.stage_since, after.row_version) == kept


def test_the_board_says_that_the_move_was_asked_for(lite):
    with World(lite) as world:
        guard(world, "quote")
        key, stage = deal(world), world.stage("quote")
    visitors = Visitors(lite)
    answer = visitors.post("sales", "/admin/opportunity/move/", {"id": key, "stage_id": stage})

    assert answer.status_code == 303
    assert "已提交变更申请" in visitors.get("sales", "/admin/opportunity/board/").text
    with World(lite) as world:
        assert where(world, key)[0] == "contact"
        assert asked(world, key)
