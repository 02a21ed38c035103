"""Several processes for the same records: nobody wins twice, nothing is lost, nobody is locked."""

import collections
import json

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalEvent, Decision
from models.approval.task import ApprovalTask, TaskState
from models.customers.customer import Customer
from models.sales.follow_up import FollowUp
from tests.support import ready
from tests.support.world import World

RACER = ("-m", "tests.support.racer")


def race(app, job, people, number):
    """Run one process a person at once; return how often each thing happened.

    `worker` is no person: whatever the job, his is to hand up what is late.
    """
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    runners = [
        ready.PRODUCT.start(
            [*RACER, url, "hand_up" if who == "worker" else job, who, str(number(n))],
            stdout=ready.PIPE,
        )
        for n, who in enumerate(people)
    ]
    total = collections.Counter()
    for runner in runners:
        total.update(json.loads(runner.communicate()[0]))
        assert runner.returncode == 0
    return total


def approve(app, items, processes):
    with World(app) as world:
        for _n in range(items):
            world.submitted()
    found = race(app, "approve", ("reviewer", "reviewer2") * (processes // 2), lambda n: n)

    assert found["won"] == items, found
    assert set(found) <= {"won", "ALREADY_HANDLED"}, found
    with World(app) as world:
        world.be("admin")
        count = sa.func.count
        session, event, row = world.session, ApprovalEvent, FollowUp
        done = session.scalar(sa.select(count(event.id)).where(event.decision == "approve"))
        synced = session.scalar(sa.select(count(row.id)).where(row.request_id.is_not(None)))
        tasks = session.scalar(
            sa.select(count(ApprovalTask.id)).where(ApprovalTask.state == TaskState.done)
        )
        assert (done, synced, tasks) == (items, items, items)


def number(app, each, processes):
    found = race(app, "submit", ("sales", "sales2") * (processes // 2), lambda _n: each)

    given_up = processes * (each // 3)
    assert found == {"won": processes * each - given_up, "GIVEN_UP": given_up}
    with World(app) as world:
        world.be("admin")
        codes = world.session.scalars(sa.select(Customer.code)).all()
    assert sorted(int(code.rsplit("G", 1)[1]) for code in codes) == list(range(1, len(codes) + 1))
    assert len(codes) == found["won"]


def test_two_reviewers_never_both_approve(app):
    approve(app, items=12, processes=4)


def test_workers_and_reviewers_at_once_decide_and_tell_once(app):
    items = 12
    with World(app) as world:
        for _n in range(items):
            world.submitted()
    found = race(app, "approve", ("worker", "reviewer", "worker", "reviewer2"), lambda _n: 2)

    assert found["won"] == items, found
    assert set(found) <= {"won", "ALREADY_HANDLED"}, found
    with World(app) as world:
        world.be("admin")
        event, task = ApprovalEvent, ApprovalTask
        told = world.session.execute(
            sa.select(event.decision, event.request_id, event.target_id).where(
                event.decision.in_([Decision.remind, Decision.escalate])
            )
        ).all()
        assert len(told) == len(set(told))
        reminded = world.session.scalars(sa.select(task.id).where(task.reminded_at.is_not(None)))
        assert len(reminded.all()) == sum(row[0] is Decision.remind for row in told)


def test_numbers_have_no_gap_and_no_twin(app):
    number(app, each=6, processes=4)


@pytest.mark.soak
def test_eight_processes_race_for_three_hundred_items_and_a_thousand_on_postgresql(app):
    lite = app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    approve(app, items=300 if lite else 1000, processes=8)


@pytest.mark.soak
def test_eight_processes_number_without_a_gap(app):
    number(app, each=60, processes=8)
