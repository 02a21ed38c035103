"""The dry run tells what a submission would do, and does nothing."""

import pytest

from models.approval.flow import ApproverKind, Placement, StepMode
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.sales.opportunity import Opportunity
from services import approval
from services.approval.flow.flow import current_flow
from services.approval.inbox.trial import trial
from services.approval.request.events import AGREED_BEFORE
from tests.approval.flows import act, flow, state, turn
from tests.support.visitors import Doors, Visitors
from tests.support.world import World, dump

LARGE = {"field": "amount", "op": "ge", "value": 50_000_000}
NEAR = {"field": "expected_on", "op": "le", "value": {"today": 60}}


def tried(world, record, who="sales", noun="opportunity"):
    """Return what would happen, as an administrator is told."""
    world.be("admin")
    found = world.session.scalars(current_flow(noun)).one()
    record = world.get(record[0], record[1])
    return trial(world.session, found, record, submitter=world.id_of(who), now=world.now)


def test_it_tells_the_steps_the_conditions_and_the_people(world):
    steps = ({"people": ["reviewer"]}, {"people": ["finance"], "condition": {"all": [LARGE, NEAR]}})
    flow(world, *steps, noun="opportunity")
    key = world.opportunity(world.approved(), amount=40_000_000)

    found = tried(world, (Opportunity, key))

    assert [one.applies for one in found.steps] == [True, False]
    assert found.steps[0].people == [("reviewer", "")]
    assert [(c.text, c.actual, c.holds) for c in found.steps[1].checks] == [
        ("金额 ≥ 50 万元", "40 万元", False),
        ("预计成交日 ≤ 60 天后", "2026-12-31", True),
    ]
    assert found.steps[1].people == []


def test_it_tells_exactly_who_gets_it_when_it_is_submitted(world):
    flow(world, {"people": ["reviewer", "manager"]}, {"people": ["admin"], "condition": LARGE},
         noun="opportunity")  # fmt: skip
    key = world.opportunity(world.approved(), amount=60_000_000)

    people = [name for name, _of in tried(world, (Opportunity, key)).steps[0].people]

    _key, request_id = world.submitted(model=Opportunity, key=key)
    assert sorted(people) == sorted(turn(world, request_id))


def test_without_an_approver_it_says_so_and_names_the_admin(world):
    flow(world, {"kind": ApproverKind.head}, {"kind": ApproverKind.chosen})

    found = tried(world, (Customer, world.customer()), noun="customer")

    assert found.steps[0].fallback
    assert found.steps[0].people == [("admin", "")]
    assert found.steps[1].waits


def test_where_no_condition_holds_the_last_step_stays(world):
    steps = ({"people": ["reviewer"]}, {"people": ["finance"]})
    flow(world, *(one | {"condition": LARGE} for one in steps), noun="opportunity")
    key = world.opportunity(world.approved(), amount=1)

    found = tried(world, (Opportunity, key))

    assert [one.applies for one in found.steps] == [False, True]
    assert found.forced


def test_nothing_is_written_whatever_is_asked(world):
    flow(world, {"people": ["reviewer"], "condition": LARGE}, {"kind": ApproverKind.head},
         noun="opportunity")  # fmt: skip
    key = world.opportunity(world.approved(), amount=60_000_000)
    sales = world.id_of("sales")
    doors = Doors(world)
    doors.token("admin")
    world.session.rollback()
    before = dump(world.app)

    page = doors.get(
        "admin", f"/admin/flow/trial/?slot=opportunity:create&record={key}&submitter={sales}"
    ).get_data(as_text=True)

    assert "没有找到审批人，交给管理员并告知原因" in page
    assert "金额 ≥ 50 万元" in page
    assert dump(world.app) == before


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("slot=customer:void", 404),
        ("slot=nothing:create", 404),
        ("flow=99999", 404),
        ("flow=x", 404),
        ("record=99999", 404),
        ("record=x", 404),
        ("q=%00%25", 200),
        ("q=没有这家", 200),
    ],
)
def test_junk_is_refused_in_words(small, query, status):
    assert Doors(small).get("admin", f"/admin/flow/trial/?{query}").status_code == status


def test_an_unknown_submitter_is_refused_by_the_field(small):
    key = small.customer()

    answer = Doors(small).get("admin", f"/admin/flow/trial/?record={key}&submitter=99999")

    assert answer.status_code == 422


