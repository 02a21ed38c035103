"""Who leads others helps requests on, and decides nothing by it."""

import pytest
import sqlalchemy as sa

from models.approval.flow import StepMode
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.delivery.notification import Notification
from models.people.user import User
from services.approval.oversight import oversight
from services.core.errors import Forbidden, Invalid, NotVisible, Refused
from services.records.records import update
from tests.approval.flows import events, flow, turn
from tests.support.visitors import Visitors
from tests.support.world import World

BOTH = {"people": ["reviewer", "reviewer2"], "mode": StepMode.turn}


def given(world, who, request, holder, to, comment=None):
    move = oversight.Move(world.id_of(holder), world.id_of(to))
    with world.acting(who):
        return oversight.give(world.call, request, move, comment)


def told(world, who):
    table = Notification.__table__
    query = sa.select(table.c.title, table.c.kind).where(table.c.user_id == world.id_of(who))
    return [row.kind.name for row in world.session.execute(query.order_by(table.c.id))]


def test_a_task_is_given_to_somebody_else_who_then_decides(world):
    flow(world, {"people": ["reviewer"]})
    key, request = world.submitted()

    given(world, "admin", request, "reviewer", "reviewer2", "王强休假")

    assert turn(world, request) == ["reviewer2"]
    assert events(world, request)[-1] == "transfer"
    assert "transfer" in told(world, "reviewer2")
    with pytest.raises(Refused):
        world.decided(request, "reviewer")
    world.decided(request, "reviewer2")
    world.be("admin")
    assert world.get(Customer, key).approval is Approval.approved


def test_a_turn_keeps_its_order_whoever_gets_it(small):
    flow(small, BOTH)
    _key, request = small.submitted()

    given(small, "admin", request, "reviewer2", "manager")  # who waits
    given(small, "admin", request, "reviewer", "reviewer2")

    assert turn(small, request) == ["reviewer2"]
    small.decided(request, "reviewer2")
    assert turn(small, request) == ["manager"]


def test_nobody_is_named_who_may_not_decide(small):
    flow(small, {"people": ["reviewer", "reviewer2"]})
    _key, request = small.submitted()

    for to, wrong in (("reviewer2", Invalid), ("analyst", Invalid), ("sales", Refused)):
        with pytest.raises(wrong):
            given(small, "admin", request, "reviewer", to)
    with pytest.raises(Invalid) as refusal:
        given(small, "admin", request, "manager", "finance")
    assert refusal.value.field == "holder"
    for who in ("reviewer", "sales", "finance"):
        with pytest.raises(Forbidden):
            given(small, who, request, "reviewer", "manager")
    assert sorted(turn(small, request)) == ["reviewer", "reviewer2"]


def test_a_request_is_ended_with_a_reason_and_may_come_again(world):
    flow(world, {"people": ["reviewer"]})
    key, request = world.submitted()

    with pytest.raises(Invalid), world.acting("admin"):
        oversight.end(world.call, request, " ")
    with world.acting("admin"):
        oversight.end(world.call, request, "录入重复")

    world.be("admin")
    assert world.get(Customer, key).approval is Approval.withdrawn
    task = ApprovalTask.__table__
    live = sa.select(task.c.id).where(task.c.state.in_((TaskState.open, TaskState.waiting)))
    assert world.session.execute(live).all() == []
    assert events(world, request)[-1] == "terminate"
    assert told(world, "reviewer")[-1] == "withdrawn"
    assert told(world, "sales")[-1] == "decision"
    for verb in (oversight.urge, lambda call, one: oversight.end(call, one, "x")):
        with pytest.raises(Refused), world.acting("admin"):
            verb(world.call, request)
    with world.acting("sales"):
        update(world.call, world.get(Customer, key), {"remark": "改好了"}, seen=None)
    world.submitted(key=key)


def test_a_manager_helps_within_his_sight_only(small):
    flow(small, {"people": ["reviewer"]})
    _key, mine = small.submitted("sales")
    _key, other = small.submitted("sales2")

    with small.acting("admin"):
        small.session.get_one(User, small.id_of("sales")).manager_id = small.id_of("manager")
    with small.acting("manager"):
        oversight.urge(small.call, mine)
    with pytest.raises(Refused, match="15 分钟"), small.acting("manager"):
        oversight.urge(small.call, mine)
    with pytest.raises(NotVisible), small.acting("manager"):
        oversight.urge(small.call, other)
    assert told(small, "reviewer").count("urge") == 1


def test_nobody_helps_his_own_submission_round_the_approvers(small):
    flow(small, {"people": ["reviewer"]}, {"people": ["reviewer2"]})
    _key, request = small.submitted("manager")
    small.decided(request, "reviewer")

    for verb in (oversight.urge, lambda call, one: oversight.end(call, one, "x")):
        with pytest.raises(Forbidden), small.acting("manager"):
            verb(small.call, request)
    with pytest.raises(Forbidden):
        given(small, "manager", request, "reviewer2", "reviewer")
    assert turn(small, request) == ["reviewer2"]


def test_the_page_offers_it_to_who_leads_and_to_nobody_else(lite):
    with World(lite) as world:
        flow(world, {"people": ["reviewer"]})
        _key, request = world.submitted()
        holder, to = world.id_of("reviewer"), world.id_of("reviewer2")
        with world.acting("admin"):
            world.session.get_one(User, world.id_of("sales")).manager_id = world.id_of("manager")
    visitors = Visitors(lite)
    place = f"/admin/request/?id={request}"
    for who, offered in (("admin", True), ("manager", True), ("reviewer", False), ("sales", False)):
        assert ('id="oversight"' in visitors.get(who, place).text) is offered

    form = {"id": request, "holder": holder, "to": ""}
    assert visitors.post("admin", "/admin/overview/give/", form).status_code == 422
    assert visitors.post("admin", "/admin/overview/give/", form | {"to": to}).status_code == 303
    assert visitors.post("admin", "/admin/overview/urge/", {"id": request}).status_code == 303
    assert visitors.post("admin", "/admin/overview/end/", {"id": request}).status_code == 422
    ended = {"id": request, "comment": "重复"}
    assert visitors.post("admin", "/admin/overview/end/", ended).status_code == 303
    page = visitors.get("admin", place).text
    assert "终止" in page
    assert "重复" in page
    assert 'id="oversight"' not in page


def test_who_gives_a_task_on_is_not_called_a_stand_in(lite):
    with World(lite) as world:
        flow(world, {"people": ["reviewer"]})
        _key, request = world.submitted()
        move = oversight.Move(world.id_of("reviewer"), world.id_of("reviewer2"))
        with world.acting("admin"):
            oversight.give(world.call, request, move, "休假")
    page = Visitors(lite).get("sales", f"/admin/request/?id={request}").text

    assert "代 reviewer" not in page
    said = " ".join(page[page.index("<b>admin</b>") :][:200].split())
    assert said.startswith("<b>admin</b> 转交（reviewer 的待办） → reviewer2")
