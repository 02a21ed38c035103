"""Whether a backup would come back: it is restored into a database of its own, counted, dropped."""

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from models.core.base import db
from services.core.errors import Refused
from services.schema.backup import restore


def drill(engine: Engine, source: Path) -> dict[str, int]:
    """Return rows by table of a backup restored beside `engine`'s database, which stays as it is.

    Raises Refused where the file does not come back, or (PostgreSQL) the user may make no database.
    """
    with _beside(engine) as scratch:
        restore(scratch, source)
        with scratch.connect() as connection:
            there = set(sa.inspect(connection).get_table_names())
            return {
                name: _count(connection, name) for name in sorted(there & {*db.metadata.tables})
            }


def _count(connection: sa.Connection, name: str) -> int:
    found: int = connection.execute(
        sa.select(sa.func.count()).select_from(sa.table(name))
    ).scalar_one()
    return found


@contextlib.contextmanager
def _beside(engine: Engine) -> Iterator[Engine]:
    """Make an empty database of the same kind and drop it afterwards."""
    if engine.dialect.name == "sqlite":
        with tempfile.TemporaryDirectory(prefix="tcos-drill-") as folder:
            yield from _opened(sa.URL.create("sqlite", database=str(Path(folder) / "drill.db")))
        return
    name = f"tcos_drill_{secrets.token_hex(4)}"
    with engine.connect() as plain:
        plain = plain.execution_options(isolation_level="AUTOCOMMIT")  # noqa: PLW2901 # the same one, told once
        try:
            plain.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        except sa.exc.DBAPIError as problem:
            raise Refused(str(problem.orig).partition("\n")[0]) from None
        try:
            yield from _opened(engine.url.set(database=name))
        finally:
            plain.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _opened(url: sa.URL) -> Iterator[Engine]:
    scratch = sa.create_engine(url)
    try:
        yield scratch
    finally:
        scratch.dispose()