def test_a_record_is_found_by_number_and_by_name(small):
    key = small.approved(company="武汉长江机械有限公司")
    small.approved(company="武汉长江电气有限公司")
    doors = Doors(small)

    both = doors.get("admin", "/admin/flow/trial/?q=长江").get_data(as_text=True)
    one = doors.get("admin", "/admin/flow/trial/?q=YAV-20261123-G1").get_data(as_text=True)

    assert f"record={key}" in both
    assert "长江电气" in both
    assert "审批人：<b>reviewer</b>、<b>reviewer2</b>" in one


def parallel(number, who, **more):
    return {"people": [who], "placement": Placement.parallel, "split": 1, "branch": number, **more}


AGAIN = {"collapse": True}
WAYS = {
    "the same person alone": (
        ({"people": ["manager"]}, {"people": ["manager"], **AGAIN}, {"people": ["reviewer"]}),
        [False, True, False],
    ),
    "one of two is asked still": (
        (
            {"people": ["manager"]},
            {"people": ["manager", "reviewer"], "mode": StepMode.all, **AGAIN},
        ),
        [False, False],
    ),
    "any one of two is enough": (
        ({"people": ["manager"]}, {"people": ["manager", "reviewer"], **AGAIN}),
        [False, True],
    ),
    "half of two is enough": (
        (
            {"people": ["manager"]},
            {"people": ["manager", "reviewer"], "mode": StepMode.share, "share": 50, **AGAIN},
        ),
        [False, True],
    ),
    "who fills is asked again": (
        (
            {"people": ["manager"]},
            {"people": ["manager"], "fills": ["remark"], "fills_needed": True, **AGAIN},
        ),
        [False, False],
    ),
    "the rule is off": (({"people": ["manager"]}, {"people": ["manager"]}), [False, False]),
    "behind branches that join": (
        (
            parallel(1, "manager"),
            parallel(2, "reviewer"),
            {"people": ["manager", "reviewer"], "mode": StepMode.all, **AGAIN},
            {"people": ["finance"]},
        ),
        [False, False, True, False],
    ),
    "not in the branch beside": (
        (parallel(1, "manager"), parallel(2, "manager", **AGAIN)),
        [False, False],
    ),
}


@pytest.mark.parametrize("name", WAYS)
def test_it_foresees_what_is_agreed_by_rule(world, name):
    steps, settled = WAYS[name]
    flow(world, *steps)
    key = world.customer()

    found = tried(world, (Customer, key), noun="customer")

    assert [one.settled for one in found.steps] == settled
    assert [not one.people for one in found.steps] == settled
    _key, request = world.submitted(key=key)
    for place, one in enumerate(found.steps, 1):
        by_rule = [
            event.actor_id
            for event in world.get(ApprovalRequest, request).events
            if event.step == place and event.comment == str(AGREED_BEFORE)
        ]
        assert by_rule == [world.id_of(who) for who in one.agreed], place
        for who in [name for name, _of in one.people]:
            if state(world, request) is Approval.pending and who in turn(world, request):
                decide(world, who, request)
    assert state(world, request) is Approval.approved or name == "who fills is asked again"


def decide(world, who, request):
    needed = approval.Beside(filled={"remark": "填"})
    steps = world.get(ApprovalRequest, request)
    filling = steps.step == 2 and any(step.fills for step in steps.flow.steps)
    beside = {"beside": needed} if filling else {}
    act(world, who, "decide", request, seen=steps.seen_version, verb="approve", comment=None,
        **beside)  # fmt: skip


def test_who_perhaps_has_agreed_before_is_named(world):
    flow(world, {"people": ["manager", "reviewer"]}, {"people": ["manager"], **AGAIN})

    one = tried(world, (Customer, world.customer()), noun="customer").steps[1]

    assert (one.settled, one.agreed, one.perhaps) == (False, (), ("manager",))
    assert one.people == [("manager", "")]


def test_the_page_says_which_step_is_agreed_by_rule(lite):
    with World(lite) as world:
        flow(world, {"people": ["manager"]}, {"people": ["manager"], **AGAIN})
        key = world.customer()
    visitors = Visitors(lite)
    place = f"/admin/flow/trial/?slot=customer:create&record={key}"

    page = visitors.get("admin", place).text
    assert "按规则同意" in page
    assert "manager 在前面步骤同意后，按规则不再重复审批" in page
    visitors.get("admin", "/lang/en")
    assert "Agreed by rule" in visitors.get("admin", place).text
