"""kill -9 in the middle of a bulk: no item is half done, and the job goes on where it stood."""

import random
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

import models as m
from services import batches
from services import bulk as bulk_fields
from services.approval import bulk, submit
from tests.support.apps import behind
from tests.support.crowd import crowd
from tests.support.databases import ROOT
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
                record = world.create(m.Customer, **values)
                request = submit(world.session, record, by=world.actor, now=world.now)
                items.append((request.id, request.seen_version))
        with world.acting("reviewer"):
            bulk.prepare(
                world.session,
                items,
                verb="approve",
                comment="资料完整",
                by=world.actor,
                now=world.now,
                warn=False,
            )


def seed_wide_edit(engine):
    """People, 300 drafts and the job that changes a field of each."""
    seed_people(engine)
    with behind(engine) as app, World(app) as world:
        first = crowd(world, 300, company="光谷")
        with world.acting("sales"):
            task = bulk_fields.editing(world.session, m.Customer, {"level": m.Level.c})
            job = batches.open_job(world.session, task, by=world.actor, now=world.now)
            batches.add(world.session, job, [(first + n, None) for n in range(300)])


def start(url):
    runner = subprocess.Popen(
        [sys.executable, "-m", "tests.support.bulk_runner", url, "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert runner.stdout.readline() == "begins\n"
    return runner


def left(url):
    """Return how many items are done; every effect has to exist exactly for these."""
    item, request = m.BatchItem.__table__, m.ApprovalRequest.__table__
    customer, task = m.Customer.__table__, m.ApprovalTask.__table__
    engine = sa.create_engine(url)
    with engine.connect() as connection:

        def ids(query):
            return sorted(connection.execute(query).scalars())

        done = ids(sa.select(item.c.target_id).where(item.c.state == m.ItemState.done))
        failed = ids(sa.select(item.c.target_id).where(item.c.state == m.ItemState.failed))
        approved = m.Approval.approved
        effects = {
            "request": sa.select(request.c.id).where(request.c.state == approved),
            "record": sa.select(request.c.id)
            .join(customer, customer.c.id == request.c.record_id)
            .where(customer.c.approval == approved),
            "task": sa.select(task.c.request_id).where(task.c.state == m.TaskState.done),
            "event": _of(m.ApprovalEvent, decision=m.Decision.approve),
            "follow-up": _of(m.FollowUp),
            "copy": _of(m.ApprovalCopy, state=approved),
            "notice": _numbers(m.Notification, "url", kind=m.NoticeKind.decision),
            "outbox": _numbers(m.Outbox, "payload"),
        }
        for name, query in effects.items():
            assert ids(query) == done, f"{name} is not there exactly for the items that are done"
        audit = m.AuditLog.__table__
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


def _numbers(model, column, **states):
    """Return the requests that rows of the bell or the outbox speak of, from their address."""
    table, request = model.__table__, m.ApprovalRequest.__table__
    where = [table.c[key] == value for key, value in states.items()]
    number = sa.cast(request.c.id, sa.String)
    if column == "url":
        matches = table.c.url == "/admin/request/?id=" + number
    else:
        matches = table.c.payload["url"].as_string() == "/admin/request/?id=" + number
    return sa.select(request.c.id).join_from(table, request, matches).where(*where)


def edited(url):
    """Return how many items are done; changed and audited are exactly these, each once."""
    item, customer, audit = (t.__table__ for t in (m.BatchItem, m.Customer, m.AuditLog))
    queries = {
        "record": sa.select(customer.c.id).where(customer.c.level == m.Level.c),
        "audit": sa.select(audit.c.record_id).where(
            audit.c.noun == "customer", audit.c.action == m.AuditAction.update
        ),
    }
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        done = sorted(
            connection.execute(
                sa.select(item.c.target_id).where(item.c.state == m.ItemState.done)
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
        runner.stdout.close()
        items = left(url)
    counts = []
    for _kill in range(kills):
        with databases.fresh(kind, seed) as url:
            runner = start(url)
            time.sleep(chance.uniform(0, whole))
            runner.kill()
            runner.wait()
            runner.stdout.close()
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
