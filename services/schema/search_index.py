"""The search index, kept by the database itself and written from the declarations.

Like the guards (services/schema/guards.py) it is put into the database at the end of every
`flask db upgrade`: an entity that becomes searchable, and a field with `search=True`, need no
migration of their own. SQLite: FTS5 over coded pairs of characters, written by triggers.
PostgreSQL: GIN over a tsvector of pairs. See the migrations search and pairs.
"""

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from services.query.search import INDEXED
from services.schema.guards import migrated

EVENTS = ("added", "changed", "removed")


def sync(connection: Connection) -> list[str]:
    """Make the indexes that are missing or hold other columns than declared; return their tables.

    What is made anew is filled from its table in the same transaction.
    """
    ready = {model.__table__.name: columns for model, columns in INDEXED.items()}
    return _make(connection, {t: c for t, c in ready.items() if migrated(connection, t)})


def resync(connection: Connection) -> list[str]:
    """Do the same for a database that went back: with the columns it still has."""
    inspector, left = sa.inspect(connection), {}
    for model, columns in INDEXED.items():
        table = model.__table__.name
        if inspector.has_table(table):
            there = {column["name"] for column in inspector.get_columns(table)}
            left[table] = tuple(key for key in columns if key in there)
    return _make(connection, left)


def _make(connection: Connection, wanted: dict[str, tuple[str, ...]]) -> list[str]:
    lite, made = connection.dialect.name == "sqlite", []
    for table, columns in wanted.items():
        if not (_same_lite if lite else _same)(connection, table, columns):
            for statement in _ddl(table, columns, sqlite=lite):
                connection.exec_driver_sql(statement)
            made.append(table)
    return made


def triggers(table: str, columns: tuple[str, ...]) -> dict[str, str]:
    """Return what keeps SQLite's index of a table: name → statement."""
    name, watched = f"search_{table}", ", ".join(columns)
    add = f"INSERT INTO {name}(rowid, grams) VALUES (NEW.id, {_grams('NEW', columns)});"
    drop = (
        f"INSERT INTO {name}({name}, rowid, grams) "
        f"VALUES ('delete', OLD.id, {_grams('OLD', columns)});"
    )
    differs = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in columns)
    on = {
        "added": f"AFTER INSERT ON {table} BEGIN {add} END",
        "changed": f"AFTER UPDATE OF {watched} ON {table} WHEN {differs} BEGIN {drop} {add} END",
        "removed": f"AFTER DELETE ON {table} BEGIN {drop} END",
    }
    return {f"{name}_{event}": f"CREATE TRIGGER {name}_{event} {on[event]}" for event in EVENTS}


def indexed(definition: str) -> tuple[str, ...]:
    """Return the columns an index of PostgreSQL holds, of what `pg_get_indexdef` says of it."""
    found = re.search(r"search_grams\(VARIADIC ARRAY\[(.*)\]\)", definition)
    parts = found[1].split(",") if found else []
    return tuple(re.sub(r"::.*|[()\" ]", "", part) for part in parts)


def _same_lite(connection: Connection, table: str, columns: tuple[str, ...]) -> bool:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
    rows = connection.exec_driver_sql(query, (table,)).all()
    known: dict[str, str] = dict(rows)  # type: ignore[arg-type] # pairs
    return all(known.get(name) == text for name, text in triggers(table, columns).items())


def _same(connection: Connection, table: str, columns: tuple[str, ...]) -> bool:
    query = "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND indexname = %s"
    found: Any = connection.exec_driver_sql(query, (f"search_{table}",)).scalar()
    return found is not None and indexed(found) == columns


def _ddl(table: str, columns: tuple[str, ...], *, sqlite: bool) -> list[str]:
    name = f"search_{table}"
    if not sqlite:
        given = ", ".join(columns)
        return [
            f"DROP INDEX IF EXISTS {name}",
            f"CREATE INDEX {name} ON {table} USING gin (search_grams({given}))",
        ]
    return [
        *(f"DROP TRIGGER IF EXISTS {name}_{event}" for event in EVENTS),
        f"DROP TABLE IF EXISTS {name}",
        f"CREATE VIRTUAL TABLE {name} USING fts5(grams, content='', detail=none, columnsize=0)",
        f"INSERT INTO {name}(rowid, grams) SELECT id, {_grams(table, columns)} FROM {table}",
        *triggers(table, columns).values(),
    ]


def _grams(row: str, columns: tuple[str, ...]) -> str:
    """Return an expression: every pair of characters as ten hexadecimal digits."""
    text = " || char(10) || ".join(f"coalesce({row}.{c}, '')" for c in columns)
    return (
        f"(WITH RECURSIVE whole(t) AS (SELECT lower({text})), "
        "place(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM place, whole WHERE i < length(t)) "
        "SELECT group_concat(printf('%05x%05x', unicode(substr(t, i, 1)), "
        "coalesce(unicode(substr(t, i + 1, 1)), 0)), ' ') FROM place, whole)"
    )
