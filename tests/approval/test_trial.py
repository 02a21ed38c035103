"""The dry run tells what a submission would do, and does nothing."""

import pytest

from models.approval.flow import ApproverKind
from models.customers.customer import Customer
from models.sales.opportunity import Opportunity
from services.approval.flow.flow import current_flow
from services.approval.inbox.trial import trial
from tests.approval.flows import flow, turn
from tests.support.visitors import Doors
from tests.support.world import dump

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
