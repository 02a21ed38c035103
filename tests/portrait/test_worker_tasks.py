"""What the worker does for portraits: recomputing holds its lease, large pushes in pieces."""

import datetime as dt

import sqlalchemy as sa

from bench import histories
from jobs import deliver
from jobs.queue import KNOWN
from models.bulk.batch import BatchItem, ItemState
from models.core.base import db
from models.customers.customer import Customer
from models.delivery.outbox import Channel, Outbox
from models.portrait.push import PushItem
from models.sales.plan import FollowUpPlan
from services.bulk import jobs, runner
from services.delivery import outbox
from services.portrait import recompute
from services.portrait.pushes import pushing
from services.rights.actor import SYSTEM
from tests.portrait.test_push import FORM
from tests.support.books import AT, Books
from tests.support.world import World

LEASE = dt.timedelta(minutes=2)


def test_a_long_recomputing_is_no_other_workers_between_its_steps(app):
    with World(app) as world:
        world.be(SYSTEM)
        recompute.enqueue(world.session, now=world.now)
        world.session.commit()
        outbox.claim(world.session, Channel.job, now=world.now, lease=LEASE)
        world.session.commit()
        later = world.now + dt.timedelta(seconds=110)
        world.session.info.pop("now")
        world.session.info["clock"] = lambda: later

        recompute.work(world.session, now=world.now, lease=LEASE)

        row = world.session.scalars(sa.select(Outbox).where(Outbox.channel == Channel.job)).one()
        assert row.next_at == later + LEASE


def test_a_large_push_is_done_by_the_worker(app):
    shape = histories.Shape(customers=520, orders=600, lines=600, products=5)
    with app.app_context(), db.engine.begin() as connection:
        owner = Books(connection).people["sales"][0]
        histories.write(connection, histories.draw(shape), owner, AT)
    with World(app) as world, world.acting("sales"):
        words = {"push_words": "回访", "push_control": "20"}
        keys = world.session.scalars(sa.select(Customer.id)).all()
        job = jobs.open_job(world.call, pushing.pushing(world.call, FORM | words, keys))
        jobs.add(world.session, job, [(key, None) for key in keys])
        assert not runner.start(world.call, job)

    deliver.tasks(app, KNOWN)

    with World(app) as world:
        world.be("sales")
        count = sa.select(sa.func.count())
        done = count.where(BatchItem.state == ItemState.done)
        plans = world.session.scalar(count.select_from(FollowUpPlan))
        aside = world.session.scalar(count.select_from(PushItem).where(PushItem.control))
        assert world.session.scalar(done) == len(keys) == plans + aside
        assert 0.1 < aside / len(keys) < 0.3
