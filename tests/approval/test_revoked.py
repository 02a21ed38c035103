"""撤销: an approved customer or opportunity is given back by a request, and may come again."""

import re

import pytest
import sqlalchemy as sa

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from services import approval
from services.approval.oversight import oversight
from services.core.errors import Forbidden, Invalid, Locked, Refused
from services.records.records import update
from tests.approval.flows import events, state
from tests.support.visitors import Visitors
from tests.support.world import World


def asked(world, model, key, who="sales", reason="录入错误"):
    with world.acting(who):
        return approval.ask_void(world.call, world.get(model, key), reason=reason).id


def page_of(key):
    return f"/admin/customer/details/?id={key}"


def approval_of(world, model, key):
    world.be("admin")
    return world.get(model, key).approval


def test_a_customer_is_given_back_by_its_approval_and_comes_again(world):
    key = world.approved()

    request = asked(world, Customer, key)
    assert approval_of(world, Customer, key) is Approval.approved
    world.decided(request)

    assert approval_of(world, Customer, key) is Approval.withdrawn
    assert world.get(Customer, key).decided_at is None
    assert events(world, request) == ["submit", "approve"]
    with world.acting("sales"):
        update(world.call, world.get(Customer, key), {"remark": "改好了"}, seen=None)
    _key, again = world.submitted(key=key)
    world.decided(again)
    world.be("admin")
    assert world.get(Customer, key).approval is Approval.approved
    rounds = sa.select(ApprovalRequest.round, ApprovalRequest.action).order_by(ApprovalRequest.id)
    assert world.session.execute(rounds).all() == [
        (1, FlowAction.create),
        (2, FlowAction.void),
        (3, FlowAction.create),
    ]
    told = world.session.scalar(sa.select(FollowUp.content).where(FollowUp.request_id == request))
    assert "录入错误" in told


def test_a_rejected_request_leaves_it_approved(world):
    key = world.approved()
    request = asked(world, Customer, key)

    world.decided(request, verb="reject", comment="还要用")

    assert approval_of(world, Customer, key) is Approval.approved
    assert state(world, request) is Approval.rejected


def test_what_stands_on_it_keeps_it(world):
    key = world.approved()
    deal = world.approved(model=Opportunity, key=world.opportunity(key))

    with pytest.raises(Invalid, match="1 个商机"):
        asked(world, Customer, key)
    world.decided(asked(world, Opportunity, deal))
    assert approval_of(world, Opportunity, deal) is Approval.withdrawn
    request = asked(world, Customer, key)
    other = world.opportunity(key)
    world.submitted(model=Opportunity, key=other)

    with pytest.raises(Refused) as refusal:
        world.decided(request)
    assert refusal.value.code == "NO_LONGER_WHOLE"


def test_who_may_not_edit_it_cannot_ask_and_a_reason_is_a_must(small):
    key = small.approved()

    with pytest.raises(Forbidden):
        asked(small, Customer, key, "reviewer")
    with pytest.raises(Invalid):
        asked(small, Customer, key, reason=" ")
    asked(small, Customer, key)
    with pytest.raises(Locked):
        asked(small, Customer, key)
    with pytest.raises(Locked):
        asked(small, Customer, small.customer())


def test_nothing_approved_becomes_a_draft_by_raw_sql(world):
    world.approved()
    table = Customer.__table__

    with db.engine.connect() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(sa.update(table).values(approval=Approval.draft, decided_at=None))


def test_the_page_asks_for_a_reason_and_tells_what_stands_on_it(app):
    with World(app) as world:
        key = world.approved()
        world.approved(model=Opportunity, key=world.opportunity(key))
        free = world.approved()
        version = world.session.scalar(sa.select(Customer.row_version).filter_by(id=free))
    visitors = Visitors(app)
    place = "/admin/customer/void/"

    assert place in visitors.get("sales", f"/admin/customer/details/?id={free}").text
    assert place not in visitors.get("reviewer", f"/admin/customer/details/?id={free}").text
    held = visitors.get("sales", f"{place}?id={key}").text
    assert "还有 1 个商机" in held
    assert re.search(r'<button class="btn bad" disabled', held)  # nothing to ask for before
    page = visitors.get("sales", f"{place}?id={free}").text
    assert "撤销原因" in page
    form = {"id": free, "row_version": version}
    assert visitors.post("sales", place, form).status_code == 422
    assert visitors.post("sales", place, form | {"comment": "重复"}).status_code == 303
    assert "客户撤销" in visitors.get("reviewer", "/admin/inbox/").text
    assert visitors.get("sales", f"{place}?id={free}").status_code == 303  # asked for already
    with World(app) as world:
        request = world.session.scalar(sa.select(sa.func.max(ApprovalRequest.id)))
    shown = visitors.get("reviewer", f"/admin/request/?id={request}").text
    assert "申请撤销" in shown
    assert "作废" not in shown


