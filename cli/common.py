"""What the commands share."""

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from models import User, db
from services.access import act
from services.actor import SYSTEM, Actor, load_actor
from services.engine import writing


def system_session() -> Session:
    """Return the session, acting for the system: the command line says so explicitly."""
    session = db.session()
    act(session, SYSTEM)
    return session


def acting(session: Session, email: str | None) -> Actor:
    """Let the session act for the person of an e-mail, for the system without one."""
    if email is None:
        act(session, SYSTEM)
        return SYSTEM
    user = User.__table__
    query = sa.select(user.c.id).where(sa.func.lower(user.c.email) == email.lower())
    with writing(on=False):
        key = session.execute(query).scalar()
        by = load_actor(session, key) if key is not None else None
        session.rollback()
    if by is None:
        raise click.ClickException(f"no active person with the e-mail {email}")
    act(session, by)
    return by
