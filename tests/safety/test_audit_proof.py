"""The audit log proves itself: what was edited, taken out, put in or cut off is found."""

import contextlib
import json
import sqlite3
import threading

import pytest
import sqlalchemy as sa

from jobs import schedules
from models.core.base import db
from models.rights.audit import AuditLog
from models.rights.seal import fresh_salt
from services.core.engine import engine_options
from services.trail import chain
from tests.support.world import SECRET, World
from views.setup.config import audit_keys

LOG = AuditLog.__table__


@pytest.fixture
def told(app, tmp_path):
    """A log of two batches and a tail, its head kept in a folder of its own."""
    app.config["TCOS_INSTANCE"] = str(tmp_path)
    with World(app) as world:
        world.approved("sales", company="第一家")
    assert schedules.chained(app) > 0
    with World(app) as world:
        world.approved("sales2", company="第二家")
    assert schedules.chained(app) > 0
    with World(app) as world:
        world.customer("sales", company="尾巴")
    return app


def verify(app):
    return app.test_cli_runner().invoke(args=["audit", "verify"])


@contextlib.contextmanager
def unguarded(app):
    """Yield a connection of somebody who owns the database: no trigger stops him."""
    with app.app_context(), db.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            for table in ("audit_log", "audit_batch"):
                for name in ("kept", "stays", "anew"):
                    connection.exec_driver_sql(f"DROP TRIGGER guard_{table}_{name}")
        else:
            connection.exec_driver_sql("ALTER TABLE audit_log DISABLE TRIGGER USER")
            connection.exec_driver_sql("ALTER TABLE audit_batch DISABLE TRIGGER USER")
        yield connection


def keys_of(app):
    with app.app_context(), db.engine.connect() as connection:
        return list(connection.execute(sa.select(LOG.c.id).order_by(LOG.c.id)).scalars())


def test_what_nobody_touched_is_proved_and_the_tail_is_told(told):
    done = verify(told)

    assert done.exit_code == 0, done.output
    head = json.loads((chain_head := _head(told)).read_text())
    tail = len([key for key in keys_of(told) if key > head["last_id"]])
    assert tail > 0
    assert f"{tail} not yet" in done.output
    assert chain_head.stat().st_mode & 0o077 == 0


def _head(app):
    with app.app_context():
        return chain.Path(app.config["TCOS_INSTANCE"]) / chain.HEAD


ATTACKS = {
    "who did it": "UPDATE audit_log SET actor_id = NULL WHERE id = {middle}",
    "when": "UPDATE audit_log SET at = '2020-01-01 00:00:00' WHERE id = {middle}",
    "what of": "UPDATE audit_log SET record_id = 999 WHERE id = {middle}",
    "what changed": "UPDATE audit_log SET changes = '{{\"a\": [1, 2]}}' WHERE id = {middle}",
    "called": "UPDATE audit_log SET label = 'x' WHERE id = {middle}",
    "in the tail": "UPDATE audit_log SET label = 'x' WHERE id = {last}",
    "emptied": "UPDATE audit_log SET label = '', changes = '{{}}', salt = '' WHERE id = {middle}",
    "unsealed": "UPDATE audit_log SET seal = '' WHERE id = {middle}",
    "taken out": "DELETE FROM audit_log WHERE id = {middle}",
    "first taken out": "DELETE FROM audit_log WHERE id = {first}",
    "reordered": "UPDATE audit_log SET id = CASE id WHEN {middle} THEN -1 ELSE {middle} END "
    "WHERE id IN ({middle}, {next})",
    "put in": "INSERT INTO audit_log (id, label, action, noun, changes, at, salt, seal) "
    "VALUES ({beyond}, '', 'update', 'user', '{{}}', '2026-01-01', '" + fresh_salt() + "', 'f')",
    "a batch changed": "UPDATE audit_batch SET rows = rows + 1 WHERE id = 1",
    "the first batch taken out": "DELETE FROM audit_batch WHERE id = 1",
    "the end cut": "DELETE FROM audit_batch WHERE id = 2",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_by_who_owns_the_database_is_found(told, attack):
    keys = keys_of(told)
    places = {"first": keys[0], "middle": keys[2], "next": keys[3]}
    places |= {"last": keys[-1], "beyond": keys[-1] + 5}

    with unguarded(told) as connection:
        connection.exec_driver_sql(attack.format(**places))
    found = verify(told)

    assert found.exit_code == 1
    assert "findings" in found.output


def test_a_log_that_is_cut_with_its_batches_is_found_by_the_head_outside(told):
    head = json.loads(_head(told).read_text())
    with unguarded(told) as connection:
        connection.exec_driver_sql("DELETE FROM audit_batch WHERE id = 2")
        last = connection.exec_driver_sql("SELECT last_id FROM audit_batch").scalar()
        connection.exec_driver_sql(f"DELETE FROM audit_log WHERE id > {last}")

    found = verify(told)

    assert found.exit_code == 1
    assert f"the end is cut: batch {head['id']}" in found.output


def test_a_head_that_is_gone_is_told(told):
    _head(told).unlink()

    assert "no head" in verify(told).output
    assert verify(told).exit_code == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET label = 'x'",
        "UPDATE audit_log SET actor_id = 1",
        "UPDATE approval_event SET actor_id = 1",
        "DELETE FROM audit_log",
        "DELETE FROM audit_batch",
        "DELETE FROM approval_event",
    ],
)
def test_the_database_itself_refuses(told, statement):
    refused = pytest.raises(sa.exc.IntegrityError, match="rows_are_only_added")
    with told.app_context(), db.engine.connect() as connection, refused:
        connection.exec_driver_sql(statement)


