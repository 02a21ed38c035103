"""The approval law of product.md section 6, on both databases."""

import datetime as dt

import pytest
import sqlalchemy as sa

import models as m
from services import batches, records
from services.approval import decide, decide_many, submit, withdraw
from services.approval.timeline import timeline
from services.errors import Forbidden, Invalid, Locked, NotVisible, Refused


def test_a_submission_gets_its_number_and_is_pending(world):
    key, request_id = world.submitted(**{"primary.mobile": "13800138000"})

    customer = world.get(m.Customer, key)
    request = world.get(m.ApprovalRequest, request_id)
    assert customer.code == "YAV-20261123-G1"
    assert customer.approval is m.Approval.pending
    assert request.seen_version == customer.row_version
    assert request.payload["values"]["primary.mobile"] == "13800138000"


def test_a_project_customer_has_the_letter_x_and_its_own_count(world):
    world.submitted()
    key, _request = world.submitted(customer_class=m.CustomerClass.project)

    assert world.get(m.Customer, key).code == "YAV-20261123-X1"


def test_what_is_missing_is_named_and_nothing_is_submitted(world):
    key = world.customer(company=None, **{"primary.mobile": None})

    with pytest.raises(Invalid) as refusal:
        world.submitted(key=key)

    assert set(refusal.value.errors) == {"company", "primary.mobile"}
    assert world.get(m.Customer, key).approval is m.Approval.draft
    assert world.session.scalar(sa.select(sa.func.count(m.ApprovalRequest.id))) == 0


def test_approval_writes_exactly_its_effects(world):
    key, request_id = world.submitted(**{"primary.mobile": "13800138000"})

    world.decided(request_id, comment="资料完整")

    world.be("admin")
    rows = world.session.scalars(sa.select(m.FollowUp).where(m.FollowUp.customer_id == key)).all()
    assert [(r.origin, r.kind, r.request_id) for r in rows] == [
        (m.Origin.approval, m.FollowUpKind.system, request_id)
    ]
    assert "资料完整" in rows[0].content
    assert "13800138000" not in rows[0].content
    world.be("sales")
    copies = world.session.scalars(sa.select(m.ApprovalCopy)).all()
    assert [(c.request_id, c.step, c.steps, c.read_at) for c in copies] == [
        (request_id, 1, 1, None)
    ]
    assert copies[0].comment == "资料完整"
    assert world.get(m.Customer, key).approval is m.Approval.approved


def test_nobody_approves_his_own_submission(world):
    key = world.customer("admin")
    with world.acting("admin"):
        record = world.get(m.Customer, key)
        request_id = submit(world.session, record, by=world.actor, now=world.now).id
        reviewer = world.id_of("reviewer")
        world.session.execute(
            sa.update(m.ApprovalTask.__table__)
            .where(m.ApprovalTask.__table__.c.assignee_id == reviewer)
            .values(assignee_id=world.actor.id),
            execution_options={"rule": "approval"},
        )

    with pytest.raises(Refused) as refusal:
        world.decided(request_id, who="admin")

    assert refusal.value.code == "OWN_RECORD"
    assert world.get(m.Customer, key).approval is m.Approval.pending


def test_without_a_reviewer_the_admin_gets_it(world):
    with world.acting("admin"):
        for name in ("reviewer", "reviewer2"):
            user = world.session.get_one(m.User, world.id_of(name))
            user.active = False
    _key, request_id = world.submitted()

    world.be("admin")
    tasks = world.session.scalars(sa.select(m.ApprovalTask)).all()

    assert [t.assignee_id for t in tasks] == [world.id_of("admin")]
    assert world.decided(request_id, who="admin") is m.Approval.approved


def test_the_second_reviewer_is_told_that_it_was_handled(world):
    _key, request_id = world.submitted()
    world.decided(request_id)

    with pytest.raises(Refused) as refusal:
        world.decided(request_id, who="reviewer2")

    assert refusal.value.code == "ALREADY_HANDLED"


def test_a_version_that_was_not_seen_is_not_approved(world):
    _key, request_id = world.submitted()
    world.be("reviewer")

    job = decide_many(
        world.session,
        [(request_id, 99)],
        verb="approve",
        comment=None,
        by=world.actor,
        now=world.now,
    )

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
            record = world.get(m.Customer, key)
            records.update(
                world.session,
                record,
                {"remark": comment},
                seen=record.row_version,
                by=world.actor,
                now=world.now,
            )
        _key, request_id = world.submitted(key=key)
    world.decided(request_id, comment="好")

    world.be("sales")
    rounds = timeline(world.session, world.get(m.Customer, key))

    assert [r.round for r in rounds] == [3, 2, 1]
    assert [e.comment for r in reversed(rounds) for e in r.events if e.comment] == [
        "缺执照",
        "缺电话",
        "好",
    ]
    assert world.get(m.Customer, key).code == "YAV-20261123-G1"


