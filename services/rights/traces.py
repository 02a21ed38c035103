"""Traces of what changes no record: log-ins, log-outs, views of personal data, exports.

Each is a short transaction of its own: the request that causes it only reads, or was refused.
"""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from models.people.login_session import LoginSession
from models.people.user import User
from models.rights.audit import AuditAction, AuditLog
from models.rights.seal import KEYS, sealed
from services.core.days import ZONE
from services.core.engine import writing
from services.rights import throttle

MOST = 50  # failed log-ins of one address that are told in a window: a flood must not fill the log
REMEMBERED = 10_000  # views a process knows that it noted
USER = User.__noun__


def trace(action: AuditAction, noun: str, label: str, **more: Any) -> dict[str, Any]:
    """Return a row of the audit log without its time; `more`: actor_id, record_id, changes."""
    blank: dict[str, Any] = {"actor_id": None, "record_id": None, "changes": {}}
    return blank | {"action": action, "noun": noun, "label": label[:200], **more}


def note(engine: Engine, row: dict[str, Any], *, now: dt.datetime) -> None:
    """Add one row to the audit log."""
    with writing(on=True), engine.begin() as connection:
        connection.execute(sa.insert(AuditLog.__table__), row | {"at": now})


def note_view(
    engine: Engine, row: dict[str, Any], noted: set[tuple[Any, ...]], *, now: dt.datetime
) -> None:
    """Add a row unless the same person was noted with the same record this day.

    `noted` is what this process remembers of it: looking again costs nothing.
    """
    midnight = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    keys = ("noun", "record_id", "actor_id", "action")
    mark = (midnight, *(row[key] for key in keys))
    if mark in noted:
        return
    log: Any = AuditLog.__table__
    same = sa.select(log.c.id).where(log.c.at >= midnight, *(log.c[k] == row[k] for k in keys))
    told = sealed(engine.get_execution_options().get(KEYS, ()), row | {"at": now})
    values = {key: sa.literal(value, log.c[key].type) for key, value in told.items()}
    fresh = sa.select(*values.values()).where(~sa.exists(same.correlate(None)))
    with writing(on=True), engine.begin() as connection:
        connection.execute(sa.insert(log).from_select(list(values), fresh, include_defaults=False))
    if len(noted) >= REMEMBERED:
        noted.clear()
    noted.add(mark)


def logged_in(
    engine: Engine,
    device: dict[str, Any],
    *,
    renewed: tuple[str, str] | None = None,
    way: str = "",
    now: dt.datetime,
) -> None:
    """Note who logged in from where, and keep the hash that was renewed (old, new) on the way.

    device: the row of models/people/login_session.py, but for its times. way: by what, where it
    was not the password alone.
    """
    user_id, address = device["user_id"], device["address"]
    user = User.__table__
    with writing(on=True), engine.begin() as connection:
        name = connection.execute(sa.select(user.c.name).where(user.c.id == user_id)).scalar()
        told = {"actor_id": user_id, "record_id": user_id, "changes": _from(address, way)}
        row = trace(AuditAction.login, USER, str(name), **told)
        connection.execute(sa.insert(AuditLog.__table__), row | {"at": now})
        connection.execute(sa.insert(LoginSession.__table__), device | {"at": now, "seen_at": now})
        if renewed is not None:  # unless the password changed meanwhile
            same = sa.and_(user.c.id == user_id, user.c.password == renewed[0])
            connection.execute(sa.update(user).where(same).values(password=renewed[1]))


def _from(address: str, way: str) -> dict[str, list[Any]]:
    by = {"way": [None, way]} if way else {}
    return {"address": [None, address]} | by


def log_in_failed(
    engine: Engine, account: str, address: str, *, held: bool, way: str = "", now: dt.datetime
) -> None:
    """Note a wrong password, or (`held`) that an account is held for this address from now on.

    What was typed for an account that nobody has is not kept: it may well be a password. At most
    MOST rows an address and window; each account has its own, smaller number (services/throttle).
    """
    key = throttle.key_of("*", address)
    if throttle.tries(engine, key, now=now) > MOST:
        return
    user = User.__table__
    query = sa.select(user.c.id, user.c.name).where(sa.func.lower(user.c.email) == account.lower())
    result = "unknown" if way else "held" if held else "refused"
    changes = _from(address, way) | {"result": [None, result]}
    with writing(on=True), engine.begin() as connection:
        found = connection.execute(query).first() if "\x00" not in account else None
        told = {"record_id": found.id if found else None, "changes": changes}
        row = trace(AuditAction.login_failed, USER, found.name if found else "", **told)
        connection.execute(sa.insert(AuditLog.__table__), row | {"at": now})
