"""Bulk decisions: set-based where they are plain, per item in what they mean."""

import re

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _

from models.approval.request import ApprovalCopy, ApprovalEvent, ApprovalRequest
from models.approval.task import ApprovalTask
from models.bulk.batch import BatchItem, BatchJob, ItemState
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.delivery.notification import NoticeKind, Notification
from models.delivery.outbox import Outbox
from models.people.user import Language, User
from models.rights.audit import AuditAction, AuditLog
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from services import approval
from services.approval.bulk import decisions
from services.approval.bulk.fast_path import Ruling, plain_of
from services.approval.request.request_lock import REASONS
from services.bulk import doers, jobs, runner
from services.bulk.doers import Chunk
from services.core.errors import Invalid
from services.core.texts import joined
from services.rights.actor import SYSTEM
from tests.approval.flows import act, flow, turn
from tests.support import clock
from tests.support.visitors import Visitors
from tests.support.world import World, count_queries

MOST_STATEMENTS = 25  # a hundred items, all effects


def submitted(world, n):
    """Return (record, request) keys of n submissions whose names and mobiles differ."""
    found = []
    for k in range(n):
        mobile = {"primary.mobile": f"138{k:08}"}
        found.append(world.submitted(company=f"武汉第{k}号精密机械有限公司", **mobile))
    return found


def prepared(world, what, who="reviewer", verb="approve", comment=None):
    with world.acting(who):
        return decisions.prepare(world.call, what, verb=verb, comment=comment).id


def finished(world, job_id):
    """Run a job as the worker does; return target → code of its items."""
    world.be(SYSTEM)
    while not runner.run_batch(world.session, job_id=job_id, now=world.now):
        world.session.commit()
    world.session.commit()
    item = BatchItem.__table__
    rows = world.session.execute(
        sa.select(item.c.target_id, item.c.state, item.c.code).where(item.c.job_id == job_id)
    ).all()
    assert all(row.state is not ItemState.waiting for row in rows)
    return {row.target_id: row.code for row in rows}


def test_a_hundred_are_approved_in_few_statements_with_every_effect(world):
    pairs = submitted(world, 100)
    requests = [key for _record, key in pairs]
    job_id = prepared(world, "customer", comment="资料完整")
    world.session.rollback()

    world.be("reviewer")
    job = world.session.get_one(BatchJob, job_id)
    with count_queries(world.app) as found:
        done = runner.step(world.call, job)

    assert done == 100
    assert len(found) <= MOST_STATEMENTS, "\\n".join(s[:90] for s in found)
    world.session.commit()
    for table, column, n in (
        (ApprovalEvent, "request_id", 200),
        (FollowUp, "request_id", 100),
        (ApprovalCopy, "request_id", 100),
    ):
        core = table.__table__
        number = sa.select(sa.func.count()).where(core.c[column].in_(requests))
        assert world.session.execute(number).scalar_one() == n, table
    customer, audit = Customer.__table__, AuditLog.__table__
    keys = [record for record, _key in pairs]
    approved = sa.select(sa.func.count()).where(
        customer.c.id.in_(keys), customer.c.approval == Approval.approved
    )
    assert world.session.execute(approved).scalar_one() == 100
    trail = sa.select(audit.c.record_id, audit.c.changes).where(
        audit.c.noun == "customer", audit.c.action == AuditAction.update
    )
    told = [row for row in world.session.execute(trail) if "approval" in row.changes]
    assert len([row for row in told if row.changes["approval"][1] == "approved"]) == 100
    notice, outbox = Notification.__table__, Outbox.__table__
    decided = sa.select(notice.c.number).where(notice.c.kind == NoticeKind.decision)
    assert world.session.execute(decided).scalars().all() == [100]  # one for all of them
    mails = sa.select(sa.func.count()).where(outbox.c.dedupe_key.contains(":decision:"))
    assert world.session.execute(mails).scalar_one() == 1


