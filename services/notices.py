"""Telling people: a notification for the bell and a mail in the outbox, in one transaction."""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

import models as m
from services import outbox
from services.actor import Actor
from services.errors import NotVisible

CHUNK = 500  # rows a statement: PostgreSQL and SQLite both bound the number of parameters
TITLE, KEY = 200, 120
SETTLED = dt.timedelta(days=2)


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """One event for one person. `title` is data (a record's name); `url` is a path of ours."""

    user_id: int
    kind: m.NoticeKind
    title: str
    url: str
    dedupe_key: str


def tell(  # noqa: PLR0913 # what is told, to whom and how often are one sentence
    session: Session,
    *,
    user_id: int,
    kind: m.NoticeKind,
    title: str,
    url: str,
    dedupe_key: str,
    now: dt.datetime,
) -> bool:
    """Tell one person of one event; the same key is told to him once. Returns whether it is new."""
    return tell_many(session, [Notice(user_id, kind, title, url, dedupe_key)], now=now) == 1


def tell_many(session: Session, notices: Iterable[Notice], *, now: dt.datetime) -> int:
    """Tell many in two statements per 500. Returns how many were not told before.

    Raises ValueError when an address is none of ours or a key is too long to be unique.
    """
    told = 0
    source = iter({(n.user_id, n.dedupe_key): n for n in notices}.values())
    while chunk := list(islice(source, CHUNK)):
        told += _write(session, chunk, now)
    return told


def tell_set(
    session: Session, kind: m.NoticeKind, rows: sa.Select[Any], *, now: dt.datetime
) -> None:
    """Tell everybody of a select (user_id, title, url, dedupe_key): bell and mail, two statements.

    The law of `tell_many`, for keys that name their instant and so were never told before.
    """
    table: Any = m.Notification.__table__
    found = rows.subquery()
    values = {
        "user_id": found.c.user_id,
        "kind": sa.literal(kind, table.c.kind.type),
        "title": found.c.title,
        "url": found.c.url,
        "dedupe_key": found.c.dedupe_key,
        "created_at": sa.literal(now, table.c.created_at.type),
    }
    statement = sa.insert(table).from_select(
        list(values), sa.select(*values.values()), include_defaults=False
    )
    session.execute(statement, execution_options={"rule": "notice"})
    payload = f'{{"kind": "{kind.name}", "url": "' + found.c.url + '"}'
    mails = sa.select(
        found.c.user_id,
        found.c.title,
        payload.label("payload"),
        ("mail:" + sa.cast(found.c.user_id, sa.String) + ":" + found.c.dedupe_key).label("key"),
    )
    outbox.post_set(session, m.Channel.mail, mails, now=now)


def _write(session: Session, chunk: list[Notice], now: dt.datetime) -> int:
    table = m.Notification.__table__
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
        m.Channel.mail,
        title=one.title[:TITLE],
        payload={"kind": one.kind.name, "url": one.url},
        dedupe_key=f"mail:{one.user_id}:{one.dedupe_key}",
        user_id=one.user_id,
    )


def open_notice(session: Session, notice_id: int, *, by: Actor, now: dt.datetime) -> m.Notification:
    """Mark one notice of the actor read and return it. Raises NotVisible."""
    mine = m.Notification.user_id == by.id
    found = session.scalar(sa.select(m.Notification).where(m.Notification.id == notice_id, mine))
    if found is None:
        raise NotVisible
    _mark(session, by, now, m.Notification.__table__.c.id == notice_id)
    return found


def read_all(session: Session, *, by: Actor, now: dt.datetime) -> None:
    """Mark every notice of the actor read: one statement."""
    _mark(session, by, now, sa.true())


def _mark(session: Session, by: Actor, now: dt.datetime, which: Any) -> None:
    table = m.Notification.__table__
    session.execute(
        sa.update(table)
        .where(table.c.user_id == by.id, table.c.read_at.is_(None), which)
        .values(read_at=now),
        execution_options={"rule": "read_mark"},
    )
    session.expire_all()


def settle_history(session: Session, *, now: dt.datetime) -> None:
    """Let a told story be the past: nobody is mailed of it, what is two days old counts as read.

    For seeds, whose events happened long before anybody could be told.
    """
    notice, mail = m.Notification.__table__, m.Outbox.__table__
    rule = {"rule": "notice"}
    session.execute(sa.delete(mail).where(mail.c.channel == m.Channel.mail), execution_options=rule)
    session.execute(
        sa.update(notice)
        .where(notice.c.read_at.is_(None), notice.c.created_at < now - SETTLED)
        .values(read_at=notice.c.created_at),
        execution_options=rule,
    )
