"""Many rows quickly: a seeded volume is doubled inside the database until it is large enough."""

import itertools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.core.base import db
from models.people.role import Role
from models.people.user import User, user_role

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
SELLERS = 20  # two of them can log in


def base_of(rows: int) -> int:
    """Return how many rows to seed, to be doubled until there are about so many."""
    times = 0
    while rows >> times > BASE:
        times += 1
    return max(1, rows >> times)


def hire(connection: Connection) -> None:
    """Copy the sellers until there are SELLERS, so that nobody owns every second customer."""
    user: Any = User.__table__
    link, role = user_role, Role.__table__
    sales = sa.select(link.c.user_id).join(role).where(role.c.name == "sales")
    people = connection.execute(
        sa.select(user).where(user.c.id.in_(sales)).order_by(user.c.id)
    ).mappings()
    for n, person in enumerate(itertools.islice(itertools.cycle(people.all()), 2, SELLERS)):
        own = {"name": f"{person['name']}{n:02}", "email": f"seller-{n:02}@example.com"}
        values = {**person, **own, "fs_uniquifier": own["email"]}
        del values["id"]
        key = connection.execute(sa.insert(user).values(values)).inserted_primary_key[0]
        roles = sa.select(sa.literal(key), link.c.role_id).where(link.c.user_id == person["id"])
        connection.execute(sa.insert(link).from_select(["user_id", "role_id"], roles))


def double(connection: Connection) -> None:
    """Copy customers, their contacts and opportunities under new keys and numbers.

    Names get a sign of their own, so that words stay as selective as they were.
    """
    for statement in HURRY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    customers = _largest(connection, "customer")
    sign = _sign(customers)
    for name in TABLES:
        table: Any = db.metadata.tables[name]
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
    found = connection.execute(sa.select(sa.func.max(db.metadata.tables[table].c.id)))
    return int(found.scalar_one() or 0)


def _sign(number: int) -> str:
    return chr(ord("A") + number.bit_length() % 26)
