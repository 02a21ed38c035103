"""Triggers that keep the approval law where no service runs, written from the declarations.

They are put into the database at the end of every `flask db upgrade` (migrations/env.py), so that
a new column or a new entity is guarded without a migration of its own.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.core.base import Model
from models.core.field import fields_of
from models.customers.contact import Contact
from models.registry import entity_of, having, lines_of, reviewed
from services.rights.rules import movable

# Columns of a line that may move while its record is pending: who answers for it.
LINE_FREE = frozenset({"owner_id", "owner_department_id"})
MOVES = (
    "(OLD.approval IN ('draft', 'rejected', 'withdrawn') AND NEW.approval = 'pending') OR "
    "(OLD.approval = 'pending' AND NEW.approval IN ('approved', 'rejected', 'withdrawn')) OR "
    "(OLD.approval = 'approved' AND NEW.approval = 'withdrawn')"  # by a request of its own
)
PENDING = "record_is_pending"
ADDED = "rows_are_only_added"
ASKED = re.compile(r"\b(?:OLD|NEW)\.(\w+)")  # the columns a guard looks at
Columns = Mapping[str, set[str]]
# Name, table and text of the triggers that are written from declarations.
TRIGGERS_LITE = (
    "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' "
    "AND (name LIKE 'guard\\_%' ESCAPE '\\' OR name LIKE 'search\\_%' ESCAPE '\\')"
)
TRIGGERS = (
    "SELECT t.tgname, c.relname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
    "JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal "
    "AND starts_with(t.tgname, 'guard_')"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Guard:
    """One trigger: before `event` on `table`, where `when` holds, the statement fails."""

    name: str
    table: str
    event: str
    when: str
    error: str


def content(model: type[Any]) -> list[str]:
    """Return the columns of a reviewed entity that are what is being approved."""
    columns, facts = sa.inspect(model).columns, fields_of(model)
    free = movable(model)
    kept = [k for k, f in facts.items() if (f.form or f.controlled) and k not in free]
    own = [key for key in ("code", "deleted_at") if key in columns and key not in kept]
    return sorted(columns[key].name for key in (*kept, *own))


def guards(*, sqlite: bool, there: Columns | None = None) -> list[Guard]:
    """Return every guard of reviewed entities and their lines, of contacts, files, added rows.

    there: the columns of each table in a database that has not all that is declared.
    """
    same = "IS NOT" if sqlite else "IS DISTINCT FROM"

    def differs(table: str, columns: Iterable[str]) -> str:
        kept = [c for c in columns if there is None or c in there.get(table, ())]
        return " OR ".join(f"OLD.{c} {same} NEW.{c}" for c in kept)

    contact = [*_own(Contact), "is_primary", "deleted_at"]
    contact.remove("customer_id")  # a merge moves contacts, and asks for the state itself
    held = _pending("customer", "OLD.customer_id")
    when = f"OLD.is_primary AND ({differs('contact', sorted(contact))}) AND {held}"
    found = [Guard("contact_pending", "contact", "UPDATE", when, PENDING)]
    for model in reviewed():
        table = model.__table__.name
        still = "OLD.approval = 'pending' AND NEW.approval = 'pending'"
        moved = f"OLD.approval <> NEW.approval AND NOT ({MOVES})"
        coded = "OLD.code IS NOT NULL AND (NEW.code IS NULL OR NEW.code <> OLD.code)"
        changed = f"{still} AND ({differs(table, content(model))})"
        found += [
            Guard(f"{table}_pending", table, "UPDATE", changed, PENDING),
            Guard(
                f"{table}_moves",
                table,
                "UPDATE",
                f"{moved} AND NOT ({MOVES})",
                "approval_move_unknown",
            ),
            Guard(f"{table}_code", table, "UPDATE", coded, "number_is_for_ever"),
            Guard(f"{table}_gone", table, "DELETE", "OLD.approval = 'pending'", PENDING),
        ]
        for line, key in lines_of(model).items():
            columns = sorted(c.name for c in line.__table__.c if c.name not in LINE_FREE)
            name = line.__table__.name
            found += _line_guards(name, table, key, differs(name, columns))
    return [*found, *_attachments(there), *_forever(there, sqlite=sqlite)]


def _forever(there: Columns | None, *, sqlite: bool) -> Iterator[Guard]:
    """Yield what keeps rows that are only added, also from SQLite's REPLACE and from TRUNCATE."""
    equal = "IS" if sqlite else "IS NOT DISTINCT FROM"
    for model in having("forever"):
        table = model.__table__.name
        if there is not None and table not in there:
            continue
        columns = [c for c in model.__table__.c if there is None or c.name in there[table]]
        forgets = entity_of(model).has("forgets")
        kept = " AND ".join(_kept(column, equal, forgets=forgets) for column in columns)
        yield Guard(f"{table}_kept", table, "UPDATE", f"NOT ({kept})", ADDED)
        yield Guard(f"{table}_stays", table, "DELETE", "OLD.id IS NOT NULL", ADDED)
        if sqlite:
            again = f"EXISTS (SELECT 1 FROM {table} AS p WHERE p.id = NEW.id)"
            yield Guard(f"{table}_anew", table, "INSERT", again, ADDED)
        else:
            yield Guard(f"{table}_whole", table, "TRUNCATE", "TRUE", ADDED)


