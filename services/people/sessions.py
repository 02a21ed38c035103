"""Where a person is logged in: seen and ended by himself, or by who may touch him."""

import datetime as dt
import hashlib
import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from models.people.login_session import LoginSession
from models.people.user import User
from models.rights.audit import AuditAction
from services.core.engine import writing
from services.core.errors import Forbidden
from services.rights import audit, ceiling
from services.rights.actor import Actor, demand

TABLE: Any = LoginSession.__table__
KEPT = dt.timedelta(days=7)  # without a sign of it; as long as 记住我 lasts
OFTEN = dt.timedelta(minutes=10)  # how exactly it is known when somebody was there last
BROWSERS = (
    ("MicroMessenger", "微信"), ("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = re.compile(r"Windows|Android|iPhone|iPad|Mac OS|Linux")


def key_of(secret: str) -> str:
    """Return how the table knows the secret of a cookie."""
    return hashlib.sha256(secret.encode()).hexdigest()


def device(agent: str) -> str:
    """Return a browser's own words short: Chrome · Windows."""
    browser = next((name for word, name in BROWSERS if word in agent), agent[:20])
    found = SYSTEMS.search(agent)
    return f"{browser} · {found[0]}" if found else browser


def listed(session: Session, user: User) -> list[Any]:
    """Return where the person is logged in, the last seen first."""
    query = sa.select(TABLE).where(TABLE.c.user_id == user.id, TABLE.c.mark == user.fs_uniquifier)
    return list(session.connection().execute(query.order_by(TABLE.c.seen_at.desc())))


def end(session: Session, user: User, key: int | None, *, by: Actor, but: int | None = None) -> int:
    """End one session of a person (None: all but one); return how many. Raises Forbidden."""
    if by.id != user.id:
        demand(by, "user:edit")
        if not ceiling.touchable(session, by, user):
            raise Forbidden
    gone = [
        row for row in listed(session, user) if row.id != but and (key is None or row.id == key)
    ]
    session.connection().execute(sa.delete(TABLE).where(TABLE.c.id.in_([r.id for r in gone])))
    told = {"noun": User.__noun__, "record_id": user.id, "label": user.name}
    told |= {"action": AuditAction.logout}
    audit.record(session, [told | {"changes": {"address": [row.address, None]}} for row in gone])
    return len(gone)


def go_on(session: Session, user: User, key: int | None) -> None:
    """Let one session outlast the person's new mark; it says who it is by that from now on."""
    session.flush()
    statement = sa.update(TABLE).where(TABLE.c.id == key).values(mark=user.fs_uniquifier)
    session.connection().execute(statement)


def note_seen(engine: Engine, key: int, *, now: dt.datetime) -> None:
    """Keep that somebody was there, in a short transaction of its own."""
    with writing(on=True), engine.begin() as connection:
        connection.execute(sa.update(TABLE).where(TABLE.c.id == key).values(seen_at=now))


def prune(session: Session, *, now: dt.datetime) -> int:
    """Forget what nobody came back to, and what ended with its person's mark."""
    user = User.__table__
    alive = sa.select(user.c.fs_uniquifier).where(user.c.id == TABLE.c.user_id).scalar_subquery()
    old = sa.or_(TABLE.c.seen_at < now - KEPT, TABLE.c.mark != alive)
    return session.connection().execute(sa.delete(TABLE).where(old)).rowcount
