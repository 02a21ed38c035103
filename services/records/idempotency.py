"""One record a rendered form: its key is claimed in the transaction that makes the record.

So the key stands exactly when the record does. Of two at the same moment the second waits for the
first (SQLite has one writer, PostgreSQL lets the unique index decide) and then finds it.
"""

import dataclasses
import datetime as dt
import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.core.base import Model
from models.customers.customer import Customer
from models.records.idempotency_key import IdempotencyKey
from services.records import lookup

KEPT = dt.timedelta(days=7)
RULE = {"rule": "idempotency"}
TABLE = IdempotencyKey.__table__


class Fate(enum.Enum):
    """What became of a record since its form was saved."""

    stands = "stands"
    merged = "merged"
    gone = "gone"


@dataclasses.dataclass(frozen=True, slots=True)
class ReceivedForm:
    """A form as it arrived: whose, where, under which key, and a digest of what it holds."""

    user_id: int
    path: str
    key: str
    digest: str


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A key and who had it: `first` this request, else an earlier one that led to `location`.

    `same` tells whether the earlier form held what this one holds.
    """

    id: int
    first: bool
    same: bool = True
    location: str | None = None
    noun: str | None = None
    record_id: int | None = None


def claim(session: Session, form: ReceivedForm, *, now: dt.datetime) -> Claim:
    """Take a form's key for this transaction, or tell what was made with it before."""
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    mine = [TABLE.c.user_id, TABLE.c.path, TABLE.c.key]
    statement = (
        build(TABLE)
        .values(**dataclasses.asdict(form), created_at=now)
        .on_conflict_do_nothing(index_elements=mine)
        .returning(TABLE.c.id)
    )
    new = session.execute(statement, execution_options=RULE).scalar()
    if new is not None:
        return Claim(new, first=True)
    query = sa.select(TABLE).where(
        TABLE.c.user_id == form.user_id, TABLE.c.path == form.path, TABLE.c.key == form.key
    )
    row = session.execute(query).one()
    return Claim(
        row.id,
        first=False,
        same=row.digest == form.digest,
        location=row.location,
        noun=row.noun,
        record_id=row.record_id,
    )


def settle(session: Session, mine: Claim, location: str, made: tuple[str, int] | None) -> None:
    """Write down where the answer leads and, where it is known, which record was made."""
    noun, key = made or (None, None)
    values = {"location": location[:2000], "noun": noun, "record_id": key}
    _write(session, sa.update(TABLE).where(TABLE.c.id == mine.id).values(**values))


def give_back(session: Session, mine: Claim) -> None:
    """Leave the key unused: nothing was made."""
    _write(session, sa.delete(TABLE).where(TABLE.c.id == mine.id))


def _write(session: Session, statement: Any) -> None:
    session.execute(statement, execution_options=RULE | {"synchronize_session": False})


def fate(session: Session, earlier: Claim) -> tuple[Fate, int | None]:
    """Return what became of the record, and the one it was merged into."""
    models = {x.class_.__noun__: x.class_ for x in Model.registry.mappers}
    model = models.get(earlier.noun or "")
    if model is None:
        return Fate.stands, None
    table = model.__table__
    alive = table.c.deleted_at.is_(None) if "deleted_at" in table.c else sa.true()
    query = sa.select(table.c.id).where(table.c.id == earlier.record_id, alive)
    if session.execute(query).first() is not None:
        return Fate.stands, None
    kept = None
    if model is Customer and earlier.record_id is not None:
        kept = lookup.kept_of(session, [earlier.record_id]).get(earlier.record_id)
    return (Fate.gone, None) if kept is None else (Fate.merged, kept)


def prune(session: Session, *, now: dt.datetime) -> int:
    """Forget keys of forms that nobody sends again. Returns how many went."""
    old = sa.delete(TABLE).where(TABLE.c.created_at < now - KEPT)
    found: Any = session.execute(old, execution_options=RULE)
    return int(found.rowcount)
