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

from models.delivery.outbox import Channel, Outbox, OutboxState
from services.core.errors import NotVisible
from services.rights.actor import demand
from services.rights.call import Call

CHUNK = 500
FIRST_WAIT, LONGEST_WAIT = dt.timedelta(minutes=1), dt.timedelta(hours=1)
LONGEST_HOLD = dt.timedelta(hours=26)  # a mail of the day, or one that waits for the morning
GIVE_UP = dt.timedelta(days=3)  # a mail server may be away for a weekend
MOST_FAULTS = 8  # tries of a row that is itself at fault: it is poison, not the network
FRESH = dt.timedelta(days=1)  # how old a mail may be that goes out when mail gets configured
PATIENCE = dt.timedelta(minutes=1)  # a worker asks every few seconds, and again after each chunk
REASON = 300
RULE = {"rule": "notice"}
LIVE = (OutboxState.waiting, OutboxState.sending)
FRESHLY = ("state", "title", "attempts", "reason", "sent_at", "created_at", "next_at")


@dataclasses.dataclass(frozen=True, slots=True)
class Posting:
    """One delivery to make. `payload` is JSON; a job's names its task and arguments."""

    channel: Channel
    title: str
    payload: dict[str, Any]
    dedupe_key: str
    user_id: int | None = None
    address: str | None = None  # of a letter to somebody who is no colleague
    next_at: dt.datetime | None = None  # not before; at once for None


def post(session: Session, posting: Posting, *, now: dt.datetime) -> None:
    """Put one delivery into the outbox; it exists exactly when the transaction commits."""
    post_many(session, [posting], now=now)


def enqueue(
    session: Session, task: str, arguments: dict[str, Any], *, title: str, now: dt.datetime
) -> bool:
    """Let the worker do a task after this transaction commits; a rolled-back one asks nothing.

    `task` is a name of `jobs.queue.KNOWN`, `arguments` is JSON. The same task with the same
    arguments is with the worker once: False where it is already. What was done, or given up, is
    done again.
    """
    payload = {"task": task, "arguments": arguments}
    posting = Posting(Channel.job, title, payload, _key(task, arguments))
    table: Any = Outbox.__table__
    statement = _insert(session).values([_row(posting, now)])
    fresh = {key: statement.excluded[key] for key in FRESHLY}
    asked = statement.on_conflict_do_update(
        index_elements=[table.c.dedupe_key], set_=fresh, where=table.c.state.not_in(LIVE)
    ).returning(table.c.id)
    found = session.execute(asked, execution_options=RULE).first() is not None
    session.info["posted"] = True  # whoever listens to the commit may ring the worker's bell
    return found


def _insert(session: Session) -> Any:
    lite = session.get_bind().dialect.name == "sqlite"
    return (sqlite.insert if lite else postgresql.insert)(Outbox.__table__)


def _row(one: Posting, now: dt.datetime) -> dict[str, Any]:
    first = {"state": OutboxState.waiting, "attempts": 0, "reason": None, "sent_at": None}
    times = {"created_at": now, "next_at": one.next_at or now}
    return dataclasses.asdict(one) | first | times


def _key(task: str, arguments: dict[str, Any]) -> str:
    return f"job:{task}:{json.dumps(arguments, sort_keys=True)}"


def underway(session: Session, task: str, arguments: dict[str, Any]) -> bool:
    """Tell whether a task was asked for and waits for the worker, or is with it."""
    return session.execute(_live(task, arguments)).first() is not None


def stalled(session: Session, task: str, arguments: dict[str, Any], *, now: dt.datetime) -> bool:
    """Tell whether a task that was asked for is left lying: no worker has looked for PATIENCE."""
    late = _live(task, arguments).where(Outbox.__table__.c.next_at < now - PATIENCE)
    return session.execute(late).first() is not None


def _live(task: str, arguments: dict[str, Any]) -> sa.Select[Any]:
    table = Outbox.__table__
    mine = table.c.dedupe_key == _key(task, arguments)
    return sa.select(table.c.id).where(mine, table.c.state.in_(LIVE))


