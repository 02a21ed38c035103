"""Instalments as they stand settled, by contract (migration 20261130_settled_instalments)."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from dashboards.core import filters
from dashboards.core.period import Period
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import PAYMENT

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
NOTES = sa.Table("settled_note", METADATA, sa.Column("contract_id", sa.Integer, nullable=False))
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
    return sa.union_all(stored, sa.select(*(live.c[column.name] for column in STORED.c))).cte()
