"""The approval law of product.md section 6, on both databases."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalCopy, ApprovalRequest
from models.approval.task import ApprovalTask
from models.bulk.batch import ItemState
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer, CustomerClass
from models.deals.contract import Contract, ContractState
from models.people.user import User
from models.sales.follow_up import FollowUp, FollowUpKind, Origin
from models.sales.opportunity import Opportunity
from services.approval import decide, decide_many, submit, withdraw
from services.approval.inbox.timeline import timeline
from services.bulk import jobs
from services.core.errors import Forbidden, Invalid, Locked, NotVisible, Refused
from services.records import records
from services.rights.call import Call


def test_a_submission_gets_its_number_and_is_pending(world):
    key, request_id = world.submitted(**{"primary.mobile": "13800138000"})

    customer = world.get(Customer, key)
    request = world.get(ApprovalRequest, request_id)
    assert customer.code == "YAV-20261123-G1"
    assert customer.approval is Approval.pending
    assert request.seen_version == customer.row_version
    assert request.payload["values"]["primary.mobile"] == "13800138000"


def test_a_project_customer_has_the_letter_x_and_its_own_count(world):
    world.submitted()
    key, _request = world.submitted(customer_class=CustomerClass.project)

    assert world.get(Customer, key).code == "YAV-20261123-X1"


def test_what_is_missing_is_named_and_nothing_is_submitted(world):
    key = world.customer(company=None, **{"primary.mobile": None})

    with pytest.raises(Invalid) as refusal:
        world.submitted(key=key)

    assert set(refusal.value.errors) == {"company", "primary.mobile"}
    assert world.get(Customer, key).approval is Approval.draft
    assert world.session.scalar(sa.select(sa.func.count(ApprovalRequest.id))) == 0


def test_approval_writes_exactly_its_effects(world):
    key, request_id = world.submitted(**{"primary.mobile": "13800138000"})

    world.decided(request_id, comment="资料完整")

    world.be("admin")
    rows = world.session.scalars(sa.select(FollowUp).where(FollowUp.customer_id == key)).all()
    assert [(r.origin, r.kind, r.request_id) for r in rows] == [
        (Origin.approval, FollowUpKind.system, request_id)
    ]
    assert "资料完整" in rows[0].content
    assert "13800138000" not in rows[0].content
    world.be("sales")
    copies = world.session.scalars(sa.select(ApprovalCopy)).all()
    assert [(c.request_id, c.step, c.steps, c.read_at) for c in copies] == [
        (request_id, 1, 1, None)
    ]
    assert copies[0].comment == "资料完整"
    assert world.get(Customer, key).approval is Approval.approved


def test_nobody_approves_his_own_submission(world):
    key = world.customer("admin")
    with world.acting("admin"):
        record = world.get(Customer, key)
        request_id = submit(world.call, record).id
        reviewer = world.id_of("reviewer")
        world.session.execute(
            sa.update(ApprovalTask.__table__)
            .where(ApprovalTask.__table__.c.assignee_id == reviewer)
            .values(assignee_id=world.actor.id),
            execution_options={"rule": "approval"},
        )

    with pytest.raises(Refused) as refusal:
        world.decided(request_id, who="admin")

    assert refusal.value.code == "OWN_RECORD"
    assert world.get(Customer, key).approval is Approval.pending


def test_without_a_reviewer_the_admin_gets_it(world):
    with world.acting("admin"):
        for name in ("reviewer", "reviewer2"):
            user = world.session.get_one(User, world.id_of(name))
            user.active = False
    _key, request_id = world.submitted()

    world.be("admin")
    tasks = world.session.scalars(sa.select(ApprovalTask)).all()

    assert [t.assignee_id for t in tasks] == [world.id_of("admin")]
    assert world.decided(request_id, who="admin") is Approval.approved


def test_the_second_reviewer_is_told_that_it_was_handled(world):
    _key, request_id = world.submitted()
    world.decided(request_id)

    with pytest.raises(Refused) as refusal:
        world.decided(request_id, who="reviewer2")

    assert refusal.value.code == "ALREADY_HANDLED"


def test_a_version_that_was_not_seen_is_not_approved(world):
    _key, request_id = world.submitted()
    world.be("reviewer")

    job = decide_many(world.call, [(request_id, 99)], verb="approve", comment=None)

    assert [i.code for i in job.items] == ["CONTENT_CHANGED"]


def test_a_rejection_needs_a_comment(world):
    _key, request_id = world.submitted()

    with pytest.raises(Invalid) as refusal:
        world.decided(request_id, verb="reject", comment="  ")

    assert "comment" in refusal.value.errors


def test_sales_cannot_approve(world):
    _key, request_id = world.submitted()

    with pytest.raises(Forbidden):
        world.decided(request_id, who="sales")


def test_three_rounds_stand_on_the_timeline_with_all_comments(world):
    key, request_id = world.submitted()
    for comment in ("缺执照", "缺电话"):
        world.decided(request_id, verb="reject", comment=comment)
        with world.acting("sales"):
            record = world.get(Customer, key)
            records.update(world.call, record, {"remark": comment}, seen=record.row_version)
        _key, request_id = world.submitted(key=key)
    world.decided(request_id, comment="好")

    world.be("sales")
    rounds = timeline(world.session, world.get(Customer, key))

    assert [r.round for r in rounds] == [3, 2, 1]
    assert [e.comment for r in reversed(rounds) for e in r.events if e.comment] == [
        "缺执照",
        "缺电话",
        "好",
    ]
    assert world.get(Customer, key).code == "YAV-20261123-G1"


def test_withdraw_gives_it_back_and_only_to_the_submitter(world):
    key, request_id = world.submitted()

    world.be("sales2")
    with pytest.raises(Refused):
        withdraw(world.call, request_id)
    with world.acting("sales"):
        withdraw(world.call, request_id)

    world.be("sales")
    assert world.get(Customer, key).approval is Approval.withdrawn
    with pytest.raises(Refused) as refusal:
        world.decided(request_id)
    assert refusal.value.code == "WITHDRAWN"


def test_a_pending_record_cannot_be_changed(world):
    key, _request = world.submitted()

    def change():
        with world.acting("sales"):
            record = world.get(Customer, key)
            records.update(world.call, record, {"company": "别的"}, seen=None)

    with pytest.raises(Locked):
        change()


def test_the_database_itself_guards_a_pending_record(world):
    key, _request = world.submitted()
    customer = Customer.__table__
    engine = db.engine

    for change in ({"company": "别的"}, {"approval": "draft"}, {"code": "YAV-1"}):
        with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
            connection.execute(sa.update(customer).where(customer.c.id == key).values(change))


def test_a_demoted_reviewer_decides_nothing(world):
    _key, request_id = world.submitted()
    with world.acting("admin"):
        user = world.session.get_one(User, world.id_of("reviewer"))
        user.roles = []
        seen = world.session.get_one(ApprovalRequest, request_id).seen_version

    # His task has moved on: he no longer sees the request, and whoever sends its number is refused.
    actor = world.be("reviewer")
    assert world.get(ApprovalRequest, request_id) is None
    with pytest.raises((Forbidden, NotVisible)):
        decide(
            Call(world.session, actor, world.now),
            request_id,
            seen=seen,
            verb="approve",
            comment=None,
        )


def test_an_opportunity_waits_for_its_customer(world):
    customer_id = world.customer()
    key = world.opportunity(customer_id)

    with pytest.raises(Invalid) as refusal:
        world.submitted(model=Opportunity, key=key)

    assert set(refusal.value.errors) == {"customer_id"}


def test_an_approved_contract_is_in_force_with_an_order(world):
    customer_id = world.approved()
    key = world.contract(customer_id, deliver_on=dt.date(2027, 1, 31))

    world.approved(model=Contract, key=key)

    world.be("admin")
    contract = world.get(Contract, key)
    assert contract.state is ContractState.active
    assert contract.code == "YAV-HT-20261123-01"
    assert [(p.ordinal, p.amount, p.due_on) for p in contract.plan] == [
        (1, 100_000_00, dt.date(2026, 11, 1))
    ]
    assert [o.code for o in contract.orders] == ["YAV-DD-20261123-01"]
    (delivered,) = [one for one in contract.orders[0].milestones if one.delivers]
    assert delivered.planned_on == dt.date(2027, 1, 31)


def test_of_a_hundred_four_bad_ones_fail_alone_and_only_they_are_retried(small):
    world = small
    pairs = [world.submitted() for _n in range(20)]
    items = [
        (request_id, world.get(ApprovalRequest, request_id).seen_version)
        for _key, request_id in pairs
    ]
    world.decided(items[0][0], who="reviewer2")
    with world.acting("sales"):
        withdraw(world.call, items[1][0])
    items[2] = (items[2][0], 99)
    items.append((10**9, 1))

    with world.acting("reviewer"):
        job = decide_many(world.call, items, verb="approve", comment="同意")
        codes = [i.code for i in job.items if i.state is ItemState.failed]
        assert sorted(codes) == ["ALREADY_HANDLED", "CONTENT_CHANGED", "NOT_FOUND", "WITHDRAWN"]
        assert sum(i.state is ItemState.done for i in job.items) == 17
        again = jobs.retry(world.call, job)
        assert len(again.items) == 4
