"""Instalments as they stand settled, kept beside the raw rows and never believed beyond them.

Triggers (migration 20261130_settled_instalments) note every contract whose plan, money or terms
were written, whoever writes. What is noted is worked out from the raw rows when it is read, all
else is read as it stands here; `fold` works noted contracts out for good and strikes the notes.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from dashboards.core import filters
from dashboards.core.period import Period
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, PAYMENT, PLAN_LINE

METADATA = sa.MetaData()
STORED = sa.Table(
    "settled_instalment",
    METADATA,
    sa.Column("line_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("contract_id", sa.Integer, nullable=False),
    sa.Column("ordinal", sa.Integer),
    sa.Column("amount", sa.BigInteger),
    sa.Column("due_on", sa.Date),
    sa.Column("owner_id", sa.Integer),
    sa.Column("owner_department_id", sa.Integer),
    sa.Column("settled", sa.BigInteger),
    sa.Column("beyond", sa.BigInteger),
    sa.Column("weight", sa.BigInteger),
    sa.Column("paid_days", sa.BigInteger),
)
NOTES = sa.Table(
    "settled_note",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("contract_id", sa.Integer, nullable=False),
)
COLUMNS = tuple(column.name for column in STORED.c)
PIECE = 500  # contracts of one piece: SQLite has one writer, others wait for it
ALONE = sa.select(sa.func.pg_try_advisory_xact_lock(20_261_130))
IN_TURN = sa.select(sa.func.pg_advisory_xact_lock(20_261_130))
Lines = Callable[[Any], Any]  # contracts → their lines worked out from the raw rows


def moved(query: CockpitQuery) -> Any:
    """Return the contracts whose lines have to be worked out: noted ones, and paid in the future.

    A payment of a day after that of `as_of` does not count yet, and does in what is stored.
    """
    # Confirmed or not: an index on the state would be read for all payments.
    later = sa.select(PAYMENT.c.contract_id).where(PAYMENT.c.paid_on > query.today)
    return sa.union(sa.select(NOTES.c.contract_id), later).cte()


def both(query: CockpitQuery, contracts: Any, period: Period | None, lines: Lines) -> Any:
    """Return the columns of `STORED` of all lines, those of moved contracts worked out.

    `contracts`, a CTE of `contract_id`, keeps what is worked out to them; of what is stored only
    lines due in the period are read.
    """
    noted = moved(query)
    wanted = sa.select(noted.c.contract_id)
    if contracts is not None:
        wanted = wanted.where(noted.c.contract_id.in_(sa.select(contracts.c.contract_id)))
    live = lines(wanted.cte())
    due = [filters.days(STORED.c.due_on, period)] if period else []
    clean = STORED.c.contract_id.not_in(sa.select(noted.c.contract_id))
    stored = sa.select(STORED).where(clean, *due)
    return sa.union_all(stored, sa.select(*(live.c[name] for name in COLUMNS))).cte()


def every() -> Any:
    """Return the keys of all contracts, and of those that are only stored."""
    return sa.union(sa.select(CONTRACT.c.id), sa.select(STORED.c.contract_id))


def fold(session: Session, lines: Lines, *, patient: bool) -> int:
    """Work a piece of noted contracts out for good, in the caller's transaction.

    Returns how many contracts; 0 where none is noted or, unless `patient`, another is at it. The
    notes go first: what is written after they are read leaves one of its own, and the lines are
    read later than they.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        if patient:
            connection.execute(IN_TURN)
        elif not connection.scalar(ALONE):
            return 0
    noted = sa.select(NOTES.c.contract_id).distinct().order_by(NOTES.c.contract_id).limit(PIECE)
    struck = sa.delete(NOTES).where(NOTES.c.contract_id.in_(noted)).returning(NOTES.c.contract_id)
    keys = sorted(set(connection.scalars(struck)))
    if not keys:
        return 0
    wanted = sa.select(CONTRACT.c.id.label("contract_id")).where(CONTRACT.c.id.in_(keys))
    live = lines(wanted.cte())
    rows = connection.execute(sa.select(*(live.c[name] for name in COLUMNS))).mappings().all()
    connection.execute(sa.delete(STORED).where(STORED.c.contract_id.in_(keys)))
    if rows:
        # A line may stand under the contract it had before, which is still noted.
        mine = sa.select(PLAN_LINE.c.id).where(PLAN_LINE.c.contract_id.in_(keys))
        connection.execute(sa.delete(STORED).where(STORED.c.line_id.in_(mine)))
        connection.execute(sa.insert(STORED), [dict(row) for row in rows])
    return len(keys)


def different(session: Session, lines: Lines) -> list[int]:
    """Return the contracts that are stored otherwise than the raw rows say, noted ones left out."""
    live = lines(None)
    noted = sa.select(NOTES.c.contract_id)
    sides = [
        sa.select(*(side.c[name] for name in COLUMNS)).where(side.c.contract_id.not_in(noted))
        for side in (live, STORED)
    ]
    found: set[int] = set()
    for one, other in (sides, sides[::-1]):
        rows = sa.except_(one, other).subquery()
        found |= set(session.connection().scalars(sa.select(rows.c.contract_id)))
    return sorted(found)
