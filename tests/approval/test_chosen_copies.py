"""People the submitter copies himself: asked for at every door, only who may see requests."""

import pytest
import sqlalchemy as sa

from models.approval.flow import ApprovalFlow, FlowAction
from models.approval.request import ApprovalCopy, ApprovalRequest
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.people.role import Role
from models.people.user import User
from services import approval
from tests.approval.flows import act, flow
from tests.support.forms import entered
from tests.support.visitors import Doors

PEOPLE = {"people": ["reviewer"]}
UNFIT = {
    "sales": "sales 是提交人，不能抄送给自己",
    "gone": "finance 已停用，不能抄送",
    "blind": "finance 不能查看审批单，不能抄送",
    "junk": "只能抄送给可以查看审批单的在职人员",
    "nobody": "只能抄送给可以查看审批单的在职人员",
}


def copies(world):
    """Return the readers of the newest request by name, with whether the submitter named them."""
    world.be("admin")
    copy, user = ApprovalCopy.__table__, User.__table__
    newest = sa.select(sa.func.max(ApprovalRequest.id)).scalar_subquery()
    rows = world.session.execute(
        sa.select(user.c.name, copy.c.chosen)
        .join(copy, copy.c.user_id == user.c.id)
        .where(copy.c.request_id == newest)
    )
    return {row.name: row.chosen for row in rows}


def submit(doors, world, key, *names, who="sales", **more):
    data = {"id": key, "cc": [str(world.id_of(name)) for name in names], **more}
    return doors.post(who, "/admin/customer/submit/", data)


def switch(world, *, on):
    with world.acting("admin"):
        for one in world.session.scalars(sa.select(ApprovalFlow)):
            one.copying = on


def test_the_page_of_a_record_copies_whom_the_submitter_names(world):
    flow(world, PEOPLE, {"people": ["finance"], "mode": "cc"})
    key, doors = world.customer(), Doors(world)

    page = doors.get("sales", f"/admin/customer/details/?id={key}").get_data(as_text=True)
    done = submit(doors, world, key, "office", "manager")

    assert f'name="cc" value="{world.id_of("office")}"' in page
    assert f'name="cc" value="{world.id_of("sales")}"' not in page
    assert done.status_code == 303
    assert copies(world) == {"finance": False, "manager": True, "office": True}
    told = doors.get("office", "/admin/cc/").get_data(as_text=True)
    assert world.get(Customer, key).company in told


def test_the_form_copies_as_it_submits_and_one_that_is_only_saved_copies_nobody(world):
    flow(world, PEOPLE)
    doors, office = Doors(world), str(world.id_of("office"))

    page = doors.get("sales", "/admin/customer/new/").get_data(as_text=True)
    done = doors.post("sales", "/admin/customer/new/", entered(world, cc=[office]))

    assert f'name="cc" value="{office}"' in page
    assert done.status_code == 303
    assert copies(world) == {"office": True}


@pytest.mark.parametrize("who", UNFIT)
def test_who_may_not_see_requests_is_refused_beside_the_field_and_nothing_is_written(world, who):
    flow(world, PEOPLE)
    key, doors = world.customer(), Doors(world)
    name = who if who == "sales" else "finance"
    with world.acting("admin"):
        if who == "gone":
            world.session.get_one(User, world.id_of(name)).active = False
        for role in world.session.scalars(sa.select(Role)):
            if who == "blind" and role.name == "finance":
                role.permissions = [one for one in role.permissions if one != "request:read"]
    cc = {"junk": "x", "nobody": "987654"}.get(who, str(world.id_of(name)))

    refused = doors.post("sales", "/admin/customer/submit/", {"id": key, "cc": cc})
    form = doors.post("sales", "/admin/customer/new/", entered(world, cc=cc))

    assert (refused.status_code, form.status_code) == (422, 422)
    for page in (refused, form):
        text = page.get_data(as_text=True)
        assert 'id="cc-err"' in text
        assert UNFIT[who] in text
    world.be("admin")
    assert world.get(Customer, key).approval is Approval.draft
    assert world.session.scalar(sa.select(sa.func.count(ApprovalRequest.id))) == 0


def test_a_flow_that_lets_nobody_be_named_asks_for_nobody_and_refuses(world):
    flow(world, PEOPLE)
    switch(world, on=False)
    key, doors = world.customer(), Doors(world)

    page = doors.get("sales", f"/admin/customer/details/?id={key}").get_data(as_text=True)
    refused = submit(doors, world, key, "office")
    done = submit(doors, world, key)

    assert 'name="cc"' not in page
    assert refused.status_code == 422
    assert "此流程不允许提交人选择抄送的人" in refused.get_data(as_text=True)
    assert done.status_code == 303
    assert copies(world) == {}


