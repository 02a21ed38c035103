"""Law 14 with several receivers: the preview is what happens, and it can be taken back."""

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalEvent, Decision
from models.approval.task import ApprovalTask, TaskState
from models.customers.customer import Customer, Level
from models.deals.contract import Contract
from models.deals.payment_plan import PaymentPlan
from models.ownership.handover import Handover
from models.people.department import Department
from models.sales.follow_up import FollowUpKind
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.core.errors import Invalid, Locked, NotVisible, Stale
from services.handover import handover
from services.handover.allotment import Shares, one
from tests.support.world import World, login, token_of

LEVELS = Level


def book(world, *levels):
    """Give sales approved customers of these levels, each with a deal, a plan and an instalment."""
    keys = []
    for level in levels:
        key = world.approved(level=level)
        world.approved(model=Opportunity, key=world.opportunity(key))
        world.approved(model=Contract, key=world.contract(key))
        with world.acting("sales"):
            world.create(FollowUpPlan, customer_id=key, due_at=world.now, kind=FollowUpKind.call)
        keys.append(key)
    return keys


def owners(world, model):
    world.be("admin")
    return list(world.session.scalars(sa.select(model.owner_id).order_by(model.id)))


def names(world, *who):
    return {name: world.id_of(name) for name in who}


def hand(world, shares, who="sales", **more):
    """Preview, hand over, and return what the preview said."""
    leaver = world.id_of(who)
    with world.acting("admin"):
        seen = handover.preview(world.session, leaver, shares, by=world.actor)
        handover.hand_over(world.call, leaver, shares, note="离职", seen=seen, **more)
    return seen


def held(world, *ids):
    """Return receiver → kind → how many the receivers hold now."""
    found = {}
    for key in ids:
        with world.acting("admin"):
            found[key] = handover.load_of(world.session, key, by=world.actor)
    return found


def test_work_is_shared_in_turn_and_follows_its_customer(world):
    book(world, LEVELS.a, LEVELS.b, LEVELS.b)
    people = names(world, "sales2", "manager")

    seen = hand(world, Shares("turn", people=tuple(people.values())))

    two = dict.fromkeys(("customers", "opportunities", "instalments", "plans"), 2) | {"tasks": 0}
    ones = dict.fromkeys(("customers", "opportunities", "instalments", "plans"), 1) | {"tasks": 0}
    assert seen == {people["sales2"]: two, people["manager"]: ones}
    assert held(world, *people.values()) == seen
    customers = owners(world, Customer)
    assert owners(world, Opportunity) == owners(world, FollowUpPlan) == customers
    assert owners(world, PaymentPlan) == customers


def test_levels_and_kinds_have_their_own_receivers(world):
    book(world, LEVELS.a, LEVELS.c)
    people = names(world, "sales2", "manager", "office")

    by_level = Shares("level", {"a": people["sales2"], "c": people["manager"]})
    seen = hand(world, by_level)
    assert {key: found["customers"] for key, found in seen.items()} == {
        people["sales2"]: 1,
        people["manager"]: 1,
    }
    assert owners(world, Customer) == [people["sales2"], people["manager"]]

    kinds = {"customers": people["office"], "opportunities": people["manager"]}
    kinds |= {"instalments": people["office"], "plans": people["office"], "tasks": people["office"]}
    hand(world, Shares("kind", kinds), who="sales2")
    assert owners(world, Customer)[0] == people["office"]
    assert owners(world, Opportunity)[0] == people["manager"]


def test_who_is_lacking_is_named_and_nothing_moves(world):
    book(world, LEVELS.a, LEVELS.b)
    sales, other = world.id_of("sales"), world.id_of("sales2")
    ways = {
        "to_b": Shares("level", {"a": other}),
        "to_opportunities": Shares("kind", {"customers": other}),
        "people": Shares("turn"),
        "to_id": one(sales),
    }
    for field, shares in ways.items():
        with pytest.raises(Invalid) as refusal, world.acting("admin"):
            handover.hand_over(world.call, sales, shares, note=None)
        assert set(refusal.value.errors) == {field}
    assert set(owners(world, Customer)) == {sales}


