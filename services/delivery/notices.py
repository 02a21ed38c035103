"""Telling people: a notification for the bell and a mail in the outbox, in one transaction."""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.delivery.notification import NoticeKind, Notification
from models.delivery.outbox import Channel, Outbox
from services.core.errors import NotVisible
from services.delivery import outbox
from services.rights.call import Call

CHUNK = 500  # rows a statement: PostgreSQL and SQLite both bound the number of parameters
TITLE, KEY = 200, 120
SETTLED = dt.timedelta(days=2)


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """One event for one person. `title` is data (a record's name); `url` is a path of ours."""

    user_id: int
    kind: NoticeKind
    title: str
    url: str
    dedupe_key: str


def tell(session: Session, notice: Notice, *, now: dt.datetime) -> bool:
    """Tell one person of one event; the same key is told to him once. Returns whether it is new."""
    return tell_many(session, [notice], now=now) == 1


def tell_many(session: Session, notices: Iterable[Notice], *, now: dt.datetime) -> int:
    """Tell many in two statements per 500. Returns how many were not told before.

    Raises ValueError when an address is none of ours or a key is too long to be unique.
    """
    told = 0
    source = iter({(n.user_id, n.dedupe_key): n for n in notices}.values())
    while chunk := list(islice(source, CHUNK)):
        told += _write(session, chunk, now)
    return told


def key_of(word: str, *parts: Any) -> sa.ColumnElement[str]:
    """Return the key `word:part:part` of rows of a statement."""
    found: sa.ColumnElement[str] = sa.literal(word)
    for part in parts:
        found = found + ":" + sa.cast(part, sa.String)
    return found


def untold(user_id: Any, key: Any) -> sa.ColumnElement[bool]:
    """Return, for a statement, whether a person was not told of a key: what was is left alone.

    Without it a schedule writes the same rows again, each time under SQLite's write lock.
    """
    table = Notification.__table__
    return ~sa.exists().where(table.c.user_id == user_id, table.c.dedupe_key == key)


def tell_set(session: Session, kind: NoticeKind, rows: sa.Select[Any], *, now: dt.datetime) -> None:
    """Tell everybody of a select (user_id, title, url, dedupe_key): bell and mail, two statements.

    The law of `tell_many`: what was told already is not told again.
    """
    table: Any = Notification.__table__
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    found = rows.subquery()
    values = {
        "user_id": found.c.user_id,
        "kind": sa.literal(kind, table.c.kind.type),
        "title": found.c.title,
        "url": found.c.url,
        "dedupe_key": found.c.dedupe_key,
        "created_at": sa.literal(now, table.c.created_at.type),
    }
    every = sa.select(*values.values()).where(sa.true())  # SQLite wants a WHERE before ON CONFLICT
    statement = build(table).from_select(list(values), every, include_defaults=False)
    session.execute(
        statement.on_conflict_do_nothing(index_elements=[table.c.user_id, table.c.dedupe_key]),
        execution_options={"rule": "notice"},
    )
    payload = f'{{"kind": "{kind.name}", "url": "' + found.c.url + '"}'
    mails = sa.select(
        found.c.user_id,
        found.c.title,
        payload.label("payload"),
        ("mail:" + sa.cast(found.c.user_id, sa.String) + ":" + found.c.dedupe_key).label("key"),
    )
    outbox.post_set(session, Channel.mail, mails, now=now)


def _write(session: Session, chunk: list[Notice], now: dt.datetime) -> int:
    table = Notification.__table__
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = (
        build(table)
        .values([_row(one, now) for one in chunk])
        .on_conflict_do_nothing(index_elements=[table.c.user_id, table.c.dedupe_key])
        .returning(table.c.user_id, table.c.dedupe_key)
    )
    rows = session.execute(statement, execution_options={"rule": "notice"}).all()
    fresh = {(user_id, key) for user_id, key in rows}
    new = [one for one in chunk if (one.user_id, one.dedupe_key) in fresh]
    outbox.post_many(session, map(_mail, new), now=now)
    return len(new)


def _row(one: Notice, now: dt.datetime) -> dict[str, Any]:
    if not one.url.startswith("/") or one.url.startswith("//") or len(one.dedupe_key) > KEY:
        message = f"a notice needs a path of ours and a key of at most {KEY}: {one}"
        raise ValueError(message)
    return dataclasses.asdict(one) | {"title": one.title[:TITLE], "created_at": now}


def _mail(one: Notice) -> outbox.Posting:
    return outbox.Posting(
        Channel.mail,
        title=one.title[:TITLE],
        payload={"kind": one.kind.name, "url": one.url},
        dedupe_key=f"mail:{one.user_id}:{one.dedupe_key}",
        user_id=one.user_id,
    )


def open_notice(call: Call, notice_id: int) -> Notification:
    """Mark one notice of the actor read and return it. Raises NotVisible."""
    mine = Notification.user_id == call.by.id
    found = call.session.scalar(sa.select(Notification).where(Notification.id == notice_id, mine))
    if found is None:
        raise NotVisible
    _mark(call, Notification.__table__.c.id == notice_id)
    return found


def read_all(call: Call) -> None:
    """Mark every notice of the actor read: one statement."""
    _mark(call, sa.true())


def _mark(call: Call, which: Any) -> None:
    table = Notification.__table__
    call.session.execute(
        sa.update(table)
        .where(table.c.user_id == call.by.id, table.c.read_at.is_(None), which)
        .values(read_at=call.now),
        execution_options={"rule": "read_mark"},
    )
    call.session.expire_all()


def settle_history(session: Session, *, now: dt.datetime) -> None:
    """Let a told story be the past: nobody is mailed of it, what is two days old counts as read.

    For seeds, whose events happened long before anybody could be told.
    """
    notice, mail = Notification.__table__, Outbox.__table__
    rule = {"rule": "notice"}
    session.execute(sa.delete(mail).where(mail.c.channel == Channel.mail), execution_options=rule)
    session.execute(
        sa.update(notice)
        .where(notice.c.read_at.is_(None), notice.c.created_at < now - SETTLED)
        .values(read_at=notice.c.created_at),
        execution_options=rule,
    )
