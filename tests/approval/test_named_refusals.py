"""Who may not be given a task is refused by name and reason beside the field of the person."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from models.approval.flow import ApproverKind, StepMode
from models.approval.request import ApprovalRequest
from models.bulk.batch import BatchItem
from models.customers.customer import Customer
from models.people.user import User
from services import approval
from services.approval.flow import chosen_approvers
from services.core.errors import Invalid
from tests.approval.flows import flow
from tests.approval.test_monitor import PLACE, confirmed
from tests.approval.test_refused_acts import marked
from tests.support import clock
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World, dump

NOBODY, UNKNOWN = "请选择人员", "没有这位人员，请重新选择"
OUT, NO_GRANT = "reviewer2 已停用，请另选他人", "analyst 没有审批权限，请另选他人"
BUSY = "finance 在当前步骤已有待办，请另选他人"
FORGED = 987654
REASONS = [
    ("", NOBODY),
    (FORGED, UNKNOWN),
    ("1x", NOBODY),
    ("sales", "sales 是提交人，不能审批自己提交的记录"),
    ("office", "office 最后修改过这条记录，不能审批"),
    ("reviewer2", OUT),
    ("analyst", NO_GRANT),
    ("finance", BUSY),
]
SELF = ("reviewer", "reviewer 就是您本人，请另选他人")
PEOPLE = (
    *("reviewer", "finance", "manager", "admin"),
    *("sales", "office", "reviewer2", "analyst"),
)


@pytest.fixture
def company(app):
    """Return (visitors, request, the keys of people): reviewer and finance are asked."""
    with World(app) as world:
        world.now = clock.now()
        flow(world, {"people": ["reviewer", "finance"], "mode": StepMode.all})
        _key, request = world.submitted()
        people = {who: world.id_of(who) for who in PEOPLE}
        with world.acting("admin"):
            world.session.get_one(User, people["reviewer2"]).active = False
            table = ApprovalRequest.__table__
            editor = sa.update(table).values(last_editor_id=people["office"])
            world.session.execute(editor, execution_options={"rule": "approval"})
    return Visitors(app), request, people


def form_of(page, action):
    """Return the form of a page that a door gets."""
    return page[page.index(f'action="{action}"') :].split("</form>")[0]


@pytest.mark.parametrize("door", ["/admin/inbox/transfer/", "/admin/inbox/add/"])
def test_who_may_not_be_given_a_task_is_named_beside_the_field(company, door):
    visitors, request, people = company
    visitors.get("reviewer", f"/admin/request/?id={request}")
    before = dump(visitors.app)

    for to, told in (*REASONS, SELF):
        typed = {"id": request, "to": people.get(to, to), "comment": "出差三天", "place": "after"}
        answer = visitors.post("reviewer", door, typed)
        assert answer.status_code == 422
        part = form_of(answer.text, door)
        assert marked(part, "to") == told
        assert 'value="出差三天"' in part
        words = visitors.post("reviewer", door, typed, headers=AJAX)
        assert (words.status_code, words.json["fields"]) == (422, {"to": told})

    assert dump(visitors.app) == before


def test_who_leads_is_told_the_same_where_he_gives_a_task_on(company):
    visitors, request, people = company
    door = "/admin/overview/give/"
    visitors.get("admin", f"/admin/request/?id={request}")
    before = dump(visitors.app)

    for to, told in REASONS:
        typed = {"id": request, "holder": people["reviewer"], "to": people.get(to, to)}
        answer = visitors.post("admin", door, typed | {"comment": "休假"})
        assert answer.status_code == 422
        part = form_of(answer.text, door)
        assert marked(part, "to") == told
        assert 'value="休假"' in part
    for holder, told in (
        ("", NOBODY),
        (FORGED, UNKNOWN),
        (people["manager"], "manager 在当前步骤没有待办，请刷新后重试"),
    ):
        typed = {"id": request, "holder": holder, "to": people["manager"]}
        answer = visitors.post("admin", door, typed)
        assert (answer.status_code, marked(form_of(answer.text, door), "holder")) == (422, told)

    assert dump(visitors.app) == before


def test_a_bulk_reassignment_asks_again_beside_the_person_with_all_that_was_typed(company):
    visitors, request, people = company
    page = visitors.post("admin", f"{PLACE}action/", {"action": "reassign", "rowid": [request]})
    form = confirmed(page.text) | {"holder": people["reviewer"], "comment": "王强休假"}
    before = dump(visitors.app)

    for to, told in (("", NOBODY), (FORGED, UNKNOWN), ("reviewer2", OUT), ("analyst", NO_GRANT)):
        answer = visitors.post("admin", f"{PLACE}action/", form | {"to_id": people.get(to, to)})
        assert (answer.status_code, marked(answer.text, "to_id")) == (422, told)
        holders = answer.text.split('name="holder"')[-1].split("</select>")[0]
        assert re.search(rf'value="{people["reviewer"]}"[^>]* selected', holders)
        assert 'value="王强休假"' in answer.text
    for holder in (FORGED, "1x"):
        typed = {"to_id": people["manager"], "holder": holder, "comment": ""}
        answer = visitors.post("admin", f"{PLACE}action/", form | typed)
        assert (answer.status_code, marked(answer.text, "holder")) == (422, UNKNOWN)
        assert marked(answer.text, "comment") == "请填写意见"

    assert dump(visitors.app) == before


def test_a_bulk_reassignment_names_who_could_not_get_each(company):
    visitors, request, people = company
    with World(visitors.app) as world:
        world.now = clock.now()
        flow(world, {"people": ["reviewer"]})
        keys = [request, world.submitted()[1]]
    page = visitors.post("admin", f"{PLACE}action/", {"action": "reassign", "rowid": keys})
    form = confirmed(page.text) | {"holder": people["reviewer"], "comment": "王强休假"}

    # A salesperson decides nothing: he is refused before the requests are looked at.
    answer = visitors.post("admin", f"{PLACE}action/", form | {"to_id": people["sales"]})
    assert marked(answer.text, "to_id") == "sales 没有审批权限，请另选他人"
    answer = visitors.post("admin", f"{PLACE}action/", form | {"to_id": people["finance"]})
    assert answer.status_code == 303
    with World(visitors.app) as world:
        item = BatchItem.__table__
        query = sa.select(item.c.target_id, item.c.code, item.c.message)
        found = {row[0]: row[1:] for row in world.session.execute(query)}
    assert found[request] == ("INVALID", BUSY)
    assert found[keys[1]][0] is None


def test_a_stand_in_who_cannot_be_is_named_beside_the_field(company):
    visitors, _request, people = company
    place = "/admin/inbox/delegation/"
    with World(visitors.app) as world:
        world.now = clock.now()
        today = world.now.date()
        with world.acting("finance"):
            to = people["reviewer"]
            approval.delegate(world.call, to=to, from_on=today, to_on=today, reason=None)
    days = {"from_on": str(today), "to_on": str(today), "reason": "休假"}
    visitors.get("reviewer", place)
    before = dump(visitors.app)

    circle = "finance（或其受托人）在这段时间已委托给您，请另选他人"
    for to, told in (
        ("", NOBODY), (FORGED, UNKNOWN), ("reviewer2", OUT), ("analyst", NO_GRANT), SELF,
        ("finance", circle),
    ):  # fmt: skip
        form = days | {"delegate_id": people.get(to, to)}
        answer = visitors.post("reviewer", place, form)
        assert (answer.status_code, marked(answer.text, "delegate_id")) == (422, told)
        assert 'value="休假"' in answer.text
    answer = visitors.post("reviewer", place, {"delegate_id": "", "reason": "休假"})
    assert marked(answer.text, "delegate_id") == NOBODY
    assert marked(answer.text, "from_on") == "请填写开始日期和结束日期"

    assert dump(visitors.app) == before


def test_a_stand_in_who_gives_the_task_back_or_has_one_is_named(company):
    visitors, request, people = company
    with World(visitors.app) as world:
        world.now = clock.now()
        for who, to in (("manager", "reviewer"), ("admin", "finance")):
            with world.acting(who):
                approval.delegate(
                    world.call, to=people[to], from_on=world.now.date(),
                    to_on=world.now.date() + dt.timedelta(days=1), reason=None,
                )  # fmt: skip

    for to, told in (
        ("manager", "manager 正委托您代为审批，请另选他人"),
        ("admin", "admin 委托 finance 代为审批，而 finance 在当前步骤已有待办"),
    ):
        typed = {"id": request, "to": people[to]}
        answer = visitors.post("reviewer", "/admin/inbox/transfer/", typed)
        assert answer.status_code == 422
        assert marked(form_of(answer.text, "/admin/inbox/transfer/"), "to") == told


def test_who_cannot_be_an_approver_of_choice_is_named(world):
    flow(world, {"kind": ApproverKind.chosen, "people": []})
    out = world.id_of("reviewer2")
    with world.acting("admin"):
        world.session.get_one(User, out).active = False
    key = world.customer()

    for who, told in (
        (["analyst", "manager"], NO_GRANT),
        (["reviewer2", "sales"], f"{OUT}；sales 是提交人，不能审批自己提交的记录"),
    ):
        with pytest.raises(Invalid) as refusal:
            hand_in(world, key, [world.id_of(one) for one in who])
        assert str(refusal.value.errors["chosen"]) == told
    with pytest.raises(Invalid, match="没有这位人员"):
        hand_in(world, key, [FORGED])


def hand_in(world, key, chosen):
    with world.acting("sales"):
        chosen_approvers.pick(world.session, chosen)
        approval.submit(world.call, world.get(Customer, key))