def test_bulk_and_single_approval_leave_the_same_rows(world):
    (_one, single), *rest = submitted(world, 3)
    for _record, key in rest:
        act(world, "sales", "comment", key, text="请尽快")
    act(world, "sales", "comment", single, text="请尽快")
    world.session.rollback()

    world.decided(single, comment="资料完整")
    finished(world, prepared(world, "customer", comment="资料完整"))

    request = ApprovalRequest.__table__
    titles = dict(world.session.execute(sa.select(request.c.id, request.c.title)).all())
    told = [left_by(world, key, titles[key]) for key in (single, rest[0][1], rest[1][1])]
    assert told[0] == told[1] == told[2]
    assert "评论：请尽快" in told[0]["follow_up"][0]["content"]
    assert "通过：资料完整" in told[0]["follow_up"][0]["content"]


def left_by(world, key, title):
    """Return what a request left everywhere, without what names it or its record."""
    found = {}
    for model in (ApprovalTask, ApprovalEvent, FollowUp, ApprovalCopy):
        core = model.__table__
        rows = world.session.execute(sa.select(core).where(core.c.request_id == key)).mappings()
        found[core.name] = [plain(row, key, title) for row in rows]
    return found


NAMES_IT = {"id", "request_id", "customer_id", "record_id"}


def plain(row, key, title):
    """Return a row as texts in which this request and any other would read the same."""
    names = re.compile(
        rf"G\d+|138\d{{8}}|138\*+\d{{4}}|第\d号|(?<=id=){key}\b|(?<=decision:){key}\b"
    )
    return {
        column: names.sub("*", str(value).replace(title, "T"))
        for column, value in row.items()
        if column not in NAMES_IT
    }


def test_the_worker_tells_reasons_in_the_persons_language(world):
    (_record, key), (_other, _key) = submitted(world, 2)
    job_id = prepared(world, "customer")
    act(world, "sales", "withdraw", key)
    world.be(SYSTEM)
    world.get(User, world.id_of("reviewer")).language = Language.en
    world.session.commit()

    codes = finished(world, job_id)

    told = sa.select(BatchItem.message).where(BatchItem.target_id == key)
    with force_locale("en"):
        assert world.session.scalar(told) == str(REASONS["WITHDRAWN"])
    assert codes[key] == "WITHDRAWN"


def test_the_bad_ones_fail_alone_with_their_reasons_and_only_they_are_retried(world):
    requests = [key for _record, key in submitted(world, 8)]
    seen = {key: world.get(ApprovalRequest, key).seen_version for key in requests}
    world.session.rollback()
    world.decided(requests[0], who="reviewer2")
    act(world, "sales", "withdraw", requests[1])
    seen[requests[2]] += 1
    act(world, "reviewer", "transfer", requests[3], to=world.id_of("manager"), comment=None)

    codes = finished(world, prepared(world, list(seen.items())))

    assert [codes[key] for key in requests[:4]] == [
        "ALREADY_HANDLED", "WITHDRAWN", "CONTENT_CHANGED", "NOT_ASSIGNEE",
    ]  # fmt: skip
    assert [codes[key] for key in requests[4:]] == [None] * 4


def test_what_came_after_the_question_is_outside(world):
    first = submitted(world, 2)
    job_id = prepared(world, "")
    world.submitted(company="之后的公司", **{"primary.mobile": "13999999999"})

    codes = finished(world, job_id)

    assert set(codes) == {key for _record, key in first}


def test_suspected_duplicates_are_left_out_and_named(world):
    submitted(world, 2)
    for _n in range(2):
        same = {"primary.mobile": "13911110000", "duplicate_note": "另一家"}
        world.submitted(company="武汉同名机械有限公司", **same)

    job_id = prepared(world, "")

    world.be("reviewer")
    job = world.session.get_one(BatchJob, job_id)
    assert job.skipped == ["武汉同名机械有限公司"] * 2
    assert len(job.items) == 2


def test_steps_to_come_and_contracts_go_one_by_one_with_the_same_results(world):
    flow(world, {"people": ["reviewer"]}, {"people": ["finance"]})
    requests = [key for _record, key in submitted(world, 2)]

    codes = finished(world, prepared(world, ""))

    assert codes == dict.fromkeys(requests)
    assert [turn(world, key) for key in requests] == [["finance"], ["finance"]]


