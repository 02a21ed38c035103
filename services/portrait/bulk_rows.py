"""Many plain rows into a table at once: COPY on PostgreSQL, one prepared INSERT on SQLite."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Rows = Iterable[Sequence[Any]]


def insert(session: Session, table: sa.Table, columns: Sequence[str], rows: Rows) -> None:
    """Insert rows of plain values (numbers, texts, None; a date and JSON as their texts)."""
    connection = session.connection()
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" for _ in columns)
        driver.executemany(f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})", rows)
        return
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {quote(table.name)} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
