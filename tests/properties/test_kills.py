"""kill -9 in the middle of a bulk: no item is half done, and the job goes on where it stood."""

import random
import time

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalCopy, ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.bulk.batch import BatchItem, ItemState
from models.core.mixins import Approval
from models.customers.customer import Customer, Level
from models.delivery.notification import NoticeKind, Notification
from models.delivery.outbox import Outbox
from models.rights.audit import AuditAction, AuditLog
from models.sales.follow_up import FollowUp
from services.approval import submit
from services.approval.bulk import decisions
from services.bulk import edits, jobs
from tests.support import ready
from tests.support.apps import behind
from tests.support.crowd import crowd
from tests.support.world import World, seed_people


def seed_bulk(engine):
    """People, 2,000 submissions and the job that is to approve them."""
    _seed(engine, 2000)


def seed_small_bulk(engine):
    """People, 150 submissions and the job that is to approve them."""
    _seed(engine, 150)


def _seed(engine, many):
    seed_people(engine)
    with behind(engine) as app, World(app) as world:
        items = []
        with world.acting("sales"):
            for n in range(many):
                values = world.customer_values(**{"primary.mobile": f"138{n:08}"})
                record = world.create(Customer, **values)
                request = submit(world.call, record)
                items.append((request.id, request.seen_version))
        with world.acting("reviewer"):
            decisions.prepare(world.call, items, verb="approve", comment="资料完整", warn=False)


def seed_wide_edit(engine):
    """People, 300 drafts and the job that changes a field of each."""
    seed_people(engine)
    with behind(engine) as app, World(app) as world:
        first = crowd(world, 300, company="光谷")
        with world.acting("sales"):
            task = edits.editing(world.session, Customer, {"level": Level.c})
            job = jobs.open_job(world.call, task)
            jobs.add(world.session, job, [(first + n, None) for n in range(300)])


def start(url):
    words = ["-m", "tests.support.bulk_runner", url, "1"]
    runner = ready.PRODUCT.start(words, stdout=ready.PIPE)
    assert runner.stdout.readline() == "begins\n"
    return runner


def left(url):
    """Return how many items are done; every effect has to exist exactly for these."""
    item, request = BatchItem.__table__, ApprovalRequest.__table__
    customer, task = Customer.__table__, ApprovalTask.__table__
    engine = sa.create_engine(url)
    with engine.connect() as connection:

        def ids(query):
            return sorted(connection.execute(query).scalars())

        done = ids(sa.select(item.c.target_id).where(item.c.state == ItemState.done))
        failed = ids(sa.select(item.c.target_id).where(item.c.state == ItemState.failed))
        approved = Approval.approved
        effects = {
            "request": sa.select(request.c.id).where(request.c.state == approved),
            "record": sa.select(request.c.id)
            .join(customer, customer.c.id == request.c.record_id)
            .where(customer.c.approval == approved),
            "task": sa.select(task.c.request_id).where(task.c.state == TaskState.done),
            "event": _of(ApprovalEvent, decision=Decision.approve),
            "follow-up": _of(FollowUp),
            "copy": _of(ApprovalCopy, state=approved),
        }
        for name, query in effects.items():
            assert ids(query) == done, f"{name} is not there exactly for the items that are done"
        notice, mail = Notification.__table__, Outbox.__table__
        counted = sa.select(notice.c.number).where(notice.c.kind == NoticeKind.decision)
        assert sum(ids(counted)) == len(done)  # one for all of them, which counts on
        assert len(ids(sa.select(mail.c.id).where(mail.c.dedupe_key.contains(":decision:")))) <= 1
        audit = AuditLog.__table__
        told = sa.cast(audit.c.changes, sa.String).contains('"approved"')
        trail = ids(sa.select(audit.c.record_id).where(audit.c.noun == "customer", told))
        assert trail == ids(effects["record"].with_only_columns(customer.c.id))
    engine.dispose()
    assert failed == []
    return len(done)


def _of(model, **states):
    table = model.__table__
    where = [table.c[key] == value for key, value in states.items()]
    return sa.select(table.c.request_id).where(table.c.request_id.is_not(None), *where)


def edited(url):
    """Return how many items are done; changed and audited are exactly these, each once."""
    item, customer, audit = (t.__table__ for t in (BatchItem, Customer, AuditLog))
    queries = {
        "record": sa.select(customer.c.id).where(customer.c.level == Level.c),
        "audit": sa.select(audit.c.record_id).where(
            audit.c.noun == "customer", audit.c.action == AuditAction.update
        ),
    }
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        done = sorted(
            connection.execute(
                sa.select(item.c.target_id).where(item.c.state == ItemState.done)
            ).scalars()
        )
        for name, query in queries.items():
            assert sorted(connection.execute(query).scalars()) == done, name
    engine.dispose()
    return len(done)


def kill_often(databases, kind, seed, kills, left=left):
    chance = random.Random(7)
    with databases.fresh(kind, seed) as url:
        runner = start(url)
        began = time.monotonic()
        assert runner.stdout.readline() == "done\n"
        whole = time.monotonic() - began
        assert runner.wait() == 0
        items = left(url)
    counts = []
    for _kill in range(kills):
        with databases.fresh(kind, seed) as url:
            runner = start(url)
            time.sleep(chance.uniform(0, whole))
            runner.kill()
            runner.wait()
            counts.append(left(url))
            with start(url) as again:
                assert again.wait() == 0
            assert left(url) == items
    inside = sum(0 < count < items for count in counts)
    print(f"\n{kind}: {kills} kills in {whole:.2f} s of {items} items; done then: {counts}")
    return inside


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_killed_bulk_leaves_no_item_half_done_and_goes_on(databases, kind):
    kill_often(databases, kind, seed_small_bulk, kills=2)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_killed_change_of_a_field_loses_and_doubles_nothing(databases, kind):
    kill_often(databases, kind, seed_wide_edit, kills=2, left=edited)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_bulk_of_two_thousand_survives_fifty_kills(databases, kind):
    assert kill_often(databases, kind, seed_bulk, kills=50) > 0, "no kill fell inside"