def test_work_that_changed_after_the_preview_is_not_moved(world):
    book(world, LEVELS.a)
    sales, other = world.id_of("sales"), world.id_of("sales2")
    with world.acting("admin"):
        seen = handover.preview(world.session, sales, one(other), by=world.actor)
    world.customer("sales")

    with pytest.raises(Stale), world.acting("admin"):
        handover.hand_over(world.call, sales, one(other), note=None, seen=seen)

    assert set(owners(world, Customer)) == {sales}


def test_a_hand_over_is_taken_back_but_for_what_moved_on(world):
    first, second = book(world, LEVELS.a, LEVELS.b)
    sales, other, manager = (world.id_of(who) for who in ("sales", "sales2", "manager"))
    hand(world, one(other))
    with world.acting("admin"):
        row = world.get(Customer, second)
        handover.ownership.assign(world.call, row, manager, note=None)
        done = world.session.scalars(sa.select(Handover)).one().id
        back, _left = handover.undo(world.call, done)

    assert back == {"customers": 1, "opportunities": 1, "instalments": 1, "plans": 1, "tasks": 0}
    world.be("admin")
    assert world.get(Customer, first).owner_id == sales
    assert world.get(Customer, second).owner_id == manager
    with pytest.raises(Locked), world.acting("admin"):
        handover.undo(world.call, done)
    with pytest.raises(NotVisible), world.acting("sales"):
        handover.undo(world.call, done)


def tasks_of(world, who):
    task = ApprovalTask
    world.be("admin")
    query = sa.select(task.request_id).where(
        task.assignee_id == world.id_of(who), task.state == TaskState.open
    )
    return set(world.session.scalars(query))


def test_tasks_go_on_with_an_event_and_come_back(world):
    _key, request = world.submitted()
    before = tasks_of(world, "reviewer")
    hand(world, one(world.id_of("admin")), who="reviewer")

    assert tasks_of(world, "reviewer") == set()
    assert request in tasks_of(world, "admin")
    event = ApprovalEvent
    moved = sa.select(event.comment, event.target_id).where(event.decision == Decision.transfer)
    assert [tuple(row) for row in world.session.execute(moved)] == [
        ("离职移交", world.id_of("admin"))
    ]

    with world.acting("admin"):
        done = world.session.scalars(sa.select(Handover)).one().id
        assert handover.undo(world.call, done)[0]["tasks"] == 1
    assert tasks_of(world, "reviewer") == before


def test_the_wizard_previews_does_and_undoes_without_a_script(app):
    with World(app) as world:
        book(world, LEVELS.a, LEVELS.b)
        sales, other, manager = (world.id_of(who) for who in ("sales", "sales2", "manager"))
    client = app.test_client()
    login(client, "admin")
    asked = f"/admin/handover/?leaver_id={sales}&way=turn&preview=1"

    lacking = client.get(asked)
    page = client.get(f"{asked}&people={other}&people={manager}").get_data(as_text=True)
    seen = page.split('name="seen" value="', 1)[1].split('"', 1)[0].replace("&#34;", '"')
    data = {"csrf_token": token_of(page), "leaver_id": sales, "way": "turn", "seen": seen}
    junk = client.post("/admin/handover/", data=data | {"people": [other], "seen": "[1"})
    done = client.post("/admin/handover/", data=data | {"people": [other, manager]})

    assert (lacking.status_code, junk.status_code, done.status_code) == (422, 422, 303)
    with World(app) as world:
        assert set(owners(world, Customer)) == {other, manager}
        key = world.session.scalars(sa.select(Handover.id)).one()
    form = {"csrf_token": data["csrf_token"], "id": key}
    assert client.post("/admin/handover/undo/", data=form).status_code == 303
    with World(app) as world:
        assert set(owners(world, Customer)) == {sales}


def test_a_department_shares_in_turn_and_needs_people(app):
    with World(app) as world:
        book(world, LEVELS.a, LEVELS.b)
        sales = world.id_of("sales")
        world.be("admin")
        place = world.session.scalar(sa.select(Department.id).where(Department.name == "华东"))
    client = app.test_client()
    login(client, "admin")
    asked = f"/admin/handover/?leaver_id={sales}&way=department&preview=1"

    page = client.get(f"{asked}&department_id={place}").get_data(as_text=True)

    assert client.get(asked).status_code == 422
    preview = page.split('id="preview"', 1)[1]
    assert "sales2" in preview
    assert "reviewer2" in preview