def test_withdraw_gives_it_back_and_only_to_the_submitter(world):
    key, request_id = world.submitted()

    world.be("sales2")
    with pytest.raises(Refused):
        withdraw(world.session, request_id, by=world.actor, now=world.now)
    with world.acting("sales"):
        withdraw(world.session, request_id, by=world.actor, now=world.now)

    world.be("sales")
    assert world.get(m.Customer, key).approval is m.Approval.withdrawn
    with pytest.raises(Refused) as refusal:
        world.decided(request_id)
    assert refusal.value.code == "WITHDRAWN"


def test_a_pending_record_cannot_be_changed(world):
    key, _request = world.submitted()

    def change():
        with world.acting("sales"):
            record = world.get(m.Customer, key)
            records.update(
                world.session, record, {"company": "别的"}, seen=None, by=world.actor, now=world.now
            )

    with pytest.raises(Locked):
        change()


def test_the_database_itself_guards_a_pending_record(world):
    key, _request = world.submitted()
    customer = m.Customer.__table__
    engine = m.db.engine

    for change in ({"company": "别的"}, {"approval": "draft"}, {"code": "YAV-1"}):
        with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
            connection.execute(sa.update(customer).where(customer.c.id == key).values(change))


def test_a_demoted_reviewer_decides_nothing(world):
    _key, request_id = world.submitted()
    with world.acting("admin"):
        user = world.session.get_one(m.User, world.id_of("reviewer"))
        user.roles = []
        seen = world.session.get_one(m.ApprovalRequest, request_id).seen_version

    # His task has moved on: he no longer sees the request, and whoever sends its number is refused.
    actor = world.be("reviewer")
    assert world.get(m.ApprovalRequest, request_id) is None
    with pytest.raises((Forbidden, NotVisible)):
        decide(
            world.session,
            request_id,
            seen=seen,
            verb="approve",
            comment=None,
            by=actor,
            now=world.now,
        )


def test_an_opportunity_waits_for_its_customer(world):
    customer_id = world.customer()
    key = world.opportunity(customer_id)

    with pytest.raises(Invalid) as refusal:
        world.submitted(model=m.Opportunity, key=key)

    assert set(refusal.value.errors) == {"customer_id"}


def test_an_approved_contract_is_in_force_with_an_order(world):
    customer_id = world.approved()
    key = world.contract(customer_id, deliver_on=dt.date(2027, 1, 31))

    world.approved(model=m.Contract, key=key)

    world.be("admin")
    contract = world.get(m.Contract, key)
    assert contract.state is m.ContractState.active
    assert contract.code == "YAV-HT-20261123-01"
    assert [(p.ordinal, p.amount, p.due_on) for p in contract.plan] == [
        (1, 100_000_00, dt.date(2026, 11, 1))
    ]
    assert [o.code for o in contract.orders] == ["YAV-DD-20261123-01"]
    assert contract.orders[0].milestones[-1].planned_on == dt.date(2027, 1, 31)


def test_of_a_hundred_four_bad_ones_fail_alone_and_only_they_are_retried(small):
    world = small
    pairs = [world.submitted() for _n in range(20)]
    items = [
        (request_id, world.get(m.ApprovalRequest, request_id).seen_version)
        for _key, request_id in pairs
    ]
    world.decided(items[0][0], who="reviewer2")
    with world.acting("sales"):
        withdraw(world.session, items[1][0], by=world.actor, now=world.now)
    items[2] = (items[2][0], 99)
    items.append((10**9, 1))

    with world.acting("reviewer"):
        job = decide_many(
            world.session, items, verb="approve", comment="同意", by=world.actor, now=world.now
        )
        codes = [i.code for i in job.items if i.state is m.ItemState.failed]
        assert sorted(codes) == ["ALREADY_HANDLED", "CONTENT_CHANGED", "NOT_FOUND", "WITHDRAWN"]
        assert sum(i.state is m.ItemState.done for i in job.items) == 17
        again = batches.retry(world.session, job, by=world.actor, now=world.now)
        assert len(again.items) == 4
