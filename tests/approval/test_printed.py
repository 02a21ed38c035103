"""The form of an approval as a PDF: its content, and who signed each step, with which words."""

import datetime as dt
import re

import pytest

from models.approval.request import ApprovalEvent, ApprovalRequest
from models.people.user import User
from models.rights.audit import AuditLog
from services import approval
from services.approval.request.decide import withdraw
from services.core.errors import Refused
from services.records import records
from tests.approval.flows import act, flow, state, turn
from tests.approval.test_branches import PARALLEL, back, branch
from tests.support.visitors import Visitors
from tests.support.world import World

# Who agreed in the first step is not asked again in the second.
AGREEING = (
    {"people": ["reviewer"]},
    {"people": ["reviewer"], "collapse": True},
    {"people": ["manager"]},
)


def test_the_form_shows_the_content_and_every_signature(lite):
    with World(lite) as world:
        flow(
            world,
            {"people": ["reviewer"], "fills": ["level"]},
            branch(PARALLEL, 1, "manager"),
            branch(PARALLEL, 2, "reviewer2"),
            {"people": ["finance"]},
        )
        _key, request = world.submitted(company="印刷测试公司", level="a")
        with world.acting("manager"):
            day = dt.date(2026, 11, 23)
            to = world.id_of("finance")
            approval.delegate(world.call, to=to, from_on=day, to_on=day, reason=None)
        world.be("reviewer")
        seen = world.get(ApprovalRequest, request).seen_version
        beside = approval.Beside(filled={"level": "b"})
        said = {"seen": seen, "verb": "approve", "comment": "额度可以", "beside": beside}
        act(world, "reviewer", "decide", request, **said)
        world.decided(request, "finance", comment="代签同意")
        world.be("admin")
        digest = world.get(ApprovalRequest, request).payload_hash
    visitors, address = Visitors(lite), f"/admin/request/form/?id={request}"
    text = visitors.get("reviewer", address).text
    file = visitors.get("reviewer", f"{address}&as=pdf")

    assert (file.mimetype, file.data[:5]) == ("application/pdf", b"%PDF-")
    told = ("印刷测试公司", "额度可以", "代签同意", "代 manager", "并行 1", "待处理", digest)
    assert [words for words in told if words not in text] == []
    with World(lite) as world:
        world.be("admin")
        rows = world.session.query(AuditLog).filter_by(noun="request", record_id=request).all()
        assert [row.action.name for row in rows] == ["export", "export"]


def test_who_does_not_see_the_request_gets_no_form(lite):
    with World(lite) as world:
        _key, request = world.submitted()
    visitors = Visitors(lite)

    assert visitors.get("sales2", f"/admin/request/form/?id={request}").status_code == 404
    assert visitors.get("sales", "/admin/request/form/?id=x").status_code == 404
    assert visitors.get("sales", "/admin/request/form/").status_code == 404


def test_a_return_names_its_step_and_leaves_the_request_free_to_be_withdrawn(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["manager"]})
    _key, request = world.submitted()
    world.decided(request, "reviewer")
    with world.acting("sales"), pytest.raises(Refused):
        withdraw(world.call, request)
    world.now += dt.timedelta(minutes=1)
    back(world, "manager", request, 1)

    event = world.session.query(ApprovalEvent).filter_by(request_id=request).all()[-1]
    assert (event.decision.name, event.step, event.to_step) == ("give_back", 2, 1)
    assert turn(world, request) == ["reviewer"]
    with world.acting("sales"):
        withdraw(world.call, request)
    assert state(world, request).name == "withdrawn"


def test_after_a_return_an_approval_holds_the_request_again(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["manager"]})
    _key, request = world.submitted()
    world.decided(request, "reviewer")
    world.now += dt.timedelta(minutes=1)
    back(world, "manager", request, 1)
    world.now += dt.timedelta(minutes=1)
    world.decided(request, "reviewer")

    with world.acting("sales"), pytest.raises(Refused):
        withdraw(world.call, request)


def test_the_timeline_says_to_which_step(lite):
    with World(lite) as world:
        flow(world, {"people": ["reviewer"]}, {"people": ["manager"]})
        _key, request = world.submitted()
        world.decided(request, "reviewer")
        back(world, "manager", request, 1)
    page = Visitors(lite).get("sales", f"/admin/request/?id={request}").text
    assert "→ 第 1 步" in page


def test_what_a_rule_noted_is_told_in_the_reader_s_language_and_people_word_for_word(lite):
    with World(lite) as world:
        flow(world, *AGREEING)
        _key, request = world.submitted()
        world.decided(request, comment="同意")
        with world.acting("admin"):
            manager = world.get(User, world.id_of("manager"))
            records.update(world.call, manager, {"active": False}, seen=None)
    visitors = Visitors(lite)
    visitors.get("admin", "/lang/en")
    page = visitors.get("admin", f"/admin/request/?id={request}").text
    form = visitors.get("admin", f"/admin/request/form/?id={request}").text

    assert "「同意」" in page
    assert "不再重复审批" not in page + form
    assert "原审批人已停用" not in page
    assert "not asked again" in page


def test_an_approval_that_was_taken_back_is_no_signature(lite):
    with World(lite) as world:
        flow(world, {"people": ["reviewer"]}, {"people": ["manager"]})
        _key, request = world.submitted()
        world.decided(request, "reviewer", comment="先同意")
        act(world, "reviewer", "take_back", request)
    visitors = Visitors(lite)
    form = visitors.get("admin", f"/admin/request/form/?id={request}").text
    assert "先同意" not in form
    assert form.count('class="signed"') == 0
    assert re.search(r"<i>reviewer</i></td>\s*<td><i>待处理", form)
    with World(lite) as world:
        world.decided(request, "reviewer", comment="看过再同意")
    again = visitors.get("admin", f"/admin/request/form/?id={request}").text
    assert again.count('class="signed"') == 1
    assert "看过再同意" in again


def test_what_a_rule_made_of_an_approval_goes_with_it(lite):
    with World(lite) as world:
        flow(world, *AGREEING)
        _key, request = world.submitted()
        world.decided(request, "reviewer")
        world.now += dt.timedelta(minutes=1)
        act(world, "reviewer", "take_back", request)
        world.now += dt.timedelta(minutes=1)
        world.decided(request, "reviewer")
    form = Visitors(lite).get("admin", f"/admin/request/form/?id={request}").text

    assert form.count('class="signed"') == 2
