"""Law 14 and 公海: claims with limits, return by the clock, a leaver's hand-over in one step."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

import models as m
from services import handover, ownership, pool
from services.actor import SYSTEM
from services.errors import Forbidden, Invalid, Locked
from services.opportunity import move_stage
from services.settings import save_settings
from tests.support.world import NOW, World, login, token_of

DAY = dt.timedelta(days=1)
LONG = 200 * DAY
LATER = NOW + DAY


def pooled(world, n=1):
    """Return the keys of customers in the pool."""
    keys = [world.approved() for _n in range(n)]
    with world.acting("admin"):
        for key in keys:
            row = world.get(m.Customer, key)
            ownership.release(world.session, row, note=None, by=world.actor, now=world.now - LONG)
    return keys


def claim(world, key, who="sales", now=None):
    with world.acting(who):
        row = world.get(m.Customer, key)
        ownership.claim(world.session, row, by=world.actor, now=now or world.now)


def owner(world, key):
    customer = m.Customer.__table__
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
        sa.select(m.OwnershipMove.__table__.c.kind).order_by(m.OwnershipMove.__table__.c.id)
    ).scalars()
    assert list(moves)[:2] == [m.MoveKind.release, m.MoveKind.claim]


def test_of_two_who_claim_at_once_the_second_is_refused(world):
    (key,) = pooled(world)
    by = world.be("sales2")
    row = world.get(m.Customer, key)
    table = m.Customer.__table__
    world.session.execute(
        sa.update(table).where(table.c.id == key).values(owner_id=world.id_of("sales")),
        execution_options={"rule": "ownership"},
    )

    assert row.owner_id is None  # what he saw
    with pytest.raises(Locked):
        ownership.claim(world.session, row, by=by, now=world.now)


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
        row = world.get(m.Customer, key)
        ownership.release(world.session, row, note="对方不需要", by=world.actor, now=world.now)

    with pytest.raises(Locked) as refusal:
        claim(world, key)
    assert refusal.value.code == "COOLDOWN"

    claim(world, key, "sales2")
    assert owner(world, key) == world.id_of("sales2")


def test_an_open_deal_keeps_a_customer_out_of_the_pool(world):
    key = world.approved()
    world.opportunity(key)

    world.be("sales")
    row = world.get(m.Customer, key)
    with pytest.raises(Locked):
        ownership.release(world.session, row, note=None, by=world.actor, now=world.now)


def test_customers_nobody_follows_go_back_by_level_after_a_warning(world):
    late = world.approved(level=m.Level.a)
    slow = world.approved(level=m.Level.d)
    deal = world.approved(level=m.Level.a)
    world.opportunity(deal)
    called = world.approved(level=m.Level.a)
    now = world.now + 28 * DAY
    world.now = now - 2 * DAY
    with world.acting("sales"):
        world.create(m.FollowUp, customer_id=called, content="电话")

    world.be(SYSTEM)
    warned = ownership.warnings(world.session, now=now)
    due = ownership.idle(world.session, now=now)
    later = ownership.return_idle(world.session, by=SYSTEM, now=now + 3 * DAY)
    world.session.commit()

    assert [(w.customer_id, w.owner_id) for w in warned] == [(late, world.id_of("sales"))]
    assert warned[0].returns_on == dt.date(2026, 12, 23)
    assert due == []
    assert [x.customer_id for x in later] == [late]
    assert owner(world, late) is None
    assert all(owner(world, key) for key in (slow, deal, called))


def test_zero_days_means_never(world):
    world.approved(level=m.Level.a)
    setting(world, days_a=0, days_b=0, days_c=0, days_d=0)

    world.be(SYSTEM)
    assert ownership.idle(world.session, now=world.now + 999 * DAY) == []


def leaving(world):
    """Give sales a bit of everything; return (customer, opportunity, contract)."""
    key = world.approved()
    deal = world.approved(model=m.Opportunity, key=world.opportunity(key))
    closed = world.approved(model=m.Opportunity, key=world.opportunity(key))
    plan = [
        {"amount": 40_000_00, "due_on": dt.date(2026, 11, 1)},
        {"amount": 60_000_00, "due_on": dt.date(2026, 12, 1)},
    ]
    contract = world.approved(
        model=m.Contract, key=world.contract(key, opportunity_id=deal, plan=plan)
    )
    world.customer()  # a draft goes along
    world.submitted()  # and what is in review
    with world.acting("sales"):
        next_at = world.now + DAY
        world.create(m.FollowUp, customer_id=key, content="电话", next_at=next_at)
        row = world.get(m.Opportunity, closed)
        values = {"stage_id": world.stage("won")}
        move_stage(world.session, row, values, by=world.actor, now=world.now)
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
        table = m.Model.metadata.tables[name]
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
        done = handover.hand_over(
            world.session, leaver, heir, note="离职", by=world.actor, now=world.now
        )

    assert done == load
    assert (done.customers, done.opportunities, done.instalments, done.plans) == (3, 1, 2, 1)
    assert rows(world, *MOVED) == before
    world.be("admin")
    assert world.get(m.Opportunity, deal).owner_id == heir
    assert world.get(m.Opportunity, closed).owner_id == leaver
    assert world.get(m.Opportunity, closed).closing_owner_id == leaver
    assert world.get(m.Contract, contract).signer_id == leaver
    assert {line.owner_id for line in world.get(m.Contract, contract).plan} == {heir}
    customer = world.get(m.Customer, key)
    assert (customer.owner_id, customer.created_owner_id) == (heir, leaver)
    assert handover.load_of(world.session, leaver, by=world.actor).customers == 0


def test_sight_goes_with_the_customer(world):
    key, *_rest = leaving(world)
    with world.acting("admin"):
        handover.hand_over(
            world.session,
            world.id_of("sales"),
            world.id_of("sales2"),
            note=None,
            by=world.actor,
            now=world.now,
        )

    world.be("sales2")
    assert world.get(m.Customer, key) is not None
    assert world.session.scalars(sa.select(m.FollowUp)).all()


def test_open_tasks_go_to_the_heir_but_never_to_the_submitter(world):
    _key, first = world.submitted()
    _other, second = world.submitted("admin", key=world.customer("admin"))
    reviewer, heir = world.id_of("reviewer"), world.id_of("admin")

    with world.acting("admin"):
        handover.hand_over(world.session, reviewer, heir, note=None, by=world.actor, now=world.now)

    task = m.ApprovalTask
    world.be("admin")

    def open_of(request):
        query = sa.select(task.assignee_id).where(
            task.request_id == request, task.state == m.TaskState.open
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
        handover.hand_over(world.session, sales, sales, note=None, by=by, now=world.now)


def test_an_assignment_takes_the_open_work_along(world):
    key, deal, *_rest = leaving(world)
    heir = world.id_of("sales2")

    with world.acting("admin"):
        row = world.get(m.Customer, key)
        ownership.assign(world.session, row, heir, note="区域调整", by=world.actor, now=world.now)

    world.be("admin")
    assert world.get(m.Customer, key).owner_id == heir
    assert world.get(m.Opportunity, deal).owner_id == heir
    assert {p.owner_id for p in world.session.scalars(sa.select(m.FollowUpPlan))} == {heir}


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (m.FollowUp, {"content": "电话", "kind": m.FollowUpKind.call}),
        (m.FollowUpPlan, {"due_at": LATER, "kind": m.FollowUpKind.call}),
        (m.Opportunity, {"name": "产线改造"}),
        (m.Contract, {"name": "供货合同"}),
        (m.Contact, {"name": "李娜", "mobile": "13700137000"}),
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
        world.get(m.Customer, key).technical_id = world.id_of("sales2")
    values = {"customer_id": key, "content": "电话", "kind": m.FollowUpKind.call}

    for who in ("office", "sales2"):
        with world.acting(who):
            assert world.create(m.FollowUp, **values).id


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
        assert world.session.get(m.User, sales).active is False
