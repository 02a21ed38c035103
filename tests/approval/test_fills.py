"""Fields an approver fills at a step: judged beside the field, hashed, landing with approval."""

import re

import pytest
import sqlalchemy as sa

from models.approval.flow import ApprovalFlow, FlowAction, StepMode
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.customers.customer import Customer, CustomerClass, Level
from models.deals.contract import Contract
from models.sales.follow_up import FollowUp
from services import approval
from services.approval.flow.preview import Words
from services.core.errors import Invalid, Refused
from services.records import records
from services.records.snapshot import digest
from tests.approval.flows import act, flow, turn
from tests.approval.test_branches import PARALLEL, branch
from tests.support.visitors import Doors, Visitors
from tests.support.world import World


def decide(world, who, request, filled=None, verb="approve", **rest):
    """Decide with what was filled, having seen the request as it is."""
    seen = world.get(ApprovalRequest, request).seen_version
    beside = approval.Beside(filled=filled or {})
    comment = None if verb == "approve" else "不合适"
    said = {"seen": seen, "verb": verb, "comment": comment, "beside": beside} | rest
    act(world, who, "decide", request, **said)


def two_steps(world, **rest):
    flow(
        world,
        {"people": ["reviewer"], "fills": ["level", "remark", "street"], **rest},
        {"people": ["manager"]},
    )


def test_what_is_filled_is_hashed_shown_and_lands_with_the_approval(world):
    two_steps(world)
    key, request = world.submitted(level="a")
    before = world.get(ApprovalRequest, request).payload_hash
    decide(world, "reviewer", request, {"level": "b", "remark": "额度五万"})
    row = world.get(ApprovalRequest, request)

    assert row.payload["values"]["level"] == "b"
    assert (row.payload_hash, row.payload_hash == before) == (approval.digest(row.payload), False)
    assert world.get(Customer, key).level is Level.a  # pending: nothing moved yet
    assert row.events[-1].remarks == {"level": "B级: 重要, 方案报价", "remark": "额度五万"}
    decide(world, "manager", request)
    found = world.get(Customer, key)
    assert (found.level, found.remark, found.approval) == (Level.b, "额度五万", Approval.approved)
    told = world.session.query(FollowUp).filter_by(request_id=request).one().content
    assert "额度五万" in told


def test_who_saw_it_before_it_was_filled_has_to_look_again(world):
    flow(world, branch(PARALLEL, 1, "reviewer", fills=["level"]), branch(PARALLEL, 2, "manager"))
    _key, request = world.submitted(level="a")
    seen = world.get(ApprovalRequest, request).seen_version
    decide(world, "reviewer", request, {"level": "c"})
    with pytest.raises(Refused) as problem:
        decide(world, "manager", request, seen=seen)

    assert problem.value.code == "CONTENT_CHANGED"
    decide(world, "manager", request)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "fill-level"),
        ({"level": ""}, "fill-level"),
        ({"level": "最重要"}, "fill-level"),
        ({"level": "b", "street": "x" * 500}, "fill-street"),
        ({"level": "b", "company": "别的公司"}, "fill-company"),
        ({"level": "b", "owner_id": "1"}, "fill-owner_id"),
        ({"level": "b", "approval": "approved"}, "fill-approval"),
    ],
)
def test_what_is_missing_wrong_or_not_asked_is_told_beside_its_field(world, given, field):
    two_steps(world, fills_needed=True)
    _key, request = world.submitted(level="a")
    given = {"remark": "有", "street": "一路"} | given
    with pytest.raises(Invalid) as problem:
        decide(world, "reviewer", request, given)

    assert list(problem.value.errors) == [field]
    assert turn(world, request) == ["reviewer"]


def test_a_no_needs_nothing_filled_and_keeps_nothing(world):
    two_steps(world, fills_needed=True)
    key, request = world.submitted(level="a")
    decide(world, "reviewer", request, {"level": "b"}, verb="reject")

    assert world.get(ApprovalRequest, request).payload["values"]["level"] == "a"
    assert world.get(Customer, key).level is Level.a


def test_what_may_be_filled_may_be_left_as_it_was(world):
    two_steps(world)
    key, request = world.submitted(level="a", remark="原样")
    decide(world, "reviewer", request, {"level": "", "remark": ""})
    decide(world, "manager", request)

    found = world.get(Customer, key)
    assert (found.level, found.remark) == (Level.a, "原样")


def renamed(world, *steps):
    """Return (customer, request) of a change of the company's name under a flow of these steps."""
    flow(world, *steps, action=FlowAction.change)
    key = world.approved()
    with world.acting("sales"):
        records.update(world.call, world.get(Customer, key), {"company": "改名公司"}, seen=None)
    return key, world.session.query(ApprovalRequest).filter_by(action=FlowAction.change).one().id


def test_a_request_of_the_version_before_is_read_shown_and_taken_back(world):
    two_steps(world)
    _key, request = world.submitted(level="a", remark="原样")
    decide(world, "reviewer", request, {"level": "d", "remark": "填了"})
    payload = world.get(ApprovalRequest, request).payload
    payload = payload | {"filled": {name: one[0] for name, one in payload["filled"].items()}}
    table = ApprovalRequest.__table__
    old = sa.update(table).where(table.c.id == request)
    world.session.connection().execute(old.values(payload=payload, payload_hash=digest(payload)))
    world.session.commit()

    page = Doors(world).get("manager", f"/admin/inbox/?id={request}")
    assert page.status_code == 200
    assert "原样" in page.text
    with world.acting("reviewer"):
        approval.take_back(world.call, request)
    world.be("admin")
    row = world.get(ApprovalRequest, request)
    assert (row.payload["values"]["remark"], row.payload["filled"]) == ("原样", {})


