"""作废: asked for on the contract's page with a reason, done only by its approval."""

import pytest
import sqlalchemy as sa

from models.approval.flow import ApproverKind, FlowAction
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.deals.contract import Contract, ContractState
from models.deals.order import Order, OrderState
from models.rights.audit import AuditLog
from services.core.errors import Invalid
from services.records import records
from tests.approval.flows import events, flow, state, turn
from tests.support.visitors import Doors


def contract(world):
    key = world.approved("sales", Contract, world.contract(world.approved()))
    world.be("sales")
    return key, world.get(Contract, key).row_version


def request_of(world, key):
    """Return the row of the request to void a contract, None without one."""
    table = ApprovalRequest.__table__
    mine = (table.c.noun == "contract", table.c.record_id == key)
    world.be("admin")
    return world.session.execute(
        sa.select(table).where(*mine, table.c.action == FlowAction.void)
    ).one_or_none()


def test_a_contract_is_void_when_the_request_is_approved_and_not_before(world):
    key, version = contract(world)
    doors = Doors(world)

    page = doors.get("sales", f"/admin/contract/details/?id={key}").get_data(as_text=True)
    data = {"id": key, "row_version": version, "comment": "客户取消订单"}
    form = doors.get("sales", f"/admin/contract/void/?id={key}").get_data(as_text=True)
    asked = doors.post("sales", "/admin/contract/void/", data)
    found = request_of(world, key)
    running = world.get(Contract, key).state
    decided = doors.post(
        "reviewer", "/admin/inbox/decide/",
        {"id": found.id, "seen": found.seen_version, "verb": "approve"},
    )  # fmt: skip

    assert f"/admin/contract/void/?id={key}" in page
    assert "作废原因" in form
    assert asked.status_code == 303
    assert running is ContractState.active
    assert decided.status_code == 303
    world.be("sales")
    assert world.get(Contract, key).state is ContractState.void
    assert events(world, found.id) == ["submit", "approve"]
    after = doors.get("sales", f"/admin/contract/details/?id={key}").get_data(as_text=True)
    assert "/admin/contract/void/" not in after


def orders(world, key):
    """Return the states of a contract's orders and what the audit says of them."""
    world.be("admin")
    found = world.session.scalars(sa.select(Order).where(Order.contract_id == key)).all()
    log = AuditLog
    mine = sa.select(log.changes).where(log.noun == "order", log.record_id.in_(o.id for o in found))
    changes = world.session.scalars(mine.order_by(log.id)).all()
    return [o.state for o in found], [c["state"] for c in changes if "state" in c]


def test_a_void_contract_takes_its_open_order_with_it_and_the_audit_tells(world):
    key, version = contract(world)
    with world.acting("admin"):
        done = Order(
            code="旧订单", contract_id=key, customer_id=world.get(Contract, key).customer_id,
            state=OrderState.done,
        )  # fmt: skip
        world.session.add(done)
    doors = Doors(world)
    data = {"id": key, "row_version": version, "comment": "客户取消订单"}
    doors.post("sales", "/admin/contract/void/", data)
    before, _told = orders(world, key)

    world.decided(request_of(world, key).id)

    states, told = orders(world, key)
    assert sorted(s.name for s in before) == ["done", "open"]
    assert sorted(s.name for s in states) == ["cancelled", "done"]
    assert ["open", "cancelled"] in told


def test_the_order_of_a_void_contract_is_not_opened_again(world):
    key, version = contract(world)
    data = {"id": key, "row_version": version, "comment": "客户取消订单"}
    Doors(world).post("sales", "/admin/contract/void/", data)
    world.decided(request_of(world, key).id)

    def reopen():
        with world.acting("admin"):
            mine = sa.select(Order).where(Order.contract_id == key)
            order, values = world.session.scalars(mine).one(), {"state": OrderState.open}
            records.update(world.call, order, values, seen=None)

    with pytest.raises(Invalid) as refusal:
        reopen()
    assert set(refusal.value.errors) == {"state"}


def test_a_rejected_voiding_leaves_the_contract_in_force(world):
    key, version = contract(world)
    doors = Doors(world)
    data = {"id": key, "row_version": version, "comment": "重复录入"}
    doors.post("sales", "/admin/contract/void/", data)
    found = request_of(world, key)

    doors.post(
        "reviewer", "/admin/inbox/decide/",
        {"id": found.id, "seen": found.seen_version, "verb": "reject", "comment": "不同意"},
    )  # fmt: skip

    assert state(world, found.id) is Approval.rejected
    assert world.get(Contract, key).state is ContractState.active


def test_a_voiding_without_a_reason_is_refused_beside_the_field(world):
    key, version = contract(world)
    doors = Doors(world)

    data = {"id": key, "row_version": version, "comment": "  "}
    answer = doors.post("sales", "/admin/contract/void/", data)

    assert answer.status_code == 422
    assert 'id="comment-err"' in answer.get_data(as_text=True)
    assert request_of(world, key) is None


def test_a_voiding_names_the_version_that_was_seen(world):
    key, version = contract(world)

    answers = [
        Doors(world).post("sales", "/admin/contract/void/", data).status_code
        for data in (
            {"id": key, "comment": "x"},
            {"id": key, "comment": "x", "row_version": version - 1},
        )
    ]

    assert answers == [422, 409]
    assert request_of(world, key) is None


def test_only_who_may_edit_a_contract_asks_for_it_to_be_voided(world):
    key, version = contract(world)
    doors = Doors(world)
    data = {"id": key, "row_version": version, "comment": "x"}

    codes = [
        doors.post(who, "/admin/contract/void/", data).status_code
        for who in ("reviewer", "finance", "analyst", "sales2")
    ]

    assert codes == [403, 403, 403, 404]
    assert request_of(world, key) is None


def test_a_voiding_goes_through_its_own_flow(world):
    key, version = contract(world)
    chosen = {"kind": ApproverKind.chosen}
    flow(world, {"people": ["finance"]}, chosen, noun="contract", action=FlowAction.void)
    doors = Doors(world)
    data = {"id": key, "row_version": version, "comment": "客户取消订单"}

    refused = doors.post("sales", "/admin/contract/void/", data)
    doors.post("sales", "/admin/contract/void/", {**data, "chosen": world.id_of("manager")})

    assert refused.status_code == 422
    found = request_of(world, key)
    assert turn(world, found.id) == ["finance"]
    world.decided(found.id, who="finance")
    assert turn(world, found.id) == ["manager"]
    world.decided(found.id, who="manager")
    assert world.get(Contract, key).state is ContractState.void
