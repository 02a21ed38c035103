"""The worker's signs of life, from a thread of their own: a long task does not look dead."""

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator

import sqlalchemy as sa
from flask import Flask

from jobs.scope import clock, working
from services.delivery import heartbeat

LOG = logging.getLogger("tcos.worker")


@contextlib.contextmanager
def beating(app: Flask) -> Iterator[None]:
    """Give a sign of life every heartbeat.EVERY while the block runs."""
    name, over = f"{socket.gethostname()[:120]}:{os.getpid()}", threading.Event()
    thread = threading.Thread(target=_beat, args=(app, name, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(heartbeat.EVERY.total_seconds())


def _beat(app: Flask, name: str, over: threading.Event) -> None:
    with app.app_context():
        started = clock()
    while not over.is_set():
        try:
            with working(app) as session:
                heartbeat.beat(session, name, started, now=clock())
                session.commit()
        except sa.exc.SQLAlchemyError as problem:
            LOG.warning("no sign of life could be given: %s", type(problem).__name__)
        over.wait(heartbeat.EVERY.total_seconds())
    with contextlib.suppress(sa.exc.SQLAlchemyError), working(app) as session:
        heartbeat.stop(session, name)
        session.commit()
