"""Many rows quickly: a seeded volume is doubled inside the database until it is large enough."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

import models as m

BASE = 15_625  # times 2 ** 6 is a million
# Indexes are kept in memory; a copy of rows that are right needs no checks and may take its time.
HURRY = {
    "sqlite": ("PRAGMA cache_size = -1000000",),
    "postgresql": (
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL session_replication_role = replica",
        "SET LOCAL synchronous_commit = off",
    ),
}
TABLES = ("customer", "contact", "opportunity")


def doublings(rows: int) -> tuple[int, int]:
    """Return (rows to seed, how often to double them) for about so many customers."""
    times = 0
    while rows >> times > BASE:
        times += 1
    return max(1, rows >> times), times


def double(connection: Connection) -> None:
    """Copy customers, their contacts and opportunities under new keys and numbers.

    Names get a sign of their own, so that words stay as selective as they were.
    """
    for statement in HURRY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    customers = _largest(connection, "customer")
    sign = _sign(customers)
    for name in TABLES:
        table: Any = m.db.metadata.tables[name]
        changed: dict[str, Any] = {
            "id": table.c.id + _largest(connection, name),
            "external_ref": sa.null(),
            "company": sa.func.coalesce(table.c.company, "") + sign
            if "company" in table.c
            else None,
        }
        if "code" in table.c:
            changed["code"] = table.c.code + sign
        if name != "customer":
            changed["customer_id"] = table.c.customer_id + customers
        columns = [c.name for c in table.c]
        values = [changed.get(key, table.c[key]) for key in columns]
        connection.execute(
            sa.insert(table).from_select(columns, sa.select(*values), include_defaults=False)
        )


def settle(connection: Connection) -> None:
    """Let the planner know what is there, as a database in use does."""
    connection.exec_driver_sql("ANALYZE")


def _largest(connection: Connection, table: str) -> int:
    found = connection.execute(sa.select(sa.func.max(m.db.metadata.tables[table].c.id)))
    return int(found.scalar_one() or 0)


def _sign(number: int) -> str:
    return chr(ord("A") + number.bit_length() % 26)
