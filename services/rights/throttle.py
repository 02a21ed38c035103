"""Password attempts, counted in the database before the password is checked.

So any number of workers together let no more of them through.
"""

import datetime as dt
import hashlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from models.rights.login_attempt import LoginAttempt
from services.core.engine import writing

WINDOW = dt.timedelta(minutes=15)
MOST = 10  # attempts an account and address have in a window


def key_of(account: str, address: str) -> str:
    """Return the digest under which the attempts on an account from an address are counted.

    Its first half is that of the account alone: `unlock` finds all of them by it.
    """
    account = account.strip().lower()
    return _digest(account) + _digest(f"{account}\n{address}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def unlock(session: Session, account: str) -> int:
    """Forget every attempt on an account, from wherever; return from how many places."""
    table: Any = LoginAttempt.__table__
    key = table.c.key.startswith(_digest(account.strip().lower()))
    return session.connection().execute(sa.delete(table).where(key)).rowcount


def attempt(engine: Engine, key: str, *, now: dt.datetime) -> bool:
    """Count an attempt and tell whether it is still within the window's number."""
    return tries(engine, key, now=now) <= MOST


def tries(engine: Engine, key: str, *, now: dt.datetime) -> int:
    """Count an attempt and return which one of the window it is.

    In a short transaction of its own: a refused request rolls its session back, the count stays.
    """
    table = LoginAttempt.__table__
    build = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    old = table.c.since <= now - WINDOW
    statement = (
        build(table)
        .values(key=key, n=1, since=now)
        .on_conflict_do_update(
            index_elements=[table.c.key],
            set_={
                "n": sa.case((old, 1), else_=table.c.n + 1),
                "since": sa.case((old, now), else_=table.c.since),
            },
        )
        .returning(table.c.n)
    )
    with writing(on=True), engine.begin() as connection:
        connection.execute(sa.delete(table).where(old, table.c.key != key))
        return int(connection.execute(statement).scalar_one())


def forget(engine: Engine, key: str) -> None:
    """Start anew after a right password."""
    table = LoginAttempt.__table__
    with writing(on=True), engine.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.key == key))
