"""Approvers of the submitter's choice: asked for at every door, and only who may decide."""

import pytest
import sqlalchemy as sa

from models.approval.flow import ApproverKind, FlowAction
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.people.user import User
from services import approval
from services.approval.flow.barred import would_bar
from services.core.errors import Invalid
from tests.approval.flows import act, flow, turn
from tests.support.forms import entered
from tests.support.visitors import Doors

CHOSEN = {"kind": ApproverKind.chosen}


def submit(world, who, key, chosen):
    with world.acting(who):
        record = world.get(Customer, key)
        return approval.submit(world.call, record, chosen=chosen).id


def test_the_picked_people_get_the_step(world):
    flow(world, CHOSEN)
    key = world.customer()

    request_id = submit(world, "sales", key, [world.id_of("manager"), world.id_of("finance")])

    assert turn(world, request_id) == ["manager", "finance"]


@pytest.mark.parametrize("who", [None, "office", "sales", "gone"])
def test_nobody_or_somebody_who_may_not_decide_is_refused_by_the_field(world, who):
    flow(world, CHOSEN)
    key = world.customer()
    if who == "gone":
        who = "manager"
        with world.acting("admin"):
            world.session.get_one(User, world.id_of(who)).active = False
    chosen = [] if who is None else [world.id_of("finance"), world.id_of(who)]

    with pytest.raises(Invalid) as refusal:
        submit(world, "sales", key, chosen)

    assert list(refusal.value.errors) == ["chosen"]
    assert world.get(Customer, key).approval is Approval.draft


def test_the_submitter_cannot_pick_himself(world):
    flow(world, CHOSEN)
    key = world.customer("manager")

    with pytest.raises(Invalid):
        submit(world, "manager", key, [world.id_of("manager")])


def test_who_wrote_a_record_is_barred_from_its_entry_and_not_from_somebodys_change(small):
    writer, other = small.id_of("manager"), small.id_of("office")
    record = Customer(last_editor_id=writer)

    assert would_bar(record, other, FlowAction.create) == {writer, other}
    assert would_bar(record, other, FlowAction.change) == {other}
    assert would_bar(Customer(), other, FlowAction.create) == {other}


def test_nobody_is_asked_for_where_the_step_does_not_apply(world):
    large = {"field": "level", "op": "eq", "value": "d"}
    flow(world, {"people": ["reviewer"]}, CHOSEN | {"condition": large})

    _key, request_id = world.submitted()

    assert world.get(ApprovalRequest, request_id).chosen is None


def test_in_bulk_each_item_is_refused_with_its_reason(world):
    key = world.customer()
    flow(world, CHOSEN)

    with world.acting("sales"):
        job = approval.submit_many(world.call, "customer", [(key, None)])
        (item,) = job.items

    assert item.code == "CHOICE_NEEDED"
    assert "选择审批人" in item.message


def test_the_form_asks_and_says_what_is_missing(world):
    flow(world, CHOSEN)
    doors = Doors(world)
    draft = entered(world)

    page = doors.get("sales", "/admin/customer/new/").get_data(as_text=True)
    refused = doors.post("sales", "/admin/customer/new/", draft)
    manager = world.id_of("manager")
    done = doors.post("sales", "/admin/customer/new/", {**draft, "chosen": [str(manager)]})

    assert f'name="chosen" value="{manager}"' in page
    assert f'name="chosen" value="{world.id_of("sales")}"' not in page
    assert refused.status_code == 422
    assert "此流程需要提交人选择审批人" in refused.get_data(as_text=True)
    assert done.status_code == 303
    world.be("admin")
    assert world.session.scalars(sa.select(ApprovalRequest.chosen)).all() == [[manager]]


def test_the_details_page_asks_before_it_submits(world):
    flow(world, CHOSEN)
    key, manager = world.customer(), world.id_of("manager")
    doors = Doors(world)

    page = doors.get("sales", f"/admin/customer/details/?id={key}").get_data(as_text=True)
    refused = doors.post("sales", "/admin/customer/submit/", {"id": key})
    junk = doors.post("sales", "/admin/customer/submit/", {"id": key, "chosen": "x"})
    done = doors.post("sales", "/admin/customer/submit/", {"id": key, "chosen": manager})

    assert f'name="chosen" value="{manager}"' in page
    assert (refused.status_code, junk.status_code, done.status_code) == (422, 422, 303)
    assert "此流程需要提交人选择审批人" in refused.get_data(as_text=True)
    world.be("admin")
    assert world.get(Customer, key).approval is Approval.pending


def test_a_change_request_takes_the_picked_people_from_the_form(world):
    key = world.approved()
    flow(world, CHOSEN, action=FlowAction.change)
    doors = Doors(world)
    world.be("sales")
    version = world.get(Customer, key).row_version
    data = {"row_version": version, "company": "改名有限公司"}

    refused = doors.post("sales", f"/admin/customer/edit/?id={key}", data)
    picked = {**data, "chosen": world.id_of("finance")}
    done = doors.post("sales", f"/admin/customer/edit/?id={key}", picked)

    assert (refused.status_code, done.status_code) == (422, 303)
    world.be("admin")
    asked = approval.change_of(world.session, "customer", key)
    assert turn(world, asked.id) == ["finance"]
    seen = asked.seen_version
    act(world, "finance", "decide", asked.id, seen=seen, verb="approve", comment=None)
    world.be("sales")
    assert world.get(Customer, key).company == "改名有限公司"
