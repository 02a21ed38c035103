"""A whole database in one file and back: SQLite by its own copy, PostgreSQL by its own tools."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any

from flask_babel import lazy_gettext as _
from sqlalchemy.engine import Engine

from services.core.errors import Refused

CLEARED = ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
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
    _pour(engine, source)


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
        for statement in CLEARED:
            connection.exec_driver_sql(statement)


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


def _pour(engine: Engine, source: Path) -> None:
    """Clear the schema and fill it with a dump in one transaction.

    `pg_restore --clean` drops only what the dump has: it fails on a table that came since.
    """
    read = [_tool("pg_restore"), "--no-owner", "--file=-", str(source)]
    write = [_tool("psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--output=/dev/null"]
    write += ["--set=ON_ERROR_STOP=1", *(f"--command={one}" for one in CLEARED), "--file=-"]
    with tempfile.TemporaryFile() as said:
        how: Any = {"env": os.environ | _access(engine), "stderr": said}
        with (
            subprocess.Popen(write, stdin=subprocess.PIPE, **how) as sink,  # noqa: S603 # see _run
            subprocess.Popen(read, stdout=subprocess.PIPE, **how) as dump,  # noqa: S603
        ):
            with contextlib.suppress(BrokenPipeError):  # psql says why it left
                shutil.copyfileobj(_end(dump.stdout), _end(sink.stdin))
            _end(dump.stdout).close()
            if dump.wait() and sink.poll() is None:
                sink.kill()  # half a dump is never committed
            with contextlib.suppress(BrokenPipeError):
                _end(sink.stdin).close()
            wrong = sink.wait()
        if wrong:
            said.seek(0)
            raise Refused(_first(said.read()) or f"psql: {wrong}")


def _end(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError  # it was asked for
    return pipe


def _run(tool: str, engine: Engine, *options: str) -> None:
    done = subprocess.run(  # noqa: S603 # a tool of PostgreSQL with our own arguments
        [_tool(tool), *options], env=os.environ | _access(engine), capture_output=True, check=False
    )
    if done.returncode:
        raise Refused(f"{tool}: {_first(done.stderr) or done.returncode}")


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise Refused(_("找不到 %(tool)s，请安装 PostgreSQL 客户端工具", tool=name))
    return path


def _first(said: bytes) -> str:
    return next(iter(said.decode(errors="replace").strip().splitlines()), "")


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
