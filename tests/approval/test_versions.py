"""Flows are edited by new versions: checked, put in force, rolled back; requests keep theirs."""

import pytest
import sqlalchemy as sa

from models.approval.flow import ApprovalFlow, ApprovalStep, FlowAction
from models.core.base import db
from models.core.mixins import Approval
from models.rights.audit import AuditLog
from services.approval.drafts import versions
from services.approval.drafts.draft import Draft, DraftRule, StepDraft
from services.approval.drafts.drafting import draft_of
from services.approval.flow.preview import preview
from services.core.errors import Forbidden, Invalid, Locked
from tests.approval.flows import turn

CREATE = FlowAction.create


def step(world, who="manager", **changes):
    return StepDraft(name="审批", kind="person", people=[str(world.id_of(who))], **changes)


def saved(world, *steps, noun="customer", action=CREATE, who="admin"):
    """Save a version as somebody; return its key."""
    with world.acting(who):
        draft = Draft(noun, action, name="新流程", steps=list(steps))
        return versions.save(world.session, draft, by=world.actor).id


def activated(world, key, who="admin"):
    with world.acting(who):
        flow = world.get(ApprovalFlow, key)
        return versions.activate(world.session, flow, by=world.actor).id


def active(world, noun="customer", action=CREATE):
    flow = ApprovalFlow.__table__
    return world.session.execute(
        sa.select(flow.c.version).where(
            flow.c.noun == noun, flow.c.action == action, flow.c.active
        )
    ).scalars().all()  # fmt: skip


def test_a_new_version_takes_effect_only_when_it_is_put_in_force(world):
    key = saved(world, step(world))

    assert active(world) == [1]
    _customer, before = world.submitted()
    activated(world, key)
    _customer, after = world.submitted()

    assert active(world) == [2]
    assert turn(world, before) == ["reviewer", "reviewer2"]
    assert turn(world, after) == ["manager"]


def test_a_running_request_keeps_its_version_to_the_end(world):
    activated(world, saved(world, step(world, "reviewer"), step(world, "finance")))
    _customer, request_id = world.submitted()
    activated(world, saved(world, step(world, "manager")))

    world.decided(request_id)

    assert turn(world, request_id) == ["finance"]
    assert world.decided(request_id, who="finance") is Approval.approved


def test_an_older_version_comes_back_as_a_new_one(world):
    first = world.session.scalar(sa.select(ApprovalFlow.id).filter_by(noun="customer"))
    activated(world, saved(world, step(world, due_hours="4")))

    back = activated(world, first)

    assert back != first
    assert active(world) == [3]
    old, new = (world.get(ApprovalFlow, key) for key in (first, back))
    assert preview(world.session, old) == preview(world.session, new)
    _customer, request_id = world.submitted()
    assert turn(world, request_id) == ["reviewer", "reviewer2"]


@pytest.mark.parametrize("what", ["update", "delete"])
def test_a_version_is_never_changed_not_even_by_raw_sql(world, what):
    table = ApprovalStep.__table__
    statement = sa.delete(table) if what == "delete" else sa.update(table).values(name="改")

    with db.engine.connect() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(statement)


def test_the_flow_of_changes_can_be_taken_out_but_not_that_of_creations(world):
    key = activated(world, saved(world, step(world), action=FlowAction.change))

    with world.acting("admin"):
        versions.retire(world.session, world.get(ApprovalFlow, key), by=world.actor)
    assert active(world, action=FlowAction.change) == []
    world.be("admin")
    (first,) = versions.in_force(world.session, "customer", CREATE)
    with pytest.raises(Locked):
        versions.retire(world.session, first, by=world.actor)


def test_only_administrators_write_flows(world):
    for who in ("office", "manager", "reviewer"):
        with pytest.raises(Forbidden):
            saved(world, step(world), who=who)