def test_a_field_is_filled_into_a_change_too(world):
    key, request = renamed(
        world, {"people": ["reviewer"], "fills": ["level"], "fills_needed": True}
    )
    decide(world, "reviewer", request, {"level": "d"})

    found = world.get(Customer, key)
    assert (found.company, found.level) == ("改名公司", Level.d)
    row = world.get(ApprovalRequest, request)
    assert row.payload["old"]["level"] == "a"


def test_what_somebody_wrote_after_it_was_filled_is_not_overwritten(world):
    key, request = renamed(
        world, {"people": ["reviewer"], "fills": ["remark"]}, {"people": ["manager"]}
    )
    decide(world, "reviewer", request, {"remark": "审批人填的"})
    with world.acting("sales"):
        records.update(world.call, world.get(Customer, key), {"remark": "后来写的"}, seen=None)
    with pytest.raises(Refused) as problem:
        decide(world, "manager", request)

    assert problem.value.code == "CONTENT_CHANGED"
    assert world.get(Customer, key).remark == "后来写的"


def test_who_leaves_a_field_as_it_is_changes_nothing_for_others(world):
    flow(world, branch(PARALLEL, 1, "reviewer", fills=["level"]), branch(PARALLEL, 2, "manager"))
    _key, request = world.submitted(level="a")
    seen = world.get(ApprovalRequest, request).seen_version
    decide(world, "reviewer", request, {"level": "a"})  # as the form has it
    decide(world, "manager", request, seen=seen)

    row = world.get(ApprovalRequest, request)
    assert (row.state, "filled" in row.payload) == (Approval.approved, False)
    assert row.events[1].remarks is None


def test_what_would_not_hold_together_is_told_beside_the_field(world):
    flow(world, {"people": ["reviewer"], "fills": ["amount", "remark"]}, noun="contract")
    key = world.contract(world.approved())
    _key, request = world.submitted("sales", Contract, key)
    with pytest.raises(Invalid) as problem:
        decide(world, "reviewer", request, {"amount": "123", "remark": "少收"})

    assert list(problem.value.errors) == ["fill-amount"]  # its plan sums to another amount
    decide(world, "reviewer", request, {"amount": "100000", "remark": "照收"})
    found = world.get(Contract, key)
    assert (found.amount, found.remark) == (100_000_00, "照收")


def test_many_at_once_are_not_approved_past_a_field_that_must_be_filled(world):
    flow(world, {"people": ["reviewer"], "fills": ["level"], "fills_needed": True})
    requests = [world.submitted()[1] for _n in range(3)]
    with world.acting("reviewer"):
        seen = {key: world.get(ApprovalRequest, key).seen_version for key in requests}
        approval.decide_many(world.call, list(seen.items()), verb="approve", comment=None)

    assert {world.get(ApprovalRequest, key).state for key in requests} == {Approval.pending}
    assert turn(world, requests[0]) == ["reviewer"]


def test_who_agreed_before_still_fills_what_a_step_needs(world):
    fill = {"fills": ["level"], "fills_needed": True}
    flow(world, {"people": ["manager"]}, {"people": ["manager"], "collapse": True, **fill})
    _key, request = world.submitted()
    decide(world, "manager", request)

    assert turn(world, request) == ["manager"]


def test_the_panel_has_the_fields_and_the_editor_keeps_them(lite):
    visitors = Visitors(lite)
    with World(lite) as world:
        made = flow(world, {"people": ["reviewer"], "fills": ["level"], "fills_needed": True})
        key, request = world.submitted(level="a")
    page = visitors.get("reviewer", f"/admin/inbox/?id={request}").text
    assert re.search(r'<select name="fill-level"', page)
    seen = re.search(r'name="seen" value="(\d+)"', page)[1]
    form = {"id": request, "seen": seen, "verb": "approve", "fill-level": "c"}
    refused = visitors.post("reviewer", "/admin/inbox/decide/", form | {"fill-level": "z"})
    assert refused.status_code == 422
    assert visitors.post("reviewer", "/admin/inbox/decide/", form).status_code in {302, 303}
    shown = visitors.get("reviewer", f"/admin/request/?id={request}").text
    assert "与提交及审批人填写的一致" in shown
    with World(lite) as world:
        world.be("admin")
        assert world.get(Customer, key).level is Level.c
    editor = visitors.get("admin", f"/admin/flow/new/?base={made}").text
    assert re.search(r'name="s0-fills"[^>]*value="level"[^>]*checked', editor)
    assert 'name="s0-fills_needed" value="1" checked' in editor
    assert "须填写：客户等级" in visitors.get("admin", f"/admin/flow/details/?id={made}").text


def test_a_flow_says_in_words_what_is_filled(small):
    made = flow(small, {"people": ["reviewer"], "fills": ["level"], "mode": StepMode.all})
    small.be("admin")
    found = small.get(ApprovalFlow, made)
    assert Words(small.session, [found]).steps(found)[0].fills == "可填写：客户等级"


def test_a_class_filled_at_a_step_keeps_the_number_as_every_later_change_of_it_does(world):
    flow(world, {"people": ["reviewer"], "fills": ["customer_class"], "fills_needed": True})
    key, request = world.submitted(customer_class=CustomerClass.high_value)
    number = world.get(Customer, key).code
    decide(world, "reviewer", request, {"customer_class": "project"})

    found = world.get(Customer, key)
    assert (found.customer_class, found.code) == (CustomerClass.project, number)
    assert number.endswith("-G1")
    _key, other = world.submitted(customer_class=CustomerClass.project)
    assert world.get(ApprovalRequest, other).payload["code"].endswith("-X1")  # no number is skipped
