"""Saved views by mail and limits of numbers: read apart, so that nobody waits for a long table."""

import contextlib
import datetime as dt
import logging
from collections.abc import Iterator

import sqlalchemy as sa
from flask import Flask, current_app
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from dashboards import kept_figures
from dashboards.core.sql import snapshot
from dashboards.kept import mailing, watch
from jobs.scope import clock, working
from models.core.base import db
from models.delivery.outbox import Channel
from models.query.view_alert import ViewAlert
from models.rights.audit import AuditAction, AuditLog
from services.core.engine import writing
from services.core.errors import Refused
from services.delivery import outbox
from services.delivery.filestore import FileStore
from services.query import alerts, subscriptions
from services.rights import traces
from services.rights.access import act
from services.rights.actor import SYSTEM

TITLE = _("订阅的汇总表")
LOG = logging.getLogger(__name__)
PIECES = 400  # of keys, that one look takes of a roll-up


@contextlib.contextmanager
def apart() -> Iterator[Session]:
    """Yield a session of its own that reads one moment and holds no lock."""
    with db.session.session_factory() as session, writing(on=False):
        snapshot(session)
        act(session, SYSTEM)
        yield session


def mails(app: Flask) -> int:
    """Ask for the mails that are due. Returns how many."""
    with working(app) as session:
        now = clock()
        found = subscriptions.due(session, now=now)
        for key, on in found:
            ask(session, key, on.isoformat(), now=now)
        session.commit()
    return len(found)


def ask(session: Session, key: int, on: str, *, now: dt.datetime) -> None:
    """Let the worker make one mail; `on` tells it from the others of this subscription."""
    outbox.enqueue(session, subscriptions.TASK, {"key": key, "on": on}, title=str(TITLE), now=now)


def work(store: FileStore, session: Session, *, key: int, on: str, now: dt.datetime) -> bool:
    """Make and post a mail. A task of the worker; what the person may not have is not sent."""
    session.rollback()  # nothing is locked while the file is made
    base, secret = current_app.config["TCOS_PUBLIC_URL"], str(current_app.secret_key)
    told, made = None, None
    try:
        with apart() as reading:
            made = mailing.make(reading, key, mailing.MailLinks(secret, base), now=now)
    except Refused as problem:
        told = str(problem)
    if made is not None:
        _post(store, session, made, f"view:{key}:{on}", now)
    if made is not None or told is not None:
        subscriptions.settle(session, key, told=told, now=now)
    return True


def _post(
    store: FileStore, session: Session, made: mailing.ViewMail, key: str, now: dt.datetime
) -> None:
    name, mime, body = made.file
    file = {"name": name, "mime": mime, "sha256": store.put(body)}
    payload = {"name": made.name, "text": made.text, "stop": made.stop, "file": file}
    title = made.subject[:200]
    posting = outbox.Posting(Channel.mail, title, payload, key, made.user_id, made.address)
    outbox.post(session, posting, now=now)
    row = traces.trace(AuditAction.export, made.noun, made.state, actor_id=made.user_id)
    session.connection().execute(sa.insert(AuditLog.__table__), row | {"at": now})


def limits(app: Flask) -> int:
    """Look at every limit that was not looked at today. Returns how many people were told."""
    told = 0
    with working(app) as session:
        now = clock()
        keys = alerts.due(session, now=now)
        session.rollback()
        for key in keys:
            told += _looked_at(session, key, now)
            session.commit()
    return told


def _looked_at(session: Session, key: int, now: dt.datetime) -> bool:
    value, why = None, None
    with apart() as reading:
        seen = reading.get(ViewAlert, key)
        if seen is None:
            return False
        try:
            value = watch.look(reading, seen, now=now)
        except Refused as problem:
            why = str(problem)
    row = session.get(ViewAlert, key)
    if row is None:
        return False
    if why is not None:
        alerts.fail(session, row, why, now=now)
        return False
    return watch.keep(session, row, value, now=now)


def settle(app: Flask) -> int:
    """Work out for good what was written of roll-ups. Returns how many keys."""
    done = 0
    with working(app) as session:
        for one in kept_figures.ROLL_UPS:
            for _piece in range(PIECES):
                taken = kept_figures.fold(session, one)
                done += taken
                if not taken:
                    break
    return done


def verify(app: Flask) -> int:
    """Prove what is kept against the raw rows, have what differs worked out. Returns how many."""
    wrong = 0
    with working(app) as session:
        for one in kept_figures.ROLL_UPS:
            found = kept_figures.verify(session, one, mend=True)
            if found:
                LOG.error("%s %ss were kept otherwise than the raw rows", len(found), one.named)
            wrong += len(found)
    return wrong
