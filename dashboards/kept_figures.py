"""Roll-ups are kept up to date by the worker, can be made anew, and prove themselves."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from dashboards.measures.instalments import SETTLED
from dashboards.rollups.customers import CUSTOMERS
from dashboards.rollups.rollup import RollUp
from services.core.engine import writing

ROLL_UPS: tuple[RollUp, ...] = (SETTLED, CUSTOMERS)


def fold(session: Session, one: RollUp, *, patient: bool = False) -> int:
    """Work out a piece of what was noted and commit. Returns how many keys.

    Where another is at it there is nothing to do, unless one is `patient`.
    """
    done = one.fold(session, patient=patient)
    session.commit()
    return done


def rebuild(session: Session, one: RollUp, *, tell: Callable[[int, int], None]) -> int:
    """Work every key out anew, in pieces that are each committed. Returns how many.

    tell: called after every piece with how many are done, and how many there are.
    """
    one.note_every(session)
    session.commit()
    whole, done = waiting(session, one), 0
    while piece := fold(session, one, patient=True):
        done += piece
        tell(done, max(whole, done))
    return done


def waiting(session: Session, one: RollUp) -> int:
    """Return how many keys are noted: they are read from the raw rows until worked out."""
    with writing(on=False):
        found = one.waiting(session)
        session.rollback()
    return found


def verify(session: Session, one: RollUp, *, mend: bool = False) -> list[int]:
    """Return the keys that are stored otherwise than the raw rows say; `mend` notes them."""
    session.rollback()
    with writing(on=False):  # people write meanwhile: SQLite has one writer
        found = one.different(session)
        session.rollback()
    if mend and found:
        one.note(session, found)
        session.commit()
    return found