def test_a_row_cannot_be_replaced_or_all_be_truncated(told):
    key = keys_of(told)[0]
    row = f"({key}, '', 'update', 'user', '{{}}', '2026-01-01')"
    into = "INTO audit_log (id, label, action, noun, changes, at)"
    with told.app_context():
        if db.engine.dialect.name == "sqlite":
            path = db.engine.url.database
            refused = pytest.raises(sqlite3.IntegrityError, match="rows_are_only_added")
            with contextlib.closing(sqlite3.connect(path)) as raw, refused:  # no pragma of ours
                raw.execute(f"INSERT OR REPLACE {into} VALUES {row}")
            return
        twice = f"INSERT {into} VALUES {row} ON CONFLICT (id) DO UPDATE SET label = 'x'"
        for statement in (twice, "TRUNCATE audit_log", "TRUNCATE approval_event CASCADE"):
            refused = pytest.raises(sa.exc.IntegrityError, match="rows_are_only_added")
            with db.engine.connect() as connection, refused:
                connection.exec_driver_sql(statement)


def test_a_row_that_is_on_its_way_is_waited_for(told):
    with told.app_context():
        if db.engine.dialect.name == "sqlite":
            pytest.skip("SQLite has one writer: no smaller key comes later")
        with db.engine.connect() as slow:
            row = {"action": "export", "noun": "user", "at": World(told).now}
            slow.execute(sa.insert(LOG), row)  # has a key, is not there yet
            with World(told) as world:
                world.customer("sales", company="schneller")
            ended = threading.Timer(1.0, slow.commit)
            ended.start()
            assert schedules.chained(told) > 0
            ended.join()

    assert verify(told).exit_code == 0
    assert "0 not yet" in verify(told).output


def test_a_former_key_still_verifies_and_a_foreign_one_does_not(told):
    url = told.config["SQLALCHEMY_DATABASE_URI"]
    for keys, good in (((f"new,{SECRET}"), True), ("another", False)):
        engine = sa.create_engine(url, **engine_options(url, audit_keys(keys)))
        with engine.connect() as connection:
            proof = chain.verify(connection, None)
        engine.dispose()
        assert (len(proof.findings) == 1) is good  # the head, which was not given


def test_many_rows_are_chained_in_batches(told, monkeypatch):
    monkeypatch.setattr(chain, "MOST", 2)
    with World(told) as world:
        world.approved("sales", company="第三家")

    assert schedules.chained(told) > 4

    assert verify(told).exit_code == 0
    assert json.loads(_head(told).read_text())["rows"] <= 2
    assert "0 not yet" in verify(told).output
