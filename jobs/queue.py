"""The doorbell: Huey tells the worker that the outbox has something, and keeps the schedules.

Losing a ring loses nothing: the outbox is looked at every minute anyway.
"""

import hashlib
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app
from huey import Huey, MemoryHuey, RedisHuey, SqliteHuey, crontab
from huey.consumer import Consumer
from sqlalchemy.orm import Session

from jobs import deliver, pulse, robots, schedules, summaries
from jobs.seats import Seats
from services.bulk import runner
from services.deals.papers import by_mail, making
from services.delivery.filestore import FileStore, open_store
from services.importing.run import staging, worker
from services.portrait import evaluate, recompute
from services.query import subscriptions

LOG = logging.getLogger("tcos.worker")
NAME = "tcos"
ENOUGH = 6  # rings that wait already: who hears them sees our rows too
SENDERS, DOERS = 1, 2  # threads for mails, robots too, and for tasks; one more for schedules
LOOKS = ("mails", "robots", "tasks")  # what looks at the outbox


def _store() -> FileStore:
    return open_store(current_app.config)


def _paper(session: Session, **told: Any) -> bool:
    return making.work(_store(), session, **told)


def _statement(session: Session, **told: Any) -> bool:
    return by_mail.work(_store(), session, **told)


def _view_mail(session: Session, **told: Any) -> bool:
    return summaries.work(_store(), session, **told)


def _portraits(session: Session, **told: Any) -> bool:
    return recompute.work(session, lease=deliver.lease(), **told)


# Tasks of the outbox by name.
KNOWN: dict[str, deliver.Task] = {
    "batch": runner.run_batch,
    staging.TASK: worker.work,
    making.TASK: _paper,
    by_mail.TASK: _statement,
    subscriptions.TASK: _view_mail,
    recompute.TASK: _portraits,
    evaluate.TASK: evaluate.work,
}
# Who tells people that such a task is not tried again.
GIVEN_UP: dict[str, deliver.GivenUp] = {
    making.TASK: making.given_up,
    by_mail.TASK: by_mail.given_up,
}


class Queue:
    """The queue of one application: `huey` with its tasks, `ring` after a commit that posted."""

    def __init__(self, app: Flask) -> None:
        """Register the tasks; nothing runs before a worker starts."""
        self.app, self.huey = app, _storage(app)
        every = {
            "mails": (crontab(), Seats(lambda: deliver.mails(app), SENDERS)),
            "robots": (crontab(), Seats(lambda: robots.robots(app), SENDERS)),
            "tasks": (crontab(), Seats(lambda: deliver.tasks(app, KNOWN, GIVEN_UP), DOERS)),
            "remind": (crontab(minute="*/10"), lambda: schedules.remind(app)),
            "collections": (crontab(minute="20"), lambda: schedules.collections(app)),
            "contracts": (crontab(minute="*/15"), lambda: schedules.contracts(app)),
            "progress": (crontab(minute="*/10"), lambda: schedules.progress(app)),
            "overdue": (crontab(minute="*/10"), lambda: schedules.overdue(app)),
            "view_mails": (crontab(minute="*/10"), lambda: summaries.mails(app)),
            "limits": (crontab(minute="40"), lambda: summaries.limits(app)),
            "settled": (crontab(), lambda: summaries.settle(app)),
            "verified": (crontab(hour="3", minute="5"), lambda: summaries.verify(app)),
            "audit": (crontab(), lambda: schedules.chained(app)),
            "pool": (crontab(hour="1", minute="10"), lambda: schedules.pool(app)),
            "portraits": (crontab(hour="2", minute="10"), lambda: schedules.portraits(app)),
            "files": (crontab(hour="3", minute="40"), lambda: schedules.files(app)),
            "prune": (crontab(hour="3", minute="20"), lambda: schedules.prune(app)),
        }
        self.now: dict[str, Any] = {}
        for name, (when, work) in every.items():
            self.huey.periodic_task(when, name=f"{name}_on_time")(work)
            self.now[name] = self.huey.task(name=name)(work)

    def ring(self) -> None:
        """Let a worker look at the outbox at once. A queue that is away must not fail a request."""
        try:
            if self.huey.pending_count() < ENOUGH:
                for name in LOOKS:
                    self.now[name]()
        except Exception:  # noqa: BLE001 # whatever the storage raises: the row is safe
            LOG.warning("the queue does not answer; the outbox is looked at every minute")

    def work(self, *, until_closed: bool = False) -> None:
        """Run the worker in this process until it is told to stop (or its stdin is closed)."""
        consumer = self.huey.create_consumer(
            workers=2 * SENDERS + DOERS + 1, max_delay=1.0, check_worker_health=True
        )
        if until_closed:
            threading.Thread(target=_stop_at_end, args=(consumer,), daemon=True).start()
        for start in self.now.values():
            start()
        for name in LOOKS:  # what a killed worker had in hand comes free with its lease
            self.now[name].schedule(delay=self.app.config["TCOS_OUTBOX_LEASE"] + 1)
        with pulse.beating(self.app):
            consumer.run()


def init_jobs(app: Flask, sessions: Any) -> None:
    """Give the application its queue and ring it after every commit that posted something."""
    app.extensions["queue"] = Queue(app)
    for name, hook in (("after_commit", _after_commit), ("after_rollback", _after_rollback)):
        if not sa.event.contains(sessions, name, hook):
            sa.event.listen(sessions, name, hook)


def spawn(app: Flask) -> None:
    """Start a worker beside this process, and again when it dies; both end with this process.

    The pipe is its leash: the writing end stays open in this process and what it becomes.
    """
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # noqa: FBT003 # `serve` becomes the web server
    worker = ["-m", "flask", "--app", "admin_app", "worker", "--until-closed"]
    command = [sys.executable, "-m", "jobs.supervisor", sys.executable, *worker]
    subprocess.Popen(  # noqa: S603 # our own interpreter with fixed arguments
        command, stdin=reading, cwd=app.root_path, start_new_session=True
    )
    os.close(reading)


def _storage(app: Flask) -> Huey:
    redis = app.config["TCOS_REDIS_URL"]
    if redis:
        return RedisHuey(NAME, url=redis, results=False)
    if app.config["TCOS_ENV"] == "test":
        return MemoryHuey(NAME, results=False)
    folder = Path(app.config["TCOS_INSTANCE"])
    folder.mkdir(parents=True, exist_ok=True)
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]  # one queue a database
    return SqliteHuey(NAME, filename=str(folder / f"queue-{mark}.db"), results=False)


def _after_commit(session: Session) -> None:
    if session.in_nested_transaction() or not session.info.pop("posted", False):
        return
    queue = current_app.extensions.get("queue")
    if queue is not None:
        queue.ring()


def _after_rollback(session: Session) -> None:
    session.info.pop("posted", None)


def _stop_at_end(consumer: Consumer) -> None:
    sys.stdin.buffer.read()
    consumer.stop(graceful=True)
