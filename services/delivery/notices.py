"""Telling people: a notification for the bell and a mail in the outbox, in one transaction."""

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.delivery.notification import TASKS, NoticeKind, Notification
from models.delivery.outbox import Channel, Outbox
from services.core.errors import NotVisible
from services.delivery import mail_times, outbox
from services.rights.call import Call
from services.rights.pending_counts import unread

CHUNK = 500  # rows a statement: PostgreSQL and SQLite both bound the number of parameters
TITLE, KEY = 200, 120
SETTLED = dt.timedelta(days=2)
GATHERING = dt.timedelta(minutes=1)  # a mail of a batch waits so long for more of it
RULE = {"rule": "notice"}
# Where many of a kind are found together; what is not here is told one by one.
MANY = {
    **dict.fromkeys(TASKS, "/admin/inbox/"),
    NoticeKind.decision: "/admin/created/",
    NoticeKind.returned: "/admin/created/",
    NoticeKind.withdrawn: "/admin/inbox/?tab=done",
    NoticeKind.assigned: "/admin/customer/?tab=mine",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """One event for one person. `title` is data (a record's name); `url` is a path of ours."""

    user_id: int
    kind: NoticeKind
    title: str
    url: str
    dedupe_key: str
    request_id: int | None = None  # the approval request it is about
    number: int = 1  # how many events it stands for


def tell(session: Session, notice: Notice, *, now: dt.datetime) -> bool:
    """Tell one person of one event; the same key is told to him once. Returns whether it is new."""
    return tell_many(session, [notice], now=now) == 1


def tell_many(session: Session, notices: Iterable[Notice], *, now: dt.datetime) -> int:
    """Tell many in two statements per 500 and one more. Returns how many were not told before.

    Raises ValueError when an address is none of ours or a key is too long to be unique.
    """
    told, batch = 0, session.info.get("batch")
    some = list({(n.user_id, n.dedupe_key): n for n in notices}.values())
    paces = mail_times.chosen(session, {one.user_id for one in some})
    if batch:
        many = [one for one in some if one.kind in MANY]
        _grow(session, _gathered(batch, many), paces, now)
        some, told = [one for one in some if one.kind not in MANY], len(many)
    source = iter(some)
    while chunk := list(islice(source, CHUNK)):
        told += _write(session, chunk, paces, now)
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
    """Tell everybody of a select (user_id, title, url, dedupe_key, request_id)."""
    found = session.execute(rows).all()
    notices = [Notice(who, kind, title, *rest) for who, title, *rest in found]
    tell_many(session, notices, now=now)


@contextlib.contextmanager
def gathered(session: Session, batch: str) -> Iterator[None]:
    """Let what one batch brings about be one notice and one mail a person and kind.

    It counts on as the batch goes on, whatever the number of its transactions.
    """
    before = session.info.get("batch")
    session.info["batch"] = batch
    try:
        yield
    finally:
        session.info["batch"] = before


def _gathered(batch: str, notices: list[Notice]) -> list[Notice]:
    found: dict[tuple[int, NoticeKind], Notice] = {}
    for one in notices:
        known = found.get((one.user_id, one.kind))
        number = one.number + (known.number if known else 0)
        key = f"{one.kind.name}:{batch}"
        found[one.user_id, one.kind] = dataclasses.replace(
            known or one, number=number, dedupe_key=key
        )
    return list(found.values())


def _grow(
    session: Session, notices: list[Notice], paces: Mapping[int, Any], now: dt.datetime
) -> None:
    """Write the notices of a batch, or count on what is there; a mail waits for what comes yet."""
    table = Notification.__table__
    for one in notices:
        row = _row(one, now)
        if one.number > 1:
            row |= {"request_id": None, "url": MANY[one.kind], "until": now}
        statement = _insert(session)(table).values(row)
        more = {"number": table.c.number + one.number, "request_id": None, "read_at": None}
        statement = statement.on_conflict_do_update(
            index_elements=[table.c.user_id, table.c.dedupe_key],
            set_=more | {"url": MANY[one.kind], "until": now},
        )
        session.execute(statement, execution_options=RULE)
    outbox.post_many(session, _mails(notices, paces, now + GATHERING), now=now)


def _insert(session: Session) -> Any:
    lite = session.get_bind().dialect.name == "sqlite"
    return sqlite.insert if lite else postgresql.insert


def _write(
    session: Session, chunk: list[Notice], paces: Mapping[int, Any], now: dt.datetime
) -> int:
    table = Notification.__table__
    statement = (
        _insert(session)(table)
        .values([_row(one, now) for one in chunk])
        .on_conflict_do_nothing(index_elements=[table.c.user_id, table.c.dedupe_key])
        .returning(table.c.user_id, table.c.dedupe_key)
    )
    rows = session.execute(statement, execution_options=RULE).all()
    fresh = {(user_id, key) for user_id, key in rows}
    new = [one for one in chunk if (one.user_id, one.dedupe_key) in fresh]
    outbox.post_many(session, _mails(new, paces, now), now=now)
    return len(new)


def _row(one: Notice, now: dt.datetime) -> dict[str, Any]:
    if not one.url.startswith("/") or one.url.startswith("//") or len(one.dedupe_key) > KEY:
        message = f"a notice needs a path of ours and a key of at most {KEY}: {one}"
        raise ValueError(message)
    return dataclasses.asdict(one) | {"title": one.title[:TITLE], "created_at": now}


def _mails(
    notices: Iterable[Notice], paces: Mapping[int, Any], at: dt.datetime
) -> Iterator[outbox.Posting]:
    """Yield the mails of notices, each when its person wants it."""
    for one in notices:
        chosen = paces.get(one.user_id)
        when = at if chosen is None else mail_times.when(chosen, one.kind, at)
        if when is None:
            continue
        posting = outbox.Posting(
            mail_times.channel(chosen, one.kind),
            title=one.title[:TITLE],
            payload={"kind": one.kind.name, "url": one.url},
            dedupe_key=f"mail:{one.user_id}:{one.dedupe_key}",
            user_id=one.user_id,
            next_at=when,
        )
        daily = chosen is not None and mail_times.is_daily(chosen, one.kind)
        yield mail_times.daily(posting, when) if daily else posting


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


def settle_handled(session: Session, *, now: dt.datetime) -> None:
    """Mark read what tells of tasks that wait no more; until then it only counts as read."""
    table = Notification.__table__
    session.execute(
        sa.update(table)
        .where(table.c.read_at.is_(None), table.c.kind.in_(TASKS), sa.not_(unread(table.c)))
        .values(read_at=now),
        execution_options=RULE,
    )


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
