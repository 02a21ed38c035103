"""Readers of pushes who want no more of them: a signed link, one click, for every later push."""

import datetime as dt

import sqlalchemy as sa
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.delivery.outbox import Outbox, OutboxState
from models.portrait.push import MailStop
from services.core.errors import NotVisible

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


def stop(session: Session, address: str, *, now: dt.datetime) -> None:
    """Write to a mailbox no more; what waits for the end of the night does not go out either."""
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = build(TABLE).values(address=address, at=now).on_conflict_do_nothing()
    session.execute(statement, execution_options={"rule": "portrait"})
    waiting = (
        LETTER.c.address == address,
        LETTER.c.state == OutboxState.waiting,
        LETTER.c.dedupe_key.startswith("push:"),
    )
    session.execute(sa.delete(LETTER).where(*waiting), execution_options={"rule": "notice"})
