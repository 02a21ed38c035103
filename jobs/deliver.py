"""Empties the outbox: claim, commit, do, settle, commit; a kill repeats at most one delivery."""

import dataclasses
import datetime as dt
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from flask import Flask, current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from jobs import mail_texts
from jobs.postman import Away, Enclosed, Letter, Postman, Undeliverable
from jobs.scope import clock, working
from models.delivery.outbox import Channel, Outbox, OutboxState
from services.core.errors import Refused
from services.delivery import outbox, outbox_care
from services.delivery.filestore import open_store
from services.portrait.pushes import stops

LOG = logging.getLogger("tcos.worker")

Task = Callable[..., bool]
GivenUp = Callable[..., None]  # told why a task is not tried again, with its arguments
UNTOLD: Mapping[str, GivenUp] = MappingProxyType({})


def mails(app: Flask) -> int:
    """Send every due mail. Returns how many were accepted by the mail server."""
    with working(app) as session:
        url = app.config["TCOS_SMTP_URL"]
        if not url:
            outbox_care.unconfigured(session, now=clock())
            session.commit()
            return 0
        outbox_care.configured(session, now=clock())
        session.commit()
        with Postman(url, app.config["TCOS_MAIL_SENDER"]) as postman:
            return _rounds(session, postman, app.config["TCOS_PUBLIC_URL"])


def _rounds(session: Session, postman: Postman, base: str) -> int:
    accepted = 0
    while True:
        until = clock() + lease()
        claimed = outbox.claim(session, Channel.mail, now=clock(), lease=lease())
        rows = stops.due(session, claimed, now=clock())
        letters = [(row, letter_of(row, base)) for row in rows if not mail_texts.is_over(row)]
        for row in {*rows} - {row for row, _letter in letters}:
            outbox.sent(session, row, now=clock())
        session.commit()
        if not claimed:
            return accepted
        try:
            for row, letter in letters:
                if clock() < until:  # a lease that ran out may be another worker's by now
                    accepted += _post(session, postman, row, letter)
        except Away as problem:
            LOG.warning("mail server: %s", problem)
            _wait(session, rows, str(problem))
            return accepted


def _wait(session: Session, rows: list[Outbox], reason: str) -> None:
    """Put back what was claimed and not sent: the server is away for all of it."""
    for row in rows:
        if row.state is OutboxState.sending:
            outbox.failed(session, row, reason, own_fault=False, now=clock())
    session.commit()


def lease() -> dt.timedelta:
    """Return how long a claimed row is a worker's."""
    return dt.timedelta(seconds=current_app.config["TCOS_OUTBOX_LEASE"])


def _post(session: Session, postman: Postman, row: Outbox, letter: Letter | None) -> bool:
    """Send one letter outside of any transaction and settle its row in one of its own."""
    problem = None if letter else "no active mailbox"
    if letter is not None:
        try:
            postman.send(letter)
        except Undeliverable as refusal:
            problem = str(refusal)
    if problem is None:
        outbox.sent(session, row, now=clock())
    else:
        outbox.park(session, row, problem)
    session.commit()
    return problem is None


def _enclosed(told: dict[str, str]) -> Enclosed:
    """Return what goes along with a letter, read when it is sent."""
    store, digest = open_store(current_app.config), told["sha256"]
    return Enclosed(told["name"], told["mime"], lambda: store.read(digest))


def letter_of(row: Outbox, base: str) -> Letter | None:
    """Return the mail in the recipient's language, None when he has no mailbox with us."""
    if row.user is not None and not row.user.active:
        return None
    if row.address:
        told, at = row.payload, row.created_at
        file = _enclosed(told["file"]) if told.get("file") else None
        letter = Letter(
            row.address, told["name"], row.title, told["text"], row.dedupe_key, at, file
        )
        return _ending(letter, told, base)
    user = row.user
    if user is None or not user.email:
        return None
    with force_locale(user.language.locale):
        subject, text = mail_texts.of(row, user, base, secret=str(current_app.secret_key))
    return Letter(user.email, user.name, subject, text, row.dedupe_key, row.created_at)


def _ending(letter: Letter, told: dict[str, Any], base: str) -> Letter:
    """Return a letter with how its reader ends such letters."""
    if "push" not in told:
        return dataclasses.replace(letter, stop=told.get("stop", ""))
    link = stops.link(str(current_app.secret_key), base, letter.to)
    return dataclasses.replace(letter, stop=link, text=f"{letter.text}\n\n{told['push']}{link}")


def tasks(app: Flask, known: dict[str, Task], given_up: Mapping[str, GivenUp] = UNTOLD) -> int:
    """Do every due task of the outbox, a piece at a time. Returns how many were finished.

    A task gets (session, arguments, now) and returns whether it is done. The piece and its
    settlement are one transaction, so a kill leaves both or neither. `given_up` tells people of
    one that is parked: task → what gets (session, why, arguments, now).
    """
    finished = 0
    with working(app) as session:
        while rows := outbox.claim(session, Channel.job, now=clock(), most=1, lease=lease()):
            session.commit()
            key, payload = rows[0].id, dict(rows[0].payload)
            done = _piece(session, rows[0], known)
            finished += done is True
            tell = given_up.get(payload["task"])
            if tell is not None and session.get_one(Outbox, key).state is OutboxState.parked:
                why = done if isinstance(done, Refused) else _("系统出错，请联系管理员")
                tell(session, why, **payload["arguments"], now=clock())
            session.commit()
    return finished


def _piece(session: Session, row: Outbox, known: dict[str, Task]) -> bool | Refused:
    """Do a piece and settle its row; return whether the task is done, or what refused it."""
    key, payload = row.id, dict(row.payload)
    task = known.get(payload["task"])
    if task is None:
        outbox.park(session, row, f"unknown task {payload['task']}")
        return False
    try:
        done = task(session, **payload["arguments"], now=clock())
    except Refused as refusal:
        session.rollback()
        outbox.park(session, session.get_one(Outbox, key), str(refusal))
        return refusal
    except Exception as problem:
        LOG.exception("task %s failed", payload["task"])
        session.rollback()
        row = session.get_one(Outbox, key)
        reason = type(problem).__name__  # the message may hold data; the log has it
        outbox.failed(session, row, reason, own_fault=True, now=clock())
        return False
    settle: Any = outbox.sent if done else outbox.again
    settle(session, row, now=clock())
    return bool(done)