def test_a_resubmission_offers_the_people_of_the_last_round(world):
    flow(world, PEOPLE)
    key, doors = world.customer(), Doors(world)
    submit(doors, world, key, "office")
    world.be("admin")
    request = world.session.scalars(sa.select(ApprovalRequest)).one()
    seen = request.seen_version
    act(world, "reviewer", "decide", request.id, seen=seen, verb="reject", comment="缺资料")
    office = world.id_of("office")

    form = doors.get("sales", f"/admin/customer/edit/?id={key}").get_data(as_text=True)
    page = doors.get("sales", f"/admin/customer/details/?id={key}").get_data(as_text=True)
    again = submit(doors, world, key, "office", "manager")

    ticked = f'name="cc" value="{office}" checked'
    assert ticked in " ".join(form.split())
    assert ticked in " ".join(page.split())
    assert again.status_code == 303
    assert copies(world) == {"office": True, "manager": True}


def test_a_change_and_a_taking_back_copy_too(world):
    key, other, doors = world.approved(), world.approved(), Doors(world)
    flow(world, PEOPLE, action=FlowAction.change)
    world.be("sales")
    version = world.get(Customer, key).row_version
    data = {"row_version": version, "company": "改名有限公司", "cc": str(world.id_of("office"))}

    changed = doors.post("sales", f"/admin/customer/edit/?id={key}", data)
    after_change = copies(world)
    world.be("sales")
    void = {"id": other, "row_version": world.get(Customer, other).row_version, "comment": "录错了"}
    refused = doors.post("sales", "/admin/customer/void/", {**void, "cc": world.id_of("sales")})
    voided = doors.post("sales", "/admin/customer/void/", {**void, "cc": world.id_of("manager")})

    assert (changed.status_code, refused.status_code, voided.status_code) == (303, 422, 303)
    assert after_change == {"office": True}
    assert copies(world) == {"manager": True}


def test_panel_timeline_and_printed_form_tell_who_was_named(world):
    flow(world, PEOPLE)
    key, doors = world.customer(), Doors(world)
    submit(doors, world, key, "office")
    world.be("admin")
    request_id = world.session.scalars(sa.select(ApprovalRequest.id)).one()

    panel = doors.get("reviewer", f"/admin/request/?id={request_id}").get_data(as_text=True)
    own = doors.get("office", f"/admin/request/?id={request_id}").get_data(as_text=True)
    page = doors.get("sales", f"/admin/customer/details/?id={key}").get_data(as_text=True)
    printed = doors.get("sales", f"/admin/request/form/?id={request_id}").get_data(as_text=True)

    for text in (panel, own):
        assert "提交人选择：office" in text
    assert "抄送（提交人选择）" in page
    assert "<dt>抄送（提交人选择）</dt>\n<dd>office</dd>" in printed


def test_in_bulk_nobody_is_named(world):
    flow(world, PEOPLE)
    key = world.customer()

    with world.acting("sales"):
        job = approval.submit_many(world.call, "customer", [(key, None)])
        (item,) = job.items

    assert item.code is None
    assert copies(world) == {}


def test_the_switch_goes_with_the_versions_and_is_told_in_words(world):
    doors = Doors(world)
    page = doors.get("admin", "/admin/flow/new/").get_data(as_text=True)
    plain = {
        "noun": "customer", "action": "create", "name": "新", "steps": "1", "_do": "save",
        "s0-name": "一", "s0-kind": "person", "s0-people": str(world.id_of("reviewer")),
        "s0-mode": "any", "s0-level": "1", "s0-placement": "trunk",
    }  # fmt: skip

    off = doors.post("admin", "/admin/flow/preview/", plain).get_json()
    on = doors.post("admin", "/admin/flow/preview/", {**plain, "copying": "1"}).get_json()
    saved = doors.post("admin", "/admin/flow/new/", plain)

    assert "提交人可以选择抄送的人" in page
    assert off["copying"] == "提交人不能选择抄送的人"
    assert on["copying"] == "提交人提交时可以选择抄送的人"
    version = doors.get("admin", saved.location).get_data(as_text=True)
    assert "提交人不能选择抄送的人" in version
    key = saved.location.rpartition("=")[2]
    tried = doors.get("admin", f"/admin/flow/trial/?flow={key}").get_data(as_text=True)
    assert "提交人不能选择抄送的人" in tried
