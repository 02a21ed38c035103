"""Readers of pushes who want no more of them: a signed link, one click, for every later push."""

import datetime as dt

import sqlalchemy as sa
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.delivery.outbox import Outbox, OutboxState
from models.portrait.push import MailStop
from services.core.errors import NotVisible
from services.delivery import outbox
from services.portrait.pushes import law
from services.portrait.pushes.law import PUSH

SALT = "push-mail"
TABLE, LETTER = MailStop.__table__, Outbox.__table__


def link(secret: str, base: str, address: str) -> str:
    """Return the address at which the reader of a letter stops them."""
    return f"{base}/push/stop/{URLSafeSerializer(secret, SALT).dumps(address)}"


def mailbox(secret: str, token: str) -> str:
    """Return whose link it is. Raises NotVisible for one that is none."""
    try:
        return str(URLSafeSerializer(secret, SALT).loads(token))
    except BadData as problem:
        raise NotVisible from problem


def stopped(session: Session, address: str) -> bool:
    """Tell whether a mailbox wants no more."""
    query = sa.select(TABLE.c.id).where(TABLE.c.address == address)
    return session.connection().execute(query).first() is not None


def due(session: Session, claimed: list[Outbox], *, now: dt.datetime) -> list[Outbox]:
    """Return the letters that may go now: pushes to who stopped them are dropped, at night none go.

    By whatever way a push comes here: late, tried once more, sent again by hand.
    """
    pushes = [row for row in claimed if row.dedupe_key.startswith(PUSH)]
    morning, left = law.awake(session, now), set()
    for row in pushes:
        if stopped(session, row.address or ""):
            mine = sa.delete(LETTER).where(LETTER.c.id == row.id)
            session.execute(mine, execution_options={"rule": "notice"})
            left.add(row)
        elif morning > now:
            outbox.again(session, row, now=morning)
            left.add(row)
    return [row for row in claimed if row not in left]


def stop(session: Session, address: str, *, now: dt.datetime) -> None:
    """Write to a mailbox no more; what waits for the end of the night does not go out either."""
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = build(TABLE).values(address=address, at=now).on_conflict_do_nothing()
    session.execute(statement, execution_options={"rule": "portrait"})
    waiting = (
        LETTER.c.address == address,
        LETTER.c.state == OutboxState.waiting,
        LETTER.c.dedupe_key.startswith(PUSH),
    )
    session.execute(sa.delete(LETTER).where(*waiting), execution_options={"rule": "notice"})
