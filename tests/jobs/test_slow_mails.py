"""Beside a thousand mails to a server that answers after 3 s, a large job is as fast as alone."""

import os
import statistics
import time

import pytest
import sqlalchemy as sa

from jobs.queue import Queue
from models.bulk.batch import BatchItem, BatchJob, ItemState
from models.core.base import db
from tests.grids.test_wide import confirmed
from tests.jobs.test_worker import mailbox, tell, wait_for  # noqa: F401 # a fixture
from tests.support import ready
from tests.support.crowd import crowd
from tests.support.visitors import Visitors
from tests.support.world import World

MANY, MAILS, ANSWERS_AFTER = 2_000, 1_000, 3  # items, letters, seconds
STARTS, LONGER = 2.0, 1.2  # issue 16: seconds, times its time without mails
ROUNDS = 3


def done(app, job):
    """Return how many items of a job are done, and whether it is over."""
    with app.app_context(), db.engine.connect() as connection:
        item, table = BatchItem.__table__, BatchJob.__table__
        mine = (item.c.job_id == job, item.c.state == ItemState.done)
        number = connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one()
        query = sa.select(table.c.finished_at.is_not(None)).where(table.c.id == job)
        return number, bool(connection.execute(query).scalar_one())


def timed(app, visitors, level):
    """Let the running worker change a field of all; return (seconds to the first, to the end)."""
    answer = confirmed(visitors, "sales", action="edit", field="level", value=level)
    began, first = time.perf_counter(), None
    job = int(answer.location.split("id=")[1].split("&")[0])
    while True:
        number, over = done(app, job)
        if number and first is None:
            first = time.perf_counter() - began
        if over:
            assert number == MANY
            return first, time.perf_counter() - began
        assert time.perf_counter() - began < 120, "the worker did not come so far"
        time.sleep(0.05)


@pytest.mark.soak
def test_two_thousand_are_done_beside_a_thousand_slow_mails(app, mailbox, tmp_path):  # noqa: F811
    with World(app) as world:
        crowd(world, MANY, company="光谷")
    instance = {"TCOS_ENV": "demo", "TCOS_INSTANCE": str(tmp_path)}
    app.config |= instance  # the bell of the page is heard by the worker's process
    app.extensions["queue"] = Queue(app)
    visitors = Visitors(app)
    environment = os.environ | instance
    environment |= {"TCOS_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"]}
    environment |= {"TCOS_SMTP_URL": mailbox.url}
    words = ["-m", "flask", "--app", "admin_app", "worker"]
    process = ready.PRODUCT.start(words, environment=environment, stderr=ready.NULL)
    try:
        timed(app, visitors, "d")  # the worker is up, and has done one
        alone = [timed(app, visitors, level) for level in ("a", "b", "c")[:ROUNDS]]
        mailbox.slow = ANSWERS_AFTER
        with World(app) as world, world.acting("reviewer"):
            for n in range(MAILS):
                tell(world, "sales", f"n{n}", now=None)
        wait_for(lambda: mailbox.at_once == 1)
        sent = len(mailbox.letters)
        beside = [timed(app, visitors, level) for level in ("a", "b", "c")[:ROUNDS]]
        assert mailbox.at_once == 1  # they go on all the while
        assert len(mailbox.letters) - sent < MAILS // 2
    finally:
        process.kill()
        process.wait()
    starts = max(first for first, _all in beside)
    before, after = (statistics.median(whole for _first, whole in some) for some in (alone, beside))
    print(
        f"\nstarts {starts:.2f} s, done in {after:.2f} s, {after / before:.2f} × of {before:.2f} s"
    )
    assert starts <= STARTS
    assert after <= LONGER * before
