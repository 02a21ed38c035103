"""What PostgreSQL knows of how many rows there are, after many came at once.

Its autovacuum looks by itself, but up to a minute later, and until then it thinks the tables empty:
a page that takes a tenth of a second then takes a minute. SQLite gets no ANALYZE: its statements
are written to do without, and with statistics some of them choose worse (docs/operations.md).
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.core.base import Model


def refresh(connection: Connection) -> None:
    """Count anew, within the caller's transaction; readers and writers are not kept waiting."""
    if connection.dialect.name != "postgresql":
        return
    quote = connection.dialect.identifier_preparer.quote
    tables = ", ".join(quote(name) for name in sorted(Model.metadata.tables))
    connection.execute(sa.text("SET LOCAL statement_timeout = 0"))  # a large table takes its time
    connection.execute(sa.text(f"ANALYZE {tables}"))
