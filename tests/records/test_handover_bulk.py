"""移交 of chosen customers: with their open work, to one or several, and back again."""

import pytest
import sqlalchemy as sa

from models.approval.task import ApprovalTask, TaskState
from models.bulk.batch import BatchJob
from models.customers.customer import Customer, Level
from models.deals.payment_plan import PaymentPlan
from models.delivery.notification import NoticeKind, Notification
from models.ownership.handover import Handover
from models.ownership.ownership import MoveKind, OwnershipMove
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.bulk import jobs, runner
from services.core.errors import Forbidden, Invalid, Locked
from services.handover import handover_bulk
from services.ownership import ownership
from tests.records.test_handover import book, owners
from tests.support.page import tight
from tests.support.visitors import Visitors
from tests.support.world import World

A = Level.a


def hand(world, keys, people, who="admin", seen=None):
    """Hand customers over; return (job, customer → code)."""
    with world.acting(who):
        task = handover_bulk.handing(
            world.session, map(world.id_of, people), "调岗", by=world.actor
        )
        items = [(key, (seen or {}).get(key)) for key in keys]
        job = runner.perform(world.call, task, items)
        return job.id, {item.target_id: item.code for item in job.items}


def counted(world, keys, who="admin"):
    with world.acting(who):
        return handover_bulk.counts(world.session, keys, by=world.actor)


def test_chosen_customers_go_with_their_open_work_and_the_rest_stays(world):
    chosen, left = book(world, A, A)
    sales, other = world.id_of("sales"), world.id_of("sales2")
    before = counted(world, [chosen])

    _job, codes = hand(world, [chosen], ["sales2"])

    assert before == dict.fromkeys(("customers", "opportunities", "instalments", "plans"), 1) | {
        "tasks": 0
    }
    assert codes == {chosen: None}
    for model in (Customer, Opportunity, PaymentPlan, FollowUpPlan):
        assert owners(world, model) == [other, sales], model
    move = world.session.scalars(sa.select(OwnershipMove)).one()
    assert (move.kind, move.note, move.to_id) == (MoveKind.handover, "调岗", other)
    assert world.get(Customer, left).owner_id == sales


def test_several_givers_and_several_receivers_in_turn(world):
    keys = book(world, A, A, A)
    keys.append(world.customer("sales2"))

    hand(world, keys, ["manager", "sales2"])

    manager, other = world.id_of("manager"), world.id_of("sales2")
    assert owners(world, Customer) == [manager, other, manager, manager]
    assert owners(world, Opportunity) == [manager, other, manager]
    givers = set(world.session.scalars(sa.select(Handover.leaver_id)))
    assert givers == {world.id_of("sales"), other}
    told = sa.select(Notification.user_id).where(Notification.kind == NoticeKind.handover)
    with world.acting("manager"):
        assert len(world.session.scalars(told).all()) == 2  # one a giver


def moved(world, key, **values):
    """Write a customer's people past everybody."""
    with world.acting("admin"):
        table = Customer.__table__
        world.session.execute(
            sa.update(table).where(table.c.id == key).values(values),
            execution_options={"rule": "ownership"},
        )


def test_each_that_cannot_go_says_why_and_the_rest_goes(world):
    keys = first, second, pool, foreign = book(world, A, A, A, A)
    hidden = world.customer("sales2")
    moved(world, pool, owner_id=None, technical_id=world.id_of("manager"))
    moved(world, foreign, owner_id=world.id_of("sales2"), technical_id=world.id_of("manager"))
    moved(world, second, row_version=99)

    _job, codes = hand(world, [*keys, hidden], ["sales2"], "manager", seen={second: 1})

    assert codes == {
        first: None,
        second: "CONTENT_CHANGED",
        pool: "LOCKED",
        foreign: "FORBIDDEN",
        hidden: "NOT_FOUND",
    }
    _job, codes = hand(world, [first], ["sales2"])
    assert codes == {first: "INVALID"}  # already his


