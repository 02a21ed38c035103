"""A flow is told in words."""

from models.approval.flow import ApprovalFlow, ApproverKind, StepMode
from services.approval.flow.preview import preview
from tests.approval.flows import flow

LARGE = {"field": "amount", "op": "ge", "value": 50_000_000}


def test_a_flow_reads_as_people_say_it(small):
    key = flow(
        small,
        {"kind": ApproverKind.manager},
        {"people": ["finance", "admin"], "mode": StepMode.all, "condition": LARGE},
        noun="opportunity",
    )
    small.be("admin")

    text = preview(small.session, small.session.get_one(ApprovalFlow, key))

    assert text == "提交 → 提交人上级 → [金额 ≥ 50 万元] finance、admin（全部通过）"
