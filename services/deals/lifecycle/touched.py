"""Contracts whose money or deliveries were written, as the database notes them whoever writes.

Triggers (migration 20261129_touched_contracts) add a row; the worker judges the contract and
strikes it out, so that what it reads does not grow with what is settled.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.deals.contract import Contract, ContractState

TOUCHED: Any = sa.table("guard_touched", sa.column("id"), sa.column("contract_id"))
CONTRACT: Any = Contract.__table__
PIECE = 500


def some(session: Session) -> dict[int, int]:
    """Return the oldest notes: their key → contract."""
    query = sa.select(TOUCHED.c.id, TOUCHED.c.contract_id).order_by(TOUCHED.c.id).limit(PIECE)
    return {row.id: row.contract_id for row in session.connection().execute(query)}


def strike(session: Session, notes: list[int]) -> None:
    """Strike notes out that were judged."""
    session.connection().execute(sa.delete(TOUCHED).where(TOUCHED.c.id.in_(notes)))


def forget(session: Session, contract_id: int) -> None:
    """Strike out what was noted of a contract until now: a person has the last word on it."""
    session.connection().execute(sa.delete(TOUCHED).where(TOUCHED.c.contract_id == contract_id))


def every(session: Session) -> None:
    """Note every contract that could move: the rule they are judged by has changed."""
    moved = sa.or_(
        CONTRACT.c.state == ContractState.active,
        sa.and_(CONTRACT.c.done_on.is_not(None), CONTRACT.c.done_note.is_(None)),
    )
    rows = sa.select(CONTRACT.c.id).where(CONTRACT.c.approval == Approval.approved, moved)
    session.connection().execute(sa.insert(TOUCHED).from_select(["contract_id"], rows))
