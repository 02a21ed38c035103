"""The versions an import saw of its records: what it does to them itself is no change since."""

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.importing.import_job import ImportRow
from services.importing.check.finding import chunks
from services.importing.file.plan import Planned
from services.importing.mapping.declared import MODELS

Touched = Mapping[str, Collection[int]]  # entity → keys
Versions = dict[tuple[str, int], int]


def versions(session: Session, touched: Touched) -> Versions:
    """Return (entity, key) → version of records as they are now; unscoped."""
    found: Versions = {}
    for noun, keys in touched.items():
        table = MODELS[noun].__table__
        for part in chunks(sorted(keys)):
            query = sa.select(table.c.id, table.c.row_version).where(table.c.id.in_(part))
            found |= {(noun, key): version for key, version in session.execute(query)}
    return found


def by_noun(records: Iterable[Planned]) -> dict[str, set[int]]:
    """Return entity → keys of the records that have one."""
    found: dict[str, set[int]] = {}
    for one in records:
        if one.id is not None:
            found.setdefault(one.target.noun, set()).add(one.id)
    return found


@contextlib.contextmanager
def follow(session: Session, touched: Touched) -> Iterator[None]:
    """Let the rows of imports see the versions that what is done within makes of their records.

    A row whose record somebody else changed before keeps what it saw.
    """
    before = versions(session, touched)
    yield
    session.flush()
    table = ImportRow.__table__
    moved = [
        {"b_noun": noun, "b_key": key, "b_seen": before[noun, key], "b_now": now}
        for (noun, key), now in versions(session, touched).items()
        if before.get((noun, key), now) != now
    ]
    if moved:
        same = sa.and_(
            table.c.noun == sa.bindparam("b_noun"),
            table.c.record_id == sa.bindparam("b_key"),
            table.c.seen_version == sa.bindparam("b_seen"),
        )
        statement = sa.update(table).where(same).values(seen_version=sa.bindparam("b_now"))
        session.execute(statement, moved, execution_options={"rule": "import"})
