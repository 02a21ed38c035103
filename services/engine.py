"""How both databases are opened: SQLite's pragmas and BEGIN modes, PostgreSQL's time-outs."""

import contextlib
import contextvars
import sqlite3
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

# A writing transaction takes SQLite's write lock at once: a deferred one that upgrades later
# fails under concurrency whatever the busy timeout. The web layer says which kind it needs.
_writing: contextvars.ContextVar[bool] = contextvars.ContextVar("writing", default=True)

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA busy_timeout=30000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA cache_size=-65536",  # KiB: 2 MB by default, less than one bulk decision writes
)

SETTINGS = {
    "statement_timeout": 60_000,
    "timezone": "UTC",
    # A count that ends after 10,001 rows is done before workers have started for it; PostgreSQL
    # thinks them twenty times cheaper. Summaries over whole tables still get theirs.
    "parallel_setup_cost": 20_000,
}


def set_writing(*, on: bool) -> contextvars.Token[bool]:
    """Say whether transactions begun from here on will write."""
    return _writing.set(on)


@contextlib.contextmanager
def writing(*, on: bool) -> Iterator[None]:
    """Begin transactions inside the block as writing (or reading) ones."""
    token = _writing.set(on)
    try:
        yield
    finally:
        _writing.reset(token)


def engine_options(url: str) -> dict[str, Any]:
    """Return the options for `create_engine` that fit the database of the URL."""
    if url.startswith("sqlite"):
        return {}
    return {
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


@sa.event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")
