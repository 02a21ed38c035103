"""Looking after the outbox: mail that comes and goes, files that go along."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.delivery.outbox import Channel, Outbox, OutboxState
from services.delivery.outbox import FRESH, LIVE, RULE


def unconfigured(session: Session, *, now: dt.datetime) -> int:
    """Say of every waiting mail that no mail server is set. Returns how many there were."""
    table = Outbox.__table__
    found: Any = session.execute(
        sa.update(table)
        .where(table.c.channel == Channel.mail, table.c.state.in_(LIVE))
        .values(state=OutboxState.unconfigured, next_at=now),
        execution_options=RULE,
    )
    return int(found.rowcount)


def configured(session: Session, *, now: dt.datetime) -> int:
    """Let mails of the last day go that waited for a mail server. Returns how many."""
    table = Outbox.__table__
    found: Any = session.execute(
        sa.update(table)
        .where(table.c.state == OutboxState.unconfigured, table.c.created_at >= now - FRESH)
        .values(state=OutboxState.waiting, next_at=now),
        execution_options=RULE,
    )
    return int(found.rowcount)


def enclosed(session: Session) -> set[str]:
    """Return the SHA-256 of every file that goes along with a mail which is not sent yet."""
    table = Outbox.__table__
    rows = session.connection().execute(
        sa.select(table.c.payload).where(
            table.c.channel == Channel.mail,
            table.c.state != OutboxState.sent,
            table.c.address.is_not(None),
        )
    )
    return {told["file"]["sha256"] for (told,) in rows if told.get("file")}