def test_what_was_given_back_says_so_wherever_its_state_stands(app):
    with World(app) as world:
        key = world.approved()
        deal = world.approved(model=Opportunity, key=world.opportunity(key))
        world.decided(asked(world, Opportunity, deal, reason="客户取消"))
        world.decided(asked(world, Customer, key, reason="录入错误"))
        code = world.session.scalar(sa.select(Customer.code).filter_by(id=key))
    visitors = Visitors(app)

    page = visitors.get("sales", page_of(key)).text
    assert re.search(r'role="status">\s*已撤销：录入错误', page)
    assert '<span class="tag ">已撤销</span>' in page
    for place in (
        f"/admin/customer/?search={code}&columns=company,approval",
        f"/admin/customer/360/?id={key}",
        "/admin/opportunity/",
        f"/admin/opportunity/details/?id={deal}",
    ):
        shown = visitors.get("sales", place).text
        assert "已撤销" in shown, place
        assert "已撤回</span>" not in shown, place
    within = "/admin/customer/?f.revoked_at=filled"
    assert code in visitors.get("sales", within).text
    assert code not in visitors.get("sales", within.replace("filled", "empty")).text
    for file in ("customer", "opportunity"):
        rows = visitors.get("admin", f"/admin/{file}/export/csv/").text
        assert "已撤销" in rows, file
        assert "已撤回" not in rows, file
    for grid, own in (("customer", key), ("opportunity", deal)):
        within = f"/admin/{grid}/?f.approval="
        row = f'details/?id={own}"'
        assert row in visitors.get("sales", f"{within}revoked").text, grid
        assert row in visitors.get("sales", f"{within}in:approved,revoked").text, grid
        assert row in visitors.get("sales", f"{within}not_in:withdrawn").text, grid
        for other in ("withdrawn", "ne:revoked", "in:draft,pending,approved,rejected"):
            assert row not in visitors.get("sales", f"{within}{other}").text, other
    visitors.get("sales", "/lang/en")
    assert re.search(r'status">\s*Revoked: 录入错误', visitors.get("sales", page_of(key)).text)


def test_a_contract_is_voided_and_nobody_is_asked_when_it_was_revoked(app):
    visitors = Visitors(app)

    offered = '<option value="revoked_at">'
    assert offered in visitors.get("analyst", "/admin/customer/").text
    assert offered not in visitors.get("analyst", "/admin/contract/").text
    told = visitors.get("analyst", "/admin/contract/?f.revoked_at=filled").text
    assert "您不能按此字段筛选" in told


def test_what_comes_again_is_revoked_no_more(world):
    key = world.approved()
    world.decided(asked(world, Customer, key))
    world.be("admin")
    assert world.get(Customer, key).revoked_at is not None

    world.submitted(key=key)

    world.be("admin")
    assert world.get(Customer, key).revoked_at is None
    assert str(world.get(Customer, key).standing) == "审批中"


def test_a_withdrawn_one_stays_withdrawn(small):
    key, request = small.submitted()
    with small.acting("sales"):
        approval.withdraw(small.call, request)

    small.be("admin")
    assert str(small.get(Customer, key).standing) == "已撤回"


def test_a_record_tells_who_ended_its_request_and_why(app):
    with World(app) as world:
        key, request = world.submitted()
        with world.acting("admin"):
            oversight.end(world.call, request, "重复提交")

    page = Visitors(app).get("sales", f"/admin/customer/details/?id={key}").text
    assert re.search(r'role="status">admin 终止了审批：重复提交', page)
