"""Rows worked out once and kept: read as they are until something of theirs is written.

Triggers note the key of whatever is written, whoever writes. What is noted is worked out from the
raw rows when it is read, all else is read as it stands; `fold` works noted keys out for good and
strikes the notes.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

PIECE = 500  # keys of one piece: SQLite has one writer, others wait for it


@dataclasses.dataclass(frozen=True, slots=True)
class RollUp:
    """A table of rows that are worked out by key, and the notes of keys that were written.

    `key` is the column of both. `live` takes a CTE of keys (None: all) and returns the rows as the
    raw rows say, with the columns of `stored`. `whose` is the table the keys are of. `named` is
    what people call such a key. `strayed` selects primary keys of `stored` that rows of some keys
    may still have under another.
    """

    named: str
    stored: sa.Table
    notes: sa.Table
    whose: sa.Table
    live: Callable[[Any], Any]
    lock: int
    strayed: Callable[[list[int]], Any] | None = None

    @property
    def key(self) -> str:
        """Return the name of the key's column."""
        return self.notes.c[0].name

    @property
    def own(self) -> Any:
        """Return the key's column of what is stored."""
        return self.stored.c[self.key]

    @property
    def noted(self) -> Any:
        """Return the key's column of the notes."""
        return self.notes.c[self.key]

    def columns(self, rows: Any) -> list[Any]:
        """Return the columns of `stored` in other rows."""
        return [rows.c[column.name] for column in self.stored.c]

    def every(self) -> Any:
        """Return all keys, and those that are only stored."""
        return sa.union(sa.select(self.whose.c.id), sa.select(self.own))

    def fold(self, session: Session, *, patient: bool) -> int:
        """Work a piece of noted keys out for good, in the caller's transaction.

        Returns how many keys; 0 where none is noted or, unless `patient`, another is at it. The
        notes go first: what is written after they are read leaves one of its own, and the rows are
        read later than they.
        """
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            if patient:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(self.lock)))
            elif not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(self.lock))):
                return 0
        noted = sa.select(self.noted).distinct().order_by(self.noted).limit(PIECE)
        struck = sa.delete(self.notes).where(self.noted.in_(noted)).returning(self.noted)
        keys = sorted(set(connection.scalars(struck)))
        if keys:
            self._work_out(connection, keys)
        return len(keys)

    def _work_out(self, connection: sa.Connection, keys: list[int]) -> None:
        wanted = sa.select(self.whose.c.id.label(self.key)).where(self.whose.c.id.in_(keys))
        live = self.live(wanted.cte())
        rows = connection.execute(sa.select(*self.columns(live))).mappings().all()
        connection.execute(sa.delete(self.stored).where(self.own.in_(keys)))
        if not rows:
            return
        if self.strayed is not None:
            primary = self.stored.primary_key.columns[0]
            connection.execute(sa.delete(self.stored).where(primary.in_(self.strayed(keys))))
        connection.execute(sa.insert(self.stored), [dict(row) for row in rows])

    def different(self, session: Session) -> list[int]:
        """Return the keys stored otherwise than the raw rows say, noted ones left out."""
        noted = sa.select(self.noted)
        sides = [
            sa.select(*self.columns(side)).where(side.c[self.key].not_in(noted))
            for side in (self.live(None), self.stored)
        ]
        found: set[int] = set()
        for one, other in (sides, sides[::-1]):
            rows = sa.except_(one, other).subquery()
            found |= set(session.connection().scalars(sa.select(rows.c[self.key])))
        return sorted(found)

    def note(self, session: Session, keys: list[int]) -> None:
        """Have keys worked out anew; they may be all there are."""
        noted = sa.insert(self.notes).prefix_with("OR IGNORE", dialect="sqlite")
        session.connection().execute(noted, [{self.key: one} for one in keys])

    def note_every(self, session: Session) -> None:
        """Have all keys worked out anew."""
        session.connection().execute(sa.delete(self.notes))
        session.connection().execute(sa.insert(self.notes).from_select([self.key], self.every()))

    def waiting(self, session: Session) -> int:
        """Return how many keys are noted."""
        asked = sa.select(sa.func.count(self.noted.distinct()))
        return session.connection().scalar(asked) or 0