def test_a_bulk_rejection_needs_its_comment_and_tells_it(world):
    keys = submitted(world, 3)

    codes = finished(world, prepared(world, "", verb="reject", comment="资料不全"))

    assert list(codes.values()) == [None] * 3
    world.be("sales")
    for record, _request in keys:
        assert world.get(Customer, record).approval is Approval.rejected


def test_whoever_lost_the_right_meanwhile_decides_nothing(world):
    submitted(world, 2)
    job_id = prepared(world, "")
    with world.acting("admin"):
        world.session.get_one(User, world.id_of("reviewer")).roles = []

    assert set(finished(world, job_id).values()) == {"FORBIDDEN"}


def test_nobody_bulk_approves_his_own(world):
    flow(world, {"people": ["manager"]})
    keys = [world.submitted("manager", company=f"自己{n}")[1] for n in range(2)]
    task = ApprovalTask.__table__
    with world.acting("admin"):
        world.session.execute(
            sa.update(task).values(assignee_id=world.id_of("manager")),
            execution_options={"rule": "approval"},
        )
    seen = [(key, world.get(ApprovalRequest, key).seen_version) for key in keys]
    world.session.rollback()

    with world.acting("manager"):
        job = approval.decide_many(world.call, seen, verb="approve", comment=None)
        codes = {item.code for item in job.items}

    assert codes == {"OWN_RECORD"}


def test_a_reader_has_the_reasons_in_his_own_language(app):
    with World(app) as world:
        (_record, key), (_other, _key) = submitted(world, 2)
        job_id = prepared(world, "customer")
        act(world, "sales", "withdraw", key)
        world.now = clock.now()  # the inbox names the batch of the last hours
        finished(world, job_id)
    visitors = Visitors(app)
    places = (f"/admin/batch/?id={job_id}", f"/admin/batch/result.csv?id={job_id}", "/admin/inbox/")

    for place in places:
        assert "提交人已撤回" in visitors.get("reviewer", place).text, place
    visitors.get("reviewer", "/lang/en")
    for place in places:
        shown = visitors.get("reviewer", place).text
        assert "提交人已撤回" not in shown, place
        with app.test_request_context(), force_locale("en"):
            assert str(REASONS["WITHDRAWN"]) in shown, place


def test_bad_input_and_what_holds_a_record_are_told_in_both_languages(world):
    key = world.approved()
    world.approved(model=Opportunity, key=world.opportunity(key))
    told = doers.told(Invalid({"a": _("请填写原因"), "b": "x"}))[1]
    with world.acting("sales"):
        held = joined(approval.leaning(world.session, world.get(Customer, key)))

    with force_locale("zh_Hans_CN"):
        assert str(told) == "请填写原因；x"
        assert str(held) == "还有 1 个商机已通过或在审批中"
    with force_locale("en"):
        assert "请" not in str(told)
        assert "opportunit" in str(held)


def test_results_of_before_stay_as_they_were_told(small):
    keys = [key for _record, key in submitted(small, 1)]
    job_id = prepared(small, "customer")
    act(small, "sales", "withdraw", keys[0])
    finished(small, job_id)
    small.be("reviewer")

    item = small.session.scalar(sa.select(BatchItem).where(BatchItem.job_id == job_id))
    assert set(item.words) == {"zh", "en"}
    item.words = None
    assert jobs.reason(item) == item.message == "提交人已撤回"


def test_what_is_plain_is_picked_out_without_joining_tasks_to_requests(world):
    """By a count of before the last batch PostgreSQL tried each with each: 49 s for a thousand."""
    requests = [key for _record, key in submitted(world, 3)]
    job = prepared(world, "customer")
    world.be("reviewer")
    query = sa.select(BatchItem.__table__).where(BatchItem.job_id == job).order_by(BatchItem.id)
    chunk = Chunk(job, list(world.session.execute(query).all()))

    with count_queries(world.app) as asked:
        found = plain_of(world.session, chunk, Ruling("approve", None, world.actor, world.now))

    assert found == set(requests)
    tables = ("approval_request", "approval_task")
    assert [one for one in asked if all(f"{table}." in one for table in tables)] == []
