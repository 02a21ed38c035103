"""Whatever changes an owner goes through one service: open work moves along, the move is kept.

And an undo restores only what still holds what it wrote.
"""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.bulk.batch import BatchJob, BatchVerb, ItemState
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.delivery.notification import NoticeKind, Notification
from models.ownership.handover import Handover
from models.ownership.ownership import MoveKind, OwnershipMove
from models.people.user import User
from models.records.dictionary import DictionaryKind, DictionaryOption
from models.sales.follow_up import FollowUpKind
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.bulk import edits, jobs, record_verbs, runner
from services.core.errors import Forbidden, Invalid
from services.customers import merge
from services.handover import handover
from services.ownership import ownership
from services.records import records
from services.rights.actor import SYSTEM
from services.sales.opportunity import move_stage
from tests.support import kept
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World

NEXT = dt.datetime(2026, 12, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
@kept.step
def held(world):
    """Return the keys of an approved customer of sales and its open deal, with a plan on it."""
    key = world.approved()
    deal = world.opportunity(key)
    with world.acting("sales"):
        planned = {"kind": FollowUpKind.call, "due_at": NEXT, "opportunity_id": deal}
        world.create(FollowUpPlan, customer_id=key, **planned)
    return key, deal


def owners(world, key):
    """Return who has the customer, its deals and its plans, by short name."""
    world.be(SYSTEM)
    names = dict(world.session.execute(sa.select(User.id, User.name)).all())
    of = {
        "customer": sa.select(Customer.owner_id).where(Customer.id == key),
        "deal": sa.select(Opportunity.owner_id).where(Opportunity.customer_id == key),
        "plan": sa.select(FollowUpPlan.owner_id).where(FollowUpPlan.customer_id == key),
    }
    return {what: names.get(world.session.scalar(query)) for what, query in of.items()}


def moves(world, key):
    query = sa.select(OwnershipMove.kind, OwnershipMove.from_id, OwnershipMove.to_id)
    where = OwnershipMove.customer_id == key
    return [tuple(row) for row in world.session.execute(query.where(where))]


def by_form(world, key, to_id):
    with world.acting("admin"):
        row = world.get(Customer, key)
        records.update(world.call, row, {"owner_id": to_id}, seen=None)


def by_bulk_edit(world, key, to_id):
    with world.acting("admin"):
        task = edits.editing(world.session, Customer, {"owner_id": to_id})
        job = runner.perform(world.call, task, [(key, None)])
        assert jobs.tally(world.session, job.id) == {ItemState.done: 1}


def by_assigning(world, key, to_id):
    with world.acting("admin"):
        row = world.get(Customer, key)
        ownership.assign(world.call, row, to_id, note=None)


@pytest.mark.parametrize("door", [by_form, by_bulk_edit, by_assigning])
def test_another_owner_takes_open_work_along_by_every_door(world, held, door):
    key, _deal = held
    sales, other = world.id_of("sales"), world.id_of("sales2")

    door(world, key, other)

    assert owners(world, key) == dict.fromkeys(("customer", "deal", "plan"), "sales2")
    assert moves(world, key) == [(MoveKind.assign, sales, other)]
    told = sa.select(Notification.user_id).where(Notification.kind == NoticeKind.assigned)
    assert list(world.session.scalars(told)) == [other]


def test_the_screens_change_an_owner_the_same_way(lite):
    with World(lite) as world:
        key = world.approved()
        world.opportunity(key)
        sales, other = world.id_of("sales"), world.id_of("sales2")
        seen = world.get(Customer, key).row_version
    visitors = Visitors(lite)

    answer = visitors.post(
        "admin",
        "/admin/customer/ajax/update/",
        {"id": key, "row_version": seen, "field": "owner_id", "value": other},
        headers=AJAX,
    )

    assert answer.status_code == 200, answer.get_data(as_text=True)
    with World(lite) as world:
        assert owners(world, key)["deal"] == "sales2"
        assert moves(world, key) == [(MoveKind.assign, sales, other)]


def test_an_owner_left_blank_is_the_pool_but_not_with_an_open_deal(world, held):
    key, deal = held
    with pytest.raises(Invalid) as refusal:
        by_form(world, key, None)
    assert set(refusal.value.errors) == {"owner_id"}
    assert owners(world, key)["customer"] == "sales"

    with world.acting("sales"):
        row = world.get(Opportunity, deal)
        reason = sa.select(DictionaryOption.id).where(
            DictionaryOption.kind == DictionaryKind.lost_reason
        )
        values = {"stage_id": world.stage("lost"), "lost_reason_id": world.session.scalar(reason)}
        move_stage(world.call, row, values)
    by_form(world, key, None)

    assert owners(world, key) == {"customer": None, "deal": "sales", "plan": None}
    assert moves(world, key) == [(MoveKind.release, world.id_of("sales"), None)]


def test_nothing_writes_an_owner_past_the_service(small):
    key = small.approved()
    for who, rule in (("admin", None), ("admin", "import"), (SYSTEM, None)):
        small.be(who)
        row = small.get(Customer, key)
        small.session.info["rule"] = rule
        row.owner_id = small.id_of("sales2")
        with pytest.raises(Forbidden):
            small.session.flush()
        small.session.info["rule"] = None
        small.session.rollback()


def test_a_deal_and_a_contract_that_change_hands_take_plans_and_unpaid_instalments(world, held):
    key, deal = held
    contract = world.contract(key)
    other = world.id_of("sales2")
    with world.acting("admin"):
        for model, record in ((Opportunity, deal), (Contract, contract)):
            row = world.get(model, record)
            values = {"owner_id": other}
            records.update(world.call, row, values, seen=None)

    assert owners(world, key) == {"customer": "sales", "deal": "sales2", "plan": "sales2"}
    assert {line.owner_id for line in world.get(Contract, contract).plan} == {other}


def merged(world, take):
    """Return (kept, dropped, merge): sales' customer and sales2's, merged by office."""
    kept = world.approved(company="武汉光谷精工有限公司")
    dropped = world.approved("sales2", company="武汉东湖精工有限公司", street="光谷大道 77 号")
    with world.acting("office"):
        plan = merge.plan(world.session, kept, dropped, take, by=world.actor)
        seen = (plan.kept.row_version, plan.dropped.row_version)
        done = merge.merge(world.call, plan, seen=seen).id
    return kept, dropped, done


def undone(world, done):
    with world.acting("office"):
        found = merge.undo(world.call, done)
        return [str(caption) for caption in found.left]


def test_a_merge_that_takes_the_other_owner_moves_the_work_and_back(world):
    kept, _dropped, done = merged(world, {"owner_id": "dropped"})
    sales, other = world.id_of("sales"), world.id_of("sales2")
    assert moves(world, kept) == [(MoveKind.assign, sales, other)]

    assert undone(world, done) == []

    assert owners(world, kept)["customer"] == "sales"
    assert moves(world, kept)[-1] == (MoveKind.assign, other, sales)


def test_undoing_a_merge_keeps_what_was_written_since_and_names_it(world):
    kept, dropped, done = merged(world, {"company": "dropped"})
    with world.acting("admin"):
        row = world.get(Customer, kept)
        values = {"remark": "已寄样品", "street": "高新大道 9 号"}
        records.update(world.call, row, values, seen=None)
    with world.acting("admin"):
        row = world.get(Customer, kept)
        manager = world.id_of("manager")
        ownership.assign(world.call, row, manager, note=None)

    left = undone(world, done)

    world.be("admin")
    row = world.get(Customer, kept)
    assert row.company == "武汉光谷精工有限公司"  # as the merge left it: it goes back
    assert (row.remark, row.owner_id) == ("已寄样品", manager)
    assert "亚为销售员" in left
    assert world.get(Customer, dropped).company == "武汉东湖精工有限公司"


def test_undoing_a_merge_keeps_a_primary_contact_chosen_since(world):
    kept, dropped, done = merged(world, {merge.CONTACT: "dropped"})
    with world.acting("admin"):
        fresh = world.create(Contact, customer_id=kept, name="周敏", mobile="13912345678").id
    contact = Contact.__table__
    for ids, on in ((contact.c.customer_id == kept, False), (contact.c.id == fresh, True)):
        world.session.execute(
            sa.update(contact).where(ids).values(is_primary=on), execution_options={"rule": "merge"}
        )
    world.session.commit()

    assert undone(world, done) == ["主要联系人"]

    world.be("admin")
    primary = {
        key: [c.id for c in world.get(Customer, key).contacts if c.is_primary]
        for key in (kept, dropped)
    }
    assert primary[kept] == [fresh]
    assert len(primary[dropped]) == 1


def test_taking_a_bulk_deletion_back_leaves_what_was_deleted_again(world):
    mine = [world.customer("sales") for _n in range(2)]
    with world.acting("sales"):
        job = runner.perform(
            world.call,
            jobs.Task(BatchVerb.delete, "customer"),
            [(key, world.get(Customer, key).row_version) for key in mine],
        )
        job_id = job.id
    with world.acting("admin"):
        again = runner.perform(
            world.call, record_verbs.restoring("customer", by=world.actor), [(mine[0], None)]
        )
        assert jobs.tally(world.session, again.id) == {ItemState.done: 1}
    with world.acting("sales"):
        row = world.get(Customer, mine[0])
        records.remove(world.call, row, seen=None)

    with world.acting("sales"):
        job = world.get(BatchJob, job_id)
        back = record_verbs.take_back(world.call, job)
        runner.run(world.call, back)
        tally = jobs.tally(world.session, back.id)

    assert tally == {ItemState.done: 1, ItemState.failed: 1}
    assert world.get(Customer, mine[0]) is None
    assert world.get(Customer, mine[1]) is not None


def test_undoing_a_hand_over_names_what_stays(world, held):
    key, _deal = held
    leaver, heir = world.id_of("sales"), world.id_of("sales2")
    with world.acting("admin"):
        handover.hand_over(world.call, leaver, heir, note=None)
        done = world.session.scalar(sa.select(Handover.id))
    with world.acting("admin"):
        row = world.get(Customer, key)
        to = world.id_of("manager")
        ownership.assign(world.call, row, to, note=None)
        company = row.company

    with world.acting("admin"):
        back, left = handover.undo(world.call, done)

    assert back["customers"] == 0
    assert company in left
    assert owners(world, key)["customer"] == "manager"