def _kept(column: sa.Column[Any], equal: str, *, forgets: bool) -> str:
    """Return that a value is as it was or, of a text that may be forgotten, gone."""
    old, new, kind = f"OLD.{column.name}", f"NEW.{column.name}", column.type
    json = isinstance(kind, sa.JSON)
    if json:
        old, new = f"CAST({old} AS text)", f"CAST({new} AS text)"
    text = json or (isinstance(kind, sa.String) and not isinstance(kind, sa.Enum))
    gone = f" OR {new} = '{'{}' if json else ''}'" if forgets and text else ""
    return f"({new} {equal} {old}{gone})"


def _attachments(there: Columns | None) -> Iterator[Guard]:
    """Yield what keeps the files of pending records, and files on what carries none away."""
    filed = [x for x in having("attachable") if there is None or x.__table__.name in there]

    def held(row: str) -> str:
        return " OR ".join(
            f"({row}.noun = '{model.__noun__}' AND "
            f"{_pending(model.__table__.name, f'{row}.record_id')})"
            for model in reviewed()
            if model in filed
        )

    nouns = ", ".join(f"'{model.__noun__}'" for model in filed)
    yield Guard("attachment_added", "attachment", "INSERT", held("NEW"), PENDING)
    yield Guard("attachment_changed", "attachment", "UPDATE", held("OLD"), PENDING)
    unknown = f"NEW.noun NOT IN ({nouns})"
    for name, event in (("noun", "INSERT"), ("noun_kept", "UPDATE")):
        yield Guard(f"attachment_{name}", "attachment", event, unknown, "noun_carries_no_files")


def _own(model: type[Any]) -> list[str]:
    return [key for key, facts in fields_of(model).items() if facts.form]


def _line_guards(table: str, parent: str, key: str, changed: str) -> Iterator[Guard]:
    added, kept = _pending(parent, f"NEW.{key}"), _pending(parent, f"OLD.{key}")
    yield Guard(f"{table}_added", table, "INSERT", added, PENDING)
    yield Guard(
        f"{table}_changed", table, "UPDATE", f"({changed}) AND ({kept} OR {added})", PENDING
    )
    yield Guard(f"{table}_removed", table, "DELETE", kept, PENDING)


def _pending(parent: str, key: str) -> str:
    return f"EXISTS (SELECT 1 FROM {parent} AS p WHERE p.id = {key} AND p.approval = 'pending')"


def sync(connection: Connection) -> list[str]:
    """Write the guards that are missing or differ from the declarations; return their names."""
    lite, known = connection.dialect.name == "sqlite", written(connection)
    stale = [one for one in guards(sqlite=lite) if known.get(one.name) != body(one, sqlite=lite)]
    ready = {one.table: migrated(connection, one.table) for one in stale}
    stale = [one for one in stale if ready[one.table]]
    for one in stale:
        for statement in _ddl(one, sqlite=lite):
            connection.exec_driver_sql(statement)
    return [one.name for one in stale]


