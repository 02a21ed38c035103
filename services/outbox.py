"""The outbox: posting in the transaction, then claim, send and settle, at least once.

A claim is a lease: a worker that dies leaves the row to the next one when the lease runs out.
Every row is settled in a transaction of its own, so that a kill repeats at most what was in
flight, under the same key.
"""

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

import models as m
from services.actor import Actor, demand
from services.errors import NotVisible

CHUNK = 500
FIRST_WAIT, LONGEST_WAIT = dt.timedelta(minutes=1), dt.timedelta(hours=1)
GIVE_UP = dt.timedelta(days=3)  # a mail server may be away for a weekend
MOST_FAULTS = 8  # tries of a row that is itself at fault: it is poison, not the network
FRESH = dt.timedelta(days=1)  # how old a mail may be that goes out when mail gets configured
PATIENCE = dt.timedelta(minutes=1)  # a worker asks every few seconds, and again after each chunk
KEPT = dt.timedelta(days=30)
REASON = 300
RULE = {"rule": "notice"}
LIVE = (m.OutboxState.waiting, m.OutboxState.sending)


@dataclasses.dataclass(frozen=True, slots=True)
class Posting:
    """One delivery to make. `payload` is JSON; a job's names its task and arguments."""

    channel: m.Channel
    title: str
    payload: dict[str, Any]
    dedupe_key: str
    user_id: int | None = None


def post(session: Session, posting: Posting, *, now: dt.datetime) -> None:
    """Put one delivery into the outbox; it exists exactly when the transaction commits."""
    post_many(session, [posting], now=now)


def enqueue(
    session: Session, task: str, arguments: dict[str, Any], *, title: str, now: dt.datetime
) -> None:
    """Let the worker do a task after this transaction commits; a rolled-back one asks nothing.

    `task` is a name of `jobs.queue.KNOWN`, `arguments` is JSON. The same task with the same
    arguments is asked for once.
    """
    payload = {"task": task, "arguments": arguments}
    post(session, Posting(m.Channel.job, title, payload, _key(task, arguments)), now=now)


def _key(task: str, arguments: dict[str, Any]) -> str:
    return f"job:{task}:{json.dumps(arguments, sort_keys=True)}"


def underway(session: Session, task: str, arguments: dict[str, Any]) -> bool:
    """Tell whether a task was asked for and waits for the worker, or is with it."""
    return session.execute(_live(task, arguments)).first() is not None


def stalled(session: Session, task: str, arguments: dict[str, Any], *, now: dt.datetime) -> bool:
    """Tell whether a task that was asked for is left lying: no worker has looked for PATIENCE."""
    late = _live(task, arguments).where(m.Outbox.__table__.c.next_at < now - PATIENCE)
    return session.execute(late).first() is not None


def _live(task: str, arguments: dict[str, Any]) -> sa.Select[Any]:
    table = m.Outbox.__table__
    mine = table.c.dedupe_key == _key(task, arguments)
    return sa.select(table.c.id).where(mine, table.c.state.in_(LIVE))


def post_many(session: Session, postings: Iterable[Posting], *, now: dt.datetime) -> None:
    """Put deliveries into the outbox, one statement per 500; known keys are left as they are."""
    table = m.Outbox.__table__
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    source = iter(postings)
    while chunk := list(islice(source, CHUNK)):
        rows = [
            dataclasses.asdict(one)
            | {"state": m.OutboxState.waiting, "attempts": 0, "created_at": now, "next_at": now}
            for one in chunk
        ]
        statement = build(table).values(rows)
        session.execute(
            statement.on_conflict_do_nothing(index_elements=[table.c.dedupe_key]),
            execution_options=RULE,
        )
        session.info["posted"] = True  # whoever listens to the commit may ring the worker's bell


def post_set(
    session: Session, channel: m.Channel, rows: sa.Select[Any], *, now: dt.datetime
) -> None:
    """Put a delivery into the outbox for every (user_id, title, payload as text, key) of a select.

    The payload is a text that is JSON; the keys have to be new.
    """
    table: Any = m.Outbox.__table__
    found = rows.subquery()
    json_text: Any = found.c[2]
    if session.get_bind().dialect.name == "postgresql":
        json_text = sa.cast(json_text, sa.JSON)  # SQLite keeps JSON as the text it is
    values = {
        "channel": sa.literal(channel, table.c.channel.type),
        "state": sa.literal(m.OutboxState.waiting, table.c.state.type),
        "user_id": found.c[0],
        "title": found.c[1],
        "payload": json_text,
        "dedupe_key": found.c[3],
        "attempts": sa.literal(0),
        "created_at": sa.literal(now, table.c.created_at.type),
        "next_at": sa.literal(now, table.c.next_at.type),
    }
    statement = sa.insert(table).from_select(
        list(values), sa.select(*values.values()), include_defaults=False
    )
    session.execute(statement, execution_options=RULE)
    session.info["posted"] = True


