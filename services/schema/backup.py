"""A whole database in one file and back: SQLite by its own copy, PostgreSQL by its own tools."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from flask_babel import lazy_gettext as _
from sqlalchemy.engine import Engine, make_url

from services.core.errors import Refused

VERSIONS = "alembic_version"  # every database of ours has it


def backup(engine: Engine, target: Path) -> int:
    """Write a consistent copy under running writers; return its bytes. Raises Refused.

    The file appears under its name only when it is complete, readable by its owner alone.
    """
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        if engine.dialect.name == "sqlite":
            with _open(_path(engine)) as source, _open(part) as copy:
                # All pages in one step: a copy in steps starts again with every write.
                source.backup(copy, pages=-1)
        else:
            _run("pg_dump", engine, "--format=custom", f"--file={part}")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def restore(engine: Engine, source: Path) -> None:
    """Put the content of a backup in place of everything that is there. Raises Refused.

    A file that is no backup of ours is refused before anything is touched.
    """
    if engine.dialect.name == "sqlite":
        with _open(source, write=False) as copy:
            _check(copy)
            with _open(_path(engine)) as target:
                copy.backup(target, pages=-1)
        return
    _run("pg_restore", engine, "--list", str(source))
    name = make_url(engine.url).database or ""
    options = ("--clean", "--if-exists", "--single-transaction", "--no-owner", f"--dbname={name}")
    _run("pg_restore", engine, *options, str(source))


def empty(engine: Engine) -> None:
    """Leave nothing in the database: no table, no trigger, no type. Raises Refused."""
    if engine.dialect.name == "sqlite":
        with (
            contextlib.closing(sqlite3.connect(":memory:")) as nothing,
            _open(_path(engine)) as target,
        ):
            nothing.backup(target, pages=-1)
        return
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")


def _path(engine: Engine) -> Path:
    name = engine.url.database
    if not name or name == ":memory:":
        raise Refused(_("内存数据库不能备份"))
    return Path(name)


def _open(path: Path, *, write: bool = True) -> contextlib.closing[sqlite3.Connection]:
    # A copy at rest is read as it is: SQLite would lay its own two files beside a WAL database.
    how = "mode=rwc" if write else "mode=ro&immutable=1"
    address = f"{path.resolve().as_uri()}?{how}"
    return contextlib.closing(sqlite3.connect(address, uri=True, timeout=30))


def _check(copy: sqlite3.Connection) -> None:
    try:
        found = copy.execute(
            "SELECT name FROM sqlite_master WHERE name = ?", (VERSIONS,)
        ).fetchone()
        sound = copy.execute("PRAGMA quick_check").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        found = sound = False
    if not (found and sound):
        raise Refused(_("这个文件不是完好的备份"))


def _run(tool: str, engine: Engine, *options: str) -> None:
    path = shutil.which(tool)
    if path is None:
        raise Refused(_("找不到 %(tool)s，请安装 PostgreSQL 客户端工具", tool=tool))
    done = subprocess.run(  # noqa: S603 # a tool of PostgreSQL with our own arguments
        [path, *options], env=os.environ | _access(engine), capture_output=True, check=False
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise Refused(f"{tool}: {lines[0] if lines else done.returncode}")


def _access(engine: Engine) -> dict[str, str]:
    """Return how to reach the database: in the environment, since arguments are seen by all."""
    url = engine.url
    host = url.host or url.query.get("host")
    found = {
        "PGHOST": host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    return {key: str(value) for key, value in found.items() if value}
