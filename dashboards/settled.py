"""Stored instalments are kept up to date by the worker, can be made anew, and prove themselves."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from dashboards.measures import stored
from dashboards.measures.instalments import worked_out
from services.core.engine import writing


def _lines(contracts: Any) -> Any:
    return worked_out(None, contracts)


def fold(session: Session, *, patient: bool = False) -> int:
    """Work out a piece of what was noted and commit. Returns how many contracts.

    Where another is at it there is nothing to do, unless one is `patient`.
    """
    done = stored.fold(session, _lines, patient=patient)
    session.commit()
    return done


def rebuild(session: Session, *, tell: Callable[[int, int], None]) -> int:
    """Work every contract out anew, in pieces that are each committed. Returns how many.

    tell: called after every piece with how many are done, and how many there are.
    """
    session.connection().execute(sa.delete(stored.NOTES))
    noted = sa.insert(stored.NOTES).from_select(["contract_id"], stored.every())
    session.connection().execute(noted)
    session.commit()
    whole, done = waiting(session), 0
    while piece := fold(session, patient=True):
        done += piece
        tell(done, max(whole, done))
    return done


def waiting(session: Session) -> int:
    """Return how many contracts are noted: they are read from the raw rows until worked out."""
    noted = sa.select(sa.func.count(stored.NOTES.c.contract_id.distinct()))
    with writing(on=False):
        found = session.connection().scalar(noted) or 0
        session.rollback()
    return found


def verify(session: Session, *, mend: bool = False) -> list[int]:
    """Return the contracts whose stored instalments differ from the raw rows; `mend` notes them."""
    session.rollback()
    with writing(on=False):  # people write meanwhile: SQLite has one writer
        found = stored.different(session, _lines)
        session.rollback()
    if mend and found:
        noted = [{"contract_id": key} for key in found]  # they may be all there are
        session.connection().execute(sa.insert(stored.NOTES), noted)
        session.commit()
    return found