def test_what_is_wrong_is_told_by_step_and_field(small):
    steps = [
        StepDraft(name="", kind="role"),
        StepDraft(name="x", kind="person", people=[str(small.id_of("office"))]),
        StepDraft(name="x", kind="superior", level="12", due_hours="soon", mode="most"),
        StepDraft(
            name="x",
            kind="manager",
            rules=[
                DraftRule("amount", "ge", "多"),
                DraftRule("nothing", "eq", "1"),
                DraftRule("name", "ge", "a"),
            ],
        ),
        StepDraft(name="x", kind="role", role_id="2"),
    ]

    with pytest.raises(Invalid) as refusal:
        saved(small, *steps, noun="opportunity")

    assert set(refusal.value.errors) == {
        "steps.1.name",
        "steps.1.role_id",
        "steps.2.people",
        "steps.3.level",
        "steps.3.due_hours",
        "steps.3.mode",
        "steps.4.rules.1",
        "steps.4.rules.2",
        "steps.4.rules.3",
        "steps.5.role_id",
    }
    assert small.session.scalar(sa.select(sa.func.count(ApprovalFlow.id))) == 3


def test_a_flow_without_a_step_is_refused(small):
    with pytest.raises(Invalid) as refusal:
        saved(small)

    assert list(refusal.value.errors) == ["steps"]


CONDITIONS = [
    ("any", [("amount", "ge", "50万", "1")], {"field": "amount", "op": "ge", "value": 50_000_000}),
    (
        "any",
        [("amount", "ge", "15000", "1"), ("customer.level", "in", "a,b", "1")],
        {
            "all": [
                {"field": "amount", "op": "ge", "value": 1_500_000},
                {"field": "customer.level", "op": "in", "value": ["a", "b"]},
            ]
        },
    ),
    (
        "all",
        [
            ("amount", "ge", "50万", "1"),
            ("owner_id", "eq", "sales", "1"),
            ("expected_on", "le", "today+30", "2"),
        ],
        {
            "all": [
                {
                    "any": [
                        {"field": "amount", "op": "ge", "value": 50_000_000},
                        {"field": "owner_id", "op": "eq", "value": "sales"},
                    ]
                },
                {"field": "expected_on", "op": "le", "value": {"today": 30}},
            ]
        },
    ),
]


@pytest.mark.parametrize(("outer", "rows", "tree"), CONDITIONS)
def test_rows_become_a_condition_and_rows_again(small, outer, rows, tree):
    text = str(tree).replace("'sales'", str(small.id_of("sales")))
    rules = [DraftRule(*row) for row in rows]
    one = step(small, outer=outer, rules=rules)

    key = saved(small, one, noun="opportunity")

    flow = small.get(ApprovalFlow, key)
    assert str(flow.steps[0].condition) == text
    again = draft_of(small.session, flow)
    assert [(r.field, r.op, r.value, r.group) for r in again.steps[0].rules] == rows
    assert saved(small, *again.steps, noun="opportunity")


@pytest.mark.parametrize(
    ("text", "fen"), [("50万", 50_000_000), ("1.5万元", 1_500_000), ("0.1亿", 1_000_000_000)]
)
def test_money_is_typed_in_wan(small, text, fen):
    key = saved(small, step(small, rules=[DraftRule("amount", "ge", text)]), noun="opportunity")

    assert small.get(ApprovalFlow, key).steps[0].condition["value"] == fen


def test_a_condition_of_more_levels_is_kept_as_it_is(small):
    deep = {"any": [{"all": [{"any": [{"field": "amount", "op": "ge", "value": 1}]}]}]}
    key = saved(small, step(small, raw=deep), noun="opportunity")

    draft = draft_of(small.session, small.get(ApprovalFlow, key))

    assert draft.steps[0].raw == deep
    with pytest.raises(Invalid) as refusal:
        saved(small, step(small, raw={"field": "nothing"}), noun="opportunity")
    assert list(refusal.value.errors) == ["steps.1.rules"]


def test_saving_and_putting_in_force_are_audited(small):
    key = activated(small, saved(small, step(small)))

    small.be("admin")
    rows = small.session.scalars(
        sa.select(AuditLog).filter_by(noun="flow", record_id=key).order_by(AuditLog.id)
    ).all()
    assert [row.action.name for row in rows] == ["create", "update"]
    assert rows[1].changes["active"] == [False, True]
    assert {row.actor_id for row in rows} == {small.id_of("admin")}
