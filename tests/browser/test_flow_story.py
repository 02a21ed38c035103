"""A flow with an else-branch and parallel branches, played to its printed form.

A field is filled, a chain of stand-ins decides, somebody is deactivated in the middle, and the
administrator gives his task to another one.
"""

import datetime as dt

import pytest

from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.customers.customer import Customer, Level
from models.people.user import User
from services import approval
from services.records import records
from tests.approval.flows import flow, state, turn
from tests.approval.test_branches import CHOICE, LEVELS, PARALLEL, branch
from tests.support import clock
from tests.support.stage import PLAYED, staged
from tests.support.world import World, seed_people

pytestmark = pytest.mark.browser


@pytest.fixture(params=PLAYED)
def stage(request, databases):
    yield from staged(request, databases, seed_people)


def prepared(app):
    """Return (flow, customer, request): B takes the else-branch, and manager's tasks a chain."""
    with World(app) as world:
        world.now = clock.now()
        made = flow(
            world,
            branch(CHOICE, 1, "admin", condition=LEVELS["a"]),
            branch(CHOICE, 2, "reviewer", fills=["level", "street"], fills_needed=True),
            branch(PARALLEL, 1, "manager", split=2),
            branch(PARALLEL, 2, "finance", split=2),
        )
        day = world.now.date()
        for who, to in (("manager", "finance"), ("finance", "reviewer2")):
            with world.acting(who):
                days = {"from_on": day, "to_on": day + dt.timedelta(days=1)}
                approval.delegate(world.call, to=world.id_of(to), reason=None, **days)
        customer, request = world.submitted(company="黄石东贝", level="b")
        return made, customer, request


def ask(app, work):
    with World(app) as world:
        world.now = clock.now()
        world.be("admin")
        return work(world)


def deactivated(app, who):
    def work(world):
        with world.acting("admin"):
            found = world.get(User, world.id_of(who))
            records.update(world.call, found, {"active": False}, seen=None)

    ask(app, work)


def looked_at(stage, made, customer):
    """Return the administrator's window, in which he has seen the branches of a flow."""
    admin = stage.go(stage.visit("admin"), f"/admin/flow/new/?base={made}")
    places = admin.locator(".step .hd .tag").all_inner_texts()
    assert places[:2] == [stage.say("如果"), stage.say("否则")]
    assert admin.locator(".step.forked").count() == 4
    stage.keep(admin, "flow-editor-branches")
    stage.go(admin, f"/admin/flow/trial/?flow={made}&record={customer}")
    assert admin.locator(".tried > li.on").count() == 3
    stage.keep(admin, "flow-trial-branches")
    return admin


def test_a_flow_with_branches_is_played_to_its_printed_form(stage):
    app = stage.app
    made, customer, request = prepared(app)
    admin = looked_at(stage, made, customer)
    reviewer = stage.go(stage.visit("reviewer"), f"/admin/inbox/?id={request}")
    level = reviewer.locator("[data-fills] [name='fill-level']")
    level.select_option("c")
    reviewer.fill("[name='fill-street']", "")
    stage.keep(reviewer, "panel-fills")
    reviewer.click("[data-decide] button[value=approve]")
    reviewer.wait_for_selector("[data-fills] .err")
    assert ask(app, lambda world: turn(world, request)) == ["reviewer"]
    reviewer.fill("[name='fill-street']", "二路 5 号")
    reviewer.click("[data-decide] button[value=approve]")
    reviewer.wait_for_selector(".toast")
    assert ask(app, lambda world: turn(world, request)) == ["reviewer2", "reviewer2"]

    deactivated(app, "reviewer2")
    holders = ask(app, lambda world: set(turn(world, request)))
    assert holders
    assert "reviewer2" not in holders
    stage.go(admin, f"/admin/request/?id={request}")
    stage.keep(admin, "request-lanes")
    holder = admin.locator("#give-holder")
    names = holder.locator("option").all_inner_texts()
    assert set(names) == holders
    holder.select_option(index=0)
    key = ask(app, lambda world: str(world.id_of("reviewer")))
    admin.select_option("#give-to", key)
    admin.fill("#give-why", "请代为处理")
    admin.click("form[action$='/give/'] button")
    admin.wait_for_selector(".toast")
    left = ask(app, lambda world: set(turn(world, request)))
    assert left == (holders - {names[0]}) | {"reviewer"}

    for who in sorted(left):
        page = stage.go(stage.visit(who), f"/admin/request/?id={request}")
        page.click("#decide button[value=approve]")
        page.wait_for_selector(".toast")
    assert ask(app, lambda world: state(world, request)) is Approval.approved
    found = ask(app, lambda world: world.get(Customer, customer))
    assert (found.level, found.street) == (Level.c, "二路 5 号")
    digest = ask(app, lambda world: world.get(ApprovalRequest, request).payload_hash)
    stage.site.go(reviewer, f"/admin/request/form/?id={request}")
    text = reviewer.locator("body").inner_text()
    told = (digest, "二路 5 号", stage.say("签字"), stage.say("审批人填写"))
    assert [one for one in told if one not in text] == []
    stage.keep(reviewer, "printed-form")