def test_a_task_about_a_chosen_customer_goes_on_and_others_stay(world):
    key, request = world.submitted("manager", owner_id=world.id_of("reviewer"))
    _other, unrelated = world.submitted()
    task = ApprovalTask

    hand(world, [key], ["reviewer2"])

    world.be("admin")
    query = sa.select(task.request_id, task.assignee_id).where(task.state == TaskState.open)
    found = {tuple(row) for row in world.session.execute(query)}
    assert (request, world.id_of("reviewer2")) in found
    assert (request, world.id_of("reviewer")) not in found
    assert (unrelated, world.id_of("reviewer")) in found


def test_it_is_taken_back_once_but_for_what_moved_on(world):
    first, second = book(world, A, A)
    sales, manager = world.id_of("sales"), world.id_of("manager")
    job_id, _codes = hand(world, [first, second], ["sales2"])
    with world.acting("admin"):
        row = world.get(Customer, second)
        ownership.assign(world.call, row, manager, note=None)
        job = jobs.frozen(world.session, job_id)
        back = handover_bulk.take_back(world.call, job)

    assert back[0] == 1
    assert len(back[1]) == 2  # the customer that moved on, and its deal, by name
    assert owners(world, Customer) == [sales, manager]
    assert owners(world, Opportunity) == [sales, manager]
    world.be("admin")
    job = jobs.frozen(world.session, job_id)
    with pytest.raises(Locked):
        handover_bulk.take_back(world.call, job)


def test_only_who_may_hands_over_and_somebody_has_to_receive(world):
    key = world.approved("sales")
    with pytest.raises(Forbidden):
        hand(world, [key], ["sales2"], who="sales")
    for people in ([], [10**9]):
        with pytest.raises(Invalid), world.acting("admin"):
            handover_bulk.handing(world.session, people, None, by=world.actor)
    assert counted(world, [key], who="manager")["customers"] == 1


def test_the_page_counts_asks_for_receivers_and_takes_back(app):
    with World(app) as world:
        keys = book(world, A, A)
        sales, other, manager = (world.id_of(who) for who in ("sales", "sales2", "manager"))
    visitors = Visitors(app)
    action, form = "/admin/customer/action/", {"action": "handover", "rowid": keys}

    page = visitors.post("admin", action, form).get_data(as_text=True)
    lacking = visitors.post("admin", action, {**form, "sure": "1"})
    done = visitors.post(
        "admin", action, {**form, "sure": "1", "people": [other, manager], "comment": "调岗"}
    )

    assert "<dt>进行中商机</dt><dd>2</dd>" in tight(page)
    assert "移交：共 2 条记录" in page
    assert lacking.status_code == 422
    assert done.status_code == 303
    assert visitors.post("sales", action, form).status_code == 403
    with World(app) as world:
        assert owners(world, Customer) == [other, manager]
        job = world.session.scalar(sa.select(sa.func.max(BatchJob.id)))
    assert ">撤销移交<" in tight(visitors.get("admin", f"/admin/batch/?id={job}").text)
    visitors.post("admin", "/admin/batch/undo/", {"id": job})
    assert ">撤销移交<" not in tight(visitors.get("admin", f"/admin/batch/?id={job}").text)
    assert visitors.post("admin", "/admin/batch/undo/", {"id": job}).status_code == 409
    with World(app) as world:
        assert owners(world, Customer) == [sales, sales]


def test_a_row_that_was_left_out_leads_to_its_record(app):
    with World(app) as world:
        key = world.approved("sales2")
        job_id, codes = hand(world, [key], ["sales2"])
    page = Visitors(app).get("admin", f"/admin/batch/?id={job_id}").get_data(as_text=True)

    assert codes == {key: "INVALID"}
    assert f'<a href="/admin/customer/details/?id={key}">' in page
    assert "回到待我处理" not in page