def post_many(session: Session, postings: Iterable[Posting], *, now: dt.datetime) -> None:
    """Put deliveries into the outbox, one statement per 500.

    Known keys are left as they are; what waits of them waits on for what is to go later.
    """
    table = Outbox.__table__
    source = iter(postings)
    while chunk := list(islice(source, CHUNK)):
        statement = _insert(session).values(
            list({one.dedupe_key: _row(one, now) for one in chunk}.values())
        )
        later = statement.excluded.next_at
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[table.c.dedupe_key],
                set_={"next_at": later},
                where=sa.and_(table.c.state == OutboxState.waiting, table.c.next_at < later),
            ),
            execution_options=RULE,
        )
        session.info["posted"] = True  # whoever listens to the commit may ring the worker's bell


def claim(
    session: Session, channel: Channel, *, now: dt.datetime, most: int = 10, lease: dt.timedelta
) -> list[Outbox]:
    """Lease the oldest due rows of a channel. Two workers never get the same row.

    A time further ahead than any wait of ours means that the clock was set back: due as well.
    """
    table, ahead = Outbox.__table__, now + LONGEST_HOLD
    due = sa.and_(
        table.c.channel == channel,
        table.c.state.in_(LIVE),
        sa.or_(table.c.next_at <= now, table.c.next_at > ahead),
    )
    oldest = table.alias("oldest")
    first = (
        sa.select(oldest.c.id)
        .where(
            oldest.c.channel == channel,
            oldest.c.state.in_(LIVE),
            sa.or_(oldest.c.next_at <= now, oldest.c.next_at > ahead),
        )
        .order_by(oldest.c.id)
        .limit(most)
    )
    taken = session.execute(
        sa.update(table)
        .where(table.c.id.in_(first), due)  # `due` again: PostgreSQL rechecks it on a row it waited
        .values(state=OutboxState.sending, attempts=table.c.attempts + 1, next_at=now + lease)
        .returning(table.c.id),
        execution_options=RULE,
    ).scalars()
    keys = sorted(taken)
    query = sa.select(Outbox).where(Outbox.id.in_(keys)).order_by(Outbox.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def hold(session: Session, task: str, arguments: dict[str, Any], *, until: dt.datetime) -> None:
    """Keep a task that is being done from other workers, until then."""
    table: Any = Outbox.__table__
    mine = (table.c.dedupe_key == _key(task, arguments), table.c.state == OutboxState.sending)
    session.execute(sa.update(table).where(*mine).values(next_at=until), execution_options=RULE)


def sent(session: Session, row: Outbox, *, now: dt.datetime) -> None:
    """Settle a row that was delivered."""
    _settle(session, row, state=OutboxState.sent, sent_at=now, reason=None)


def again(session: Session, row: Outbox, *, now: dt.datetime) -> None:
    """Put a job back that has more to do: what it did so far counts as no attempt."""
    _settle(session, row, state=OutboxState.waiting, attempts=0, next_at=now, reason=None)


def failed(
    session: Session, row: Outbox, reason: str, *, own_fault: bool, now: dt.datetime
) -> None:
    """Try a row later, doubling the wait up to an hour; park poison and what is three days old.

    `own_fault` says that the row failed, not the way to its goal.
    """
    over = row.attempts >= MOST_FAULTS if own_fault else now - row.created_at >= GIVE_UP
    if over:
        park(session, row, reason)
        return
    wait = min(FIRST_WAIT * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
    _settle(session, row, state=OutboxState.waiting, next_at=now + wait, reason=reason[:REASON])


def park(session: Session, row: Outbox, reason: str) -> None:
    """Set a row aside with its reason until an admin sends it again."""
    _settle(session, row, state=OutboxState.parked, reason=reason[:REASON] or "unknown")


def resend(call: Call, outbox_id: int) -> Outbox:
    """Let a parked or unconfigured row go again. Raises Forbidden or NotVisible."""
    demand(call.by, "outbox:edit")
    row = call.session.scalar(sa.select(Outbox).where(Outbox.id == outbox_id))
    if row is None or row.state not in {OutboxState.parked, OutboxState.unconfigured}:
        raise NotVisible
    _settle(call.session, row, state=OutboxState.waiting, attempts=0, next_at=call.now, reason=None)
    call.session.info["posted"] = True
    return row


def _settle(session: Session, row: Outbox, **values: Any) -> None:
    table = Outbox.__table__
    session.execute(
        sa.update(table).where(table.c.id == row.id).values(values), execution_options=RULE
    )
    session.expire(row)
