"""How both databases are opened: SQLite's pragmas and BEGIN modes, PostgreSQL's time-outs."""

import contextlib
import contextvars
import sqlite3
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import Pool

from models.rights.seal import KEYS
from services.core import planner as _planner  # noqa: F401 # hangs itself on every pool

# A writing transaction takes SQLite's write lock at once: a deferred one that upgrades later
# fails under concurrency whatever the busy timeout. The web layer says which kind it needs.
_writing: contextvars.ContextVar[bool] = contextvars.ContextVar("writing", default=True)

PATIENCE = 30_000  # ms that commands and the worker wait for another writer's lock
_patience: contextvars.ContextVar[int] = contextvars.ContextVar("patience", default=PATIENCE)

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    f"PRAGMA busy_timeout={PATIENCE}",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA cache_size=-65536",  # KiB: 2 MB by default, less than one bulk decision writes
)

SETTINGS = {
    "statement_timeout": 60_000,
    "lock_timeout": PATIENCE,
    "timezone": "UTC",
    # A count that ends after 1,001 rows is done before workers have started for it; PostgreSQL
    # thinks them twenty times cheaper. Summaries over whole tables still get theirs.
    "parallel_setup_cost": 20_000,
}


def set_writing(*, on: bool) -> contextvars.Token[bool]:
    """Say whether transactions begun from here on will write."""
    return _writing.set(on)


def set_patience(milliseconds: int) -> None:
    """Say how long connections taken from here on wait for a lock that somebody else holds."""
    _patience.set(milliseconds)


@contextlib.contextmanager
def writing(*, on: bool) -> Iterator[None]:
    """Begin transactions inside the block as writing (or reading) ones."""
    token = _writing.set(on)
    try:
        yield
    finally:
        _writing.reset(token)


def engine_options(url: str, keys: tuple[bytes, ...] = ()) -> dict[str, Any]:
    """Return the options for `create_engine` that fit the database of the URL.

    keys: what seals the audit log (models/rights/seal.py). Parameters are names and numbers of
    people: no error quotes them, in no log.
    """
    common = {"hide_parameters": True, "execution_options": {KEYS: keys}}
    if url.startswith("sqlite"):
        return common
    return common | {
        "pool_pre_ping": True,
        "connect_args": {
            "connect_timeout": 3,
            "options": " ".join(f"-c {name}={value}" for name, value in SETTINGS.items()),
        },
    }


@sa.event.listens_for(Engine, "connect")
def _open(connection: Any, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # we say BEGIN ourselves, see _begin
        for pragma in PRAGMAS:
            connection.execute(pragma)


@sa.event.listens_for(Pool, "checkout")
def _wait(connection: Any, record: Any, _proxy: object) -> None:
    """Give a connection the patience of who takes it; a kept one is told only when it differs."""
    wanted = _patience.get()
    if record.info.get("patience", PATIENCE) == wanted:
        return
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout={wanted}")
    else:
        connection.autocommit = True  # inside a transaction a rollback would take it back
        connection.execute(f"SET lock_timeout = {wanted}")
        connection.autocommit = False
    record.info["patience"] = wanted


@sa.event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")
