"""PostgreSQL that has not looked at its tables yet: it may hash, but not loop.

In the minutes after a seed, an import or a restore there are no statistics. Every filter then seems
to leave a single row and a nested loop over it the cheapest plan: what takes a second takes hours.
Hashing is linear whatever the tables hold, so until ANALYZE has been there connections do without
loops. SQLite has no such moment: it takes an index wherever there is one.
"""

import sqlite3
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import Pool

AGAIN = 60.0  # seconds a connection trusts what it was told
SMALL = 64 * 1024  # bytes: a table of this size is read whole without harm
# One large table without statistics is enough to spoil what it is joined with.
UNKNOWN = f"""
SELECT EXISTS (
  SELECT FROM unnest(ARRAY[
    'customer', 'contact', 'opportunity', 'contract', 'payment_plan', 'payment', 'follow_up',
    'follow_up_plan', 'approval_request', 'approval_task'
  ]) AS large(name)
  WHERE pg_relation_size(to_regclass(large.name)) > {SMALL} AND NOT EXISTS (
    SELECT FROM pg_stats AS known
    WHERE known.schemaname = ANY (current_schemas(false)) AND known.tablename = large.name
  )
)"""


@sa.event.listens_for(Pool, "checkout")
def _advise(connection: Any, record: Any, _proxy: object) -> None:
    """Ask once a minute, outside of any transaction, and say whether loops are allowed."""
    now = time.monotonic()
    if isinstance(connection, sqlite3.Connection) or now < record.info.get("advised_until", 0):
        return
    connection.autocommit = True
    unknown = connection.execute(UNKNOWN).fetchone()[0]
    if unknown != record.info.get("unknown", False):
        connection.execute(f"SET enable_nestloop = {'off' if unknown else 'on'}")
    connection.autocommit = False
    record.info.update(unknown=unknown, advised_until=now + AGAIN)
