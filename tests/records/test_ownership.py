"""Law 14 and 公海: claims with limits, return by the clock, a leaver's hand-over in one step."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from models.approval.task import ApprovalTask, TaskState
from models.core.base import Model
from models.customers.contact import Contact
from models.customers.customer import Customer, Level
from models.deals.contract import Contract
from models.ownership.ownership import MoveKind, OwnershipMove
from models.people.user import User
from models.sales.follow_up import FollowUp, FollowUpKind
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.core.errors import Forbidden, Invalid, Locked
from services.core.settings import save_settings
from services.handover import handover
from services.ownership import ownership, pool
from services.rights.actor import SYSTEM
from services.rights.call import Call
from services.sales.opportunity import move_stage
from tests.support.world import NOW, World, login, token_of

DAY = dt.timedelta(days=1)
LONG = 200 * DAY
LATER = NOW + DAY


def pooled(world, n=1):
    """Return the keys of customers in the pool."""
    keys = [world.approved() for _n in range(n)]
    with world.acting("admin"):
        for key in keys:
            row = world.get(Customer, key)
            ownership.release(Call(world.session, world.actor, world.now - LONG), row, note=None)
    return keys


def claim(world, key, who="sales", now=None):
    with world.acting(who):
        row = world.get(Customer, key)
        ownership.claim(Call(world.session, world.actor, now or world.now), row)


def owner(world, key):
    customer = Customer.__table__
    return world.session.execute(
        sa.select(customer.c.owner_id).where(customer.c.id == key)
    ).scalar_one()


def setting(world, **values):
    with world.acting("admin"):
        save_settings(world.session, {f"pool.{k}": str(v) for k, v in values.items()})


def test_a_pool_customer_is_claimed_once_and_by_one(world):
    (key,) = pooled(world)

    claim(world, key)

    assert owner(world, key) == world.id_of("sales")
    with pytest.raises(Forbidden):
        claim(world, pooled(world)[0], "finance")
    moves = world.session.execute(
        sa.select(OwnershipMove.__table__.c.kind).order_by(OwnershipMove.__table__.c.id)
    ).scalars()
    assert list(moves)[:2] == [MoveKind.release, MoveKind.claim]


def test_of_two_who_claim_at_once_the_second_is_refused(world):
    (key,) = pooled(world)
    by = world.be("sales2")
    row = world.get(Customer, key)
    table = Customer.__table__
    world.session.execute(
        sa.update(table).where(table.c.id == key).values(owner_id=world.id_of("sales")),
        execution_options={"rule": "ownership"},
    )

    assert row.owner_id is None  # what he saw
    with pytest.raises(Locked):
        ownership.claim(Call(world.session, by, world.now), row)


def test_claims_stop_at_the_limits_of_a_day_and_of_a_person(world):
    keys = pooled(world, 3)
    setting(world, claims_a_day=1)

    claim(world, keys[0])
    with pytest.raises(Locked) as refusal:
        claim(world, keys[1])
    assert refusal.value.code == "LIMIT"

    claim(world, keys[1], now=world.now + DAY)
    setting(world, claims_a_day=10, max_owned=2)
    with pytest.raises(Locked):
        claim(world, keys[2], now=world.now + DAY)


def test_who_gave_a_customer_back_waits_before_he_may_claim_it(world):
    (key,) = pooled(world)
    claim(world, key)
    with world.acting("sales"):
        row = world.get(Customer, key)
        ownership.release(world.call, row, note="对方不需要")

    with pytest.raises(Locked) as refusal:
        claim(world, key)
    assert refusal.value.code == "COOLDOWN"

    claim(world, key, "sales2")
    assert owner(world, key) == world.id_of("sales2")


def test_an_open_deal_keeps_a_customer_out_of_the_pool(world):
    key = world.approved()
    world.opportunity(key)

    world.be("sales")
    row = world.get(Customer, key)
    with pytest.raises(Locked):
        ownership.release(world.call, row, note=None)


def test_customers_nobody_follows_go_back_by_level_after_a_warning(world):
    late = world.approved(level=Level.a)
    slow = world.approved(level=Level.d)
    deal = world.approved(level=Level.a)
    world.opportunity(deal)
    called = world.approved(level=Level.a)
    now = world.now + 28 * DAY
    world.now = now - 2 * DAY
    with world.acting("sales"):
        world.create(FollowUp, customer_id=called, content="电话")

    world.be(SYSTEM)
    warned = ownership.warnings(world.session, now=now)
    due = ownership.idle(world.session, now=now)
    later = ownership.return_idle(Call(world.session, SYSTEM, now + 3 * DAY))
    world.session.commit()

    assert [(w.customer_id, w.owner_id) for w in warned] == [(late, world.id_of("sales"))]
    assert warned[0].returns_on == dt.date(2026, 12, 23)
    assert due == []
    assert [x.customer_id for x in later] == [late]
    assert owner(world, late) is None
    assert all(owner(world, key) for key in (slow, deal, called))


def test_zero_days_means_never(world):
    world.approved(level=Level.a)
    setting(world, days_a=0, days_b=0, days_c=0, days_d=0)

    world.be(SYSTEM)
    assert ownership.idle(world.session, now=world.now + 999 * DAY) == []


def leaving(world):
    """Give sales a bit of everything; return (customer, opportunity, contract)."""
    key = world.approved()
    deal = world.approved(model=Opportunity, key=world.opportunity(key))
    closed = world.approved(model=Opportunity, key=world.opportunity(key))
    plan = [
        {"amount": 40_000_00, "due_on": dt.date(2026, 11, 1)},
        {"amount": 60_000_00, "due_on": dt.date(2026, 12, 1)},
    ]
    contract = world.approved(model=Contract, key=world.contract(key, plan=plan))
    world.customer()  # a draft goes along
    world.submitted()  # and what is in review
    with world.acting("sales"):
        next_at = world.now + DAY
        world.create(FollowUp, customer_id=key, content="电话", next_at=next_at)
        row = world.get(Opportunity, closed)
        values = {"stage_id": world.stage("won")}
        move_stage(world.call, row, values)
    return key, deal, closed, contract


def rows(world, *skip):
    """Return the rows of what a hand-over must leave alone, without the given columns."""
    world.be("admin")
    found = {}
    for name in (
        "stage_history",
        "follow_up",
        "contract",
        "contract_line",
        "approval_event",
        "approval_request",
        "contact",
        "opportunity",
        "customer",
        "payment_plan",
        "follow_up_plan",
    ):
        table = Model.metadata.tables[name]
        columns = [c for c in table.c if c.name not in skip]
        found[name] = sorted(map(repr, world.session.execute(sa.select(*columns)).all()))
    return found


MOVED = ("owner_id", "owner_department_id", "row_version", "updated_at")


def test_a_hand_over_moves_all_that_is_open_and_leaves_history_alone(world):
    key, deal, closed, contract = leaving(world)
    leaver, heir = world.id_of("sales"), world.id_of("sales2")
    before = rows(world, *MOVED)

    with world.acting("admin"):
        load = handover.load_of(world.session, leaver, by=world.actor)
        done = handover.hand_over(world.call, leaver, heir, note="离职")

    assert done == load
    assert done | {"tasks": 0} == {
        "customers": 3, "opportunities": 1, "instalments": 2, "plans": 1, "tasks": 0,
    }  # fmt: skip
    assert rows(world, *MOVED) == before
    world.be("admin")
    assert world.get(Opportunity, deal).owner_id == heir
    assert world.get(Opportunity, closed).owner_id == leaver
    assert world.get(Opportunity, closed).closing_owner_id == leaver
    assert world.get(Contract, contract).signer_id == leaver
    assert {line.owner_id for line in world.get(Contract, contract).plan} == {heir}
    customer = world.get(Customer, key)
    assert (customer.owner_id, customer.created_owner_id) == (heir, leaver)
    assert handover.load_of(world.session, leaver, by=world.actor)["customers"] == 0


def test_sight_goes_with_the_customer(world):
    key, *_rest = leaving(world)
    with world.acting("admin"):
        handover.hand_over(world.call, world.id_of("sales"), world.id_of("sales2"), note=None)

    world.be("sales2")
    assert world.get(Customer, key) is not None
    assert world.session.scalars(sa.select(FollowUp)).all()


def test_open_tasks_go_to_the_heir_but_never_to_the_submitter(world):
    _key, first = world.submitted()
    _other, second = world.submitted("admin", key=world.customer("admin"))
    reviewer, heir = world.id_of("reviewer"), world.id_of("admin")

    with world.acting("admin"):
        handover.hand_over(world.call, reviewer, heir, note=None)

    task = ApprovalTask
    world.be("admin")

    def open_of(request):
        query = sa.select(task.assignee_id).where(
            task.request_id == request, task.state == TaskState.open
        )
        return set(world.session.scalars(query))

    assert heir in open_of(first)
    assert reviewer not in open_of(first)
    assert heir not in open_of(second)
    assert open_of(second)


def test_a_manager_hands_over_his_own_people_only(world):
    by = world.be("manager")

    with pytest.raises(Forbidden):
        handover.load_of(world.session, world.id_of("sales2"), by=by)
    with pytest.raises(Forbidden):
        handover.load_of(world.session, world.id_of("sales"), by=world.be("sales"))
    by = world.be("manager")
    sales = world.id_of("sales")
    with pytest.raises(Invalid):
        handover.hand_over(Call(world.session, by, world.now), sales, sales, note=None)


def test_an_assignment_takes_the_open_work_along(world):
    key, deal, *_rest = leaving(world)
    heir = world.id_of("sales2")

    with world.acting("admin"):
        row = world.get(Customer, key)
        ownership.assign(world.call, row, heir, note="区域调整")

    world.be("admin")
    assert world.get(Customer, key).owner_id == heir
    assert world.get(Opportunity, deal).owner_id == heir
    assert {p.owner_id for p in world.session.scalars(sa.select(FollowUpPlan))} == {heir}


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (FollowUp, {"content": "电话", "kind": FollowUpKind.call}),
        (FollowUpPlan, {"due_at": LATER, "kind": FollowUpKind.call}),
        (Opportunity, {"name": "产线改造"}),
        (Contract, {"name": "供货合同"}),
        (Contact, {"name": "李娜", "mobile": "13700137000"}),
    ],
)
def test_a_pool_customer_is_worked_by_who_claimed_it(world, model, values):
    (key,) = pooled(world)

    with pytest.raises(Invalid) as refusal, world.acting("sales"):
        world.create(model, customer_id=key, **values)
    assert dict(refusal.value.errors) == {"customer_id": pool.CLAIM_FIRST}

    claim(world, key, "sales2")
    with world.acting("sales2"):
        assert world.create(model, customer_id=key, **values).id


def test_office_and_the_technical_collaborator_work_the_pool_without_a_claim(world):
    (key,) = pooled(world)
    with world.acting("admin"):
        world.get(Customer, key).technical_id = world.id_of("sales2")
    values = {"customer_id": key, "content": "电话", "kind": FollowUpKind.call}

    for who in ("office", "sales2"):
        with world.acting(who):
            assert world.create(FollowUp, **values).id


def test_the_pages_say_where_to_claim_first(app):
    with World(app) as world:  # a customer with moves: its timeline tells from whom to whom
        (key,) = pooled(world)
    client = app.test_client()
    login(client, "sales")
    whole = client.get(f"/admin/customer/360/?id={key}").get_data(as_text=True)
    details = client.get(f"/admin/customer/details/?id={key}").get_data(as_text=True)
    data = {"csrf_token": token_of(whole), "customer_id": str(key), "content": "x", "kind": "call"}

    answer = client.post("/admin/followup/new/", data=data | {"_save": "1"})

    assert "退回公海" in whole
    assert "公海客户，请先领取" in whole
    assert 'class="card composer"' not in whole
    assert "/admin/customer/claim/" in details
    assert "写跟进" not in details
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "公海客户，请先领取" in page
    assert f"/admin/customer/360/?id={key}" in page


def test_the_pages_claim_and_hand_over_without_a_script(lite):
    with World(lite) as world:
        (key,) = pooled(world)
        sales, heir = world.id_of("sales"), world.id_of("sales2")
    client = lite.test_client()
    login(client, "sales")
    page = client.get("/admin/pool/").get_data(as_text=True)
    claimed = client.post("/admin/customer/claim/", data={"csrf_token": token_of(page), "id": key})
    admin = lite.test_client()
    login(admin, "admin")
    wizard = admin.get(f"/admin/handover/?leaver_id={sales}").get_data(as_text=True)
    data = {"csrf_token": token_of(wizard), "leaver_id": sales, "to_id": heir, "disable": "1"}
    done = admin.post("/admin/handover/", data=data)

    assert not re.search(r"138\d{8}", page)
    assert claimed.status_code == done.status_code == 303
    with World(lite) as world:
        assert owner(world, key) == heir
        assert world.session.get(User, sales).active is False


def test_a_plan_left_in_the_pool_is_nobodys_delay(small):
    key = small.approved()
    with small.acting("sales"):
        small.create(FollowUpPlan, customer_id=key, due_at=LATER, kind=FollowUpKind.call)
    small.app.config["TCOS_CLOCK"] = lambda: NOW + 5 * DAY  # the plan is late
    client = small.app.test_client()
    login(client, "sales")

    def late():
        page = client.get("/admin/customer/?tab=overdue").get_data(as_text=True)
        return f'data-id="{key}"' in page

    assert late()
    with small.acting("sales"):
        ownership.release(small.call, small.get(Customer, key), note=None)
    assert not late()
    claim(small, key, "sales2")
    small.be("sales2")
    assert small.session.scalar(sa.select(FollowUpPlan.owner_id)) == small.id_of("sales2")
