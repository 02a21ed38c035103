"""What the commands share."""

from sqlalchemy.orm import Session

from models import db
from services.access import act
from services.actor import SYSTEM


def system_session() -> Session:
    """Return the session, acting for the system: the command line says so explicitly."""
    session = db.session()
    act(session, SYSTEM)
    return session