def resync(connection: Connection) -> list[str]:
    """Write the guards anew for a database that went back: only with the columns it still has.

    Else PostgreSQL would refuse every change of a table whose guard asks for a column that is
    gone, and SQLite would have none where a table was made anew. Returns their names.
    """
    inspector, lite = sa.inspect(connection), connection.dialect.name == "sqlite"
    tables = inspector.get_table_names()
    there = {name: {c["name"] for c in inspector.get_columns(name)} for name in tables}
    known, done = written(connection), []
    for one in guards(sqlite=lite, there=there):
        asked = set(ASKED.findall(one.when))
        if asked <= there.get(one.table, set()) and known.get(one.name) != body(one, sqlite=lite):
            for statement in _ddl(one, sqlite=lite):
                connection.exec_driver_sql(statement)
            done.append(one.name)
    return done


def drop_stale(connection: Connection) -> list[str]:
    """Drop what asks for a column that a step back has just taken away; return their names.

    The steps after it would fail at such a trigger: SQLite reads all of them at the next
    `DROP COLUMN`, PostgreSQL runs it at the next change of its table. `resync` writes the guards
    anew once the last step is done.
    """
    inspector, lite = sa.inspect(connection), connection.dialect.name == "sqlite"
    there: dict[str, set[str]] = {}
    gone = []
    for name, table, text in connection.exec_driver_sql(TRIGGERS_LITE if lite else TRIGGERS).all():
        if table not in there:
            there[table] = {column["name"] for column in inspector.get_columns(table)}
        if not set(ASKED.findall(text)) <= there[table]:
            connection.exec_driver_sql(f"DROP TRIGGER {name}" + ("" if lite else f" ON {table}"))
            gone.append(name)
    for one in _forever(there, sqlite=lite):  # earlier steps back look for these
        if f"guard_{one.name}" in gone:
            for statement in _ddl(one, sqlite=lite):
                connection.exec_driver_sql(statement)
    return gone


def migrated(connection: Connection, table: str) -> bool:
    """Tell whether a table has every declared column: what is not migrated yet comes later."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(table):
        return False
    there = {column["name"] for column in inspector.get_columns(table)}
    return there >= {column.name for column in Model.metadata.tables[table].c}


def written(connection: Connection) -> dict[str, str]:
    """Return the guards in the database: name without its prefix → what it does."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE NOT t.tgisinternal"
        )
    rows = connection.exec_driver_sql(query).all()
    return {name.removeprefix("guard_"): text for name, text in rows if name.startswith("guard_")}


def body(one: Guard, *, sqlite: bool) -> str:
    """Return what `written` gives of a guard that is as declared."""
    if sqlite:
        return (
            f"CREATE TRIGGER guard_{one.name} BEFORE {one.event} ON {one.table} WHEN {one.when} "
            f"BEGIN SELECT RAISE(ABORT, '{one.error}'); END"
        )
    # PostgreSQL allows no sub-query in WHEN, so the condition stands in the function.
    row = {"DELETE": "OLD", "TRUNCATE": "NULL"}.get(one.event, "NEW")
    return (
        f" BEGIN IF {one.when} THEN RAISE EXCEPTION '{one.error}' USING ERRCODE = "
        f"'check_violation'; END IF; RETURN {row}; END "
    )


def _ddl(one: Guard, *, sqlite: bool) -> list[str]:
    text, name = body(one, sqlite=sqlite), f"guard_{one.name}"
    if sqlite:
        return [f"DROP TRIGGER IF EXISTS {name}", text]
    each = "STATEMENT" if one.event == "TRUNCATE" else "ROW"
    when = f"BEFORE {one.event} ON {one.table} FOR EACH {each}"
    return [
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${text}$$",
        f"DROP TRIGGER IF EXISTS {name} ON {one.table}",
        f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()",
    ]