def claim(
    session: Session, channel: m.Channel, *, now: dt.datetime, most: int = 10, lease: dt.timedelta
) -> list[m.Outbox]:
    """Lease the oldest due rows of a channel. Two workers never get the same row.

    A time further ahead than any wait of ours means that the clock was set back: due as well.
    """
    table = m.Outbox.__table__
    due = sa.and_(
        table.c.channel == channel,
        table.c.state.in_(LIVE),
        sa.or_(table.c.next_at <= now, table.c.next_at > now + 2 * LONGEST_WAIT),
    )
    oldest = table.alias("oldest")
    first = (
        sa.select(oldest.c.id)
        .where(
            oldest.c.channel == channel,
            oldest.c.state.in_(LIVE),
            sa.or_(oldest.c.next_at <= now, oldest.c.next_at > now + 2 * LONGEST_WAIT),
        )
        .order_by(oldest.c.id)
        .limit(most)
    )
    taken = session.execute(
        sa.update(table)
        .where(table.c.id.in_(first), due)  # `due` again: PostgreSQL rechecks it on a row it waited
        .values(state=m.OutboxState.sending, attempts=table.c.attempts + 1, next_at=now + lease)
        .returning(table.c.id),
        execution_options=RULE,
    ).scalars()
    keys = sorted(taken)
    query = sa.select(m.Outbox).where(m.Outbox.id.in_(keys)).order_by(m.Outbox.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def sent(session: Session, row: m.Outbox, *, now: dt.datetime) -> None:
    """Settle a row that was delivered."""
    _settle(session, row, state=m.OutboxState.sent, sent_at=now, reason=None)


def again(session: Session, row: m.Outbox, *, now: dt.datetime) -> None:
    """Put a job back that has more to do: what it did so far counts as no attempt."""
    _settle(session, row, state=m.OutboxState.waiting, attempts=0, next_at=now, reason=None)


def failed(
    session: Session, row: m.Outbox, reason: str, *, own_fault: bool, now: dt.datetime
) -> None:
    """Try a row later, doubling the wait up to an hour; park poison and what is three days old.

    `own_fault` says that the row failed, not the way to its goal.
    """
    over = row.attempts >= MOST_FAULTS if own_fault else now - row.created_at >= GIVE_UP
    if over:
        park(session, row, reason)
        return
    wait = min(FIRST_WAIT * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
    _settle(session, row, state=m.OutboxState.waiting, next_at=now + wait, reason=reason[:REASON])


def park(session: Session, row: m.Outbox, reason: str) -> None:
    """Set a row aside with its reason until an admin sends it again."""
    _settle(session, row, state=m.OutboxState.parked, reason=reason[:REASON] or "unknown")


def unconfigured(session: Session, *, now: dt.datetime) -> int:
    """Say of every waiting mail that no mail server is set. Returns how many there were."""
    table = m.Outbox.__table__
    found: Any = session.execute(
        sa.update(table)
        .where(table.c.channel == m.Channel.mail, table.c.state.in_(LIVE))
        .values(state=m.OutboxState.unconfigured, next_at=now),
        execution_options=RULE,
    )
    return int(found.rowcount)


def configured(session: Session, *, now: dt.datetime) -> int:
    """Let mails of the last day go that waited for a mail server. Returns how many."""
    table = m.Outbox.__table__
    found: Any = session.execute(
        sa.update(table)
        .where(table.c.state == m.OutboxState.unconfigured, table.c.created_at >= now - FRESH)
        .values(state=m.OutboxState.waiting, next_at=now),
        execution_options=RULE,
    )
    return int(found.rowcount)


def resend(session: Session, outbox_id: int, *, by: Actor, now: dt.datetime) -> m.Outbox:
    """Let a parked or unconfigured row go again. Raises Forbidden or NotVisible."""
    demand(by, "outbox:edit")
    row = session.scalar(sa.select(m.Outbox).where(m.Outbox.id == outbox_id))
    if row is None or row.state not in {m.OutboxState.parked, m.OutboxState.unconfigured}:
        raise NotVisible
    _settle(session, row, state=m.OutboxState.waiting, attempts=0, next_at=now, reason=None)
    session.info["posted"] = True
    return row


def prune(session: Session, *, now: dt.datetime) -> int:
    """Drop what was delivered, or never could be, a month ago. Returns how many rows went."""
    table = m.Outbox.__table__
    found: Any = session.execute(
        sa.delete(table).where(
            table.c.state.in_((m.OutboxState.sent, m.OutboxState.unconfigured)),
            table.c.created_at < now - KEPT,
        ),
        execution_options=RULE,
    )
    return int(found.rowcount)


def _settle(session: Session, row: m.Outbox, **values: Any) -> None:
    table = m.Outbox.__table__
    session.execute(
        sa.update(table).where(table.c.id == row.id).values(values), execution_options=RULE
    )
    session.expire(row)
