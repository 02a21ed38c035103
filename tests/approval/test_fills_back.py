"""Fields an approver filled, where the way of a request turns back."""

import pytest

from models.approval.flow import FlowAction, StepMode
from models.approval.request import ApprovalRequest
from models.customers.customer import Customer, Level
from services import approval
from services.records import records
from tests.approval.flows import act, flow, turn
from tests.approval.test_branches import PARALLEL, branch
from tests.approval.test_fills import decide


def test_what_was_filled_goes_with_the_approval_that_is_taken_back(world):
    step = {"people": ["reviewer", "manager"], "fills": ["remark", "level"], "mode": StepMode.all}
    flow(world, step, {"people": ["admin"]})
    key, request = world.submitted(remark="原样", level="a")
    decide(world, "reviewer", request, {"remark": "甲填的"})
    decide(world, "manager", request, {"remark": "乙填的", "level": "b"})
    act(world, "manager", "take_back", request)

    row = world.get(ApprovalRequest, request)
    assert (row.payload["values"]["remark"], row.payload["values"]["level"]) == ("甲填的", "a")
    assert row.payload_hash == approval.digest(row.payload)
    assert "乙填的" not in row.summary
    decide(world, "manager", request)
    decide(world, "admin", request)
    found = world.get(Customer, key)
    assert (found.remark, found.level) == ("甲填的", Level.a)


def test_what_was_filled_in_two_branches_at_once_goes_too(world):
    flow(
        world,
        branch(PARALLEL, 1, "reviewer", fills=["level"], fills_needed=True),
        branch(PARALLEL, 2, "reviewer", fills=["remark"]),
        {"people": ["admin"]},
    )
    _key, request = world.submitted(level="a", remark="原样")
    decide(world, "reviewer", request, {"level": "b", "remark": "填的"})
    assert turn(world, request) == ["admin"]
    act(world, "reviewer", "take_back", request)

    assert turn(world, request) == ["reviewer", "reviewer"]
    payload = world.get(ApprovalRequest, request).payload
    assert (payload["values"]["level"], payload["values"]["remark"]) == ("a", "原样")
    assert payload["filled"] == {}


def test_a_field_that_a_change_did_not_touch_is_untouched_again(world):
    flow(
        world,
        {"people": ["reviewer"], "fills": ["remark", "level"]},
        {"people": ["manager"]},
        action=FlowAction.change,
    )
    key = world.approved(remark="原样")
    with world.acting("sales"):
        records.update(world.call, world.get(Customer, key), {"company": "改名公司"}, seen=None)
    request = world.session.query(ApprovalRequest).filter_by(action=FlowAction.change).one().id
    before = world.get(ApprovalRequest, request).payload
    decide(world, "reviewer", request, {"remark": "审批人填的"})
    act(world, "reviewer", "take_back", request)

    assert world.get(ApprovalRequest, request).payload == before | {"filled": {}}


@pytest.mark.parametrize("needed", [True, False])
def test_a_step_that_fills_is_not_skipped_by_what_comes_again(world, needed):
    filling = {"people": ["reviewer"], "fills": ["remark"], "fills_needed": needed}
    flow(world, {"people": ["admin"]}, filling, {"people": ["manager"], "resume": True})
    key, request = world.submitted(remark="原样")
    decide(world, "admin", request)
    decide(world, "reviewer", request, {"remark": "额度五万"})
    decide(world, "manager", request, verb="reject")
    _key, again = world.submitted(key=key)

    assert turn(world, again) == ["reviewer"]
    decide(world, "reviewer", again, {"remark": "额度三万"})
    decide(world, "manager", again)
    assert world.get(Customer, key).remark == "额度三万"
