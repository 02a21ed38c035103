"""What the commands share."""

import datetime as dt

import click
import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from models.core.base import db
from models.people.user import User
from services.core.engine import writing
from services.rights.access import act
from services.rights.actor import SYSTEM, Actor, load_actor


def system_session() -> Session:
    """Return the session, acting for the system: the command line says so explicitly."""
    session: Session = db.session()
    act(session, SYSTEM)
    session.info["clock"] = now
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


def now() -> dt.datetime:
    """Return what time it is, in UTC: below the command the clock is an argument."""
    found: dt.datetime = current_app.config["TCOS_CLOCK"]()
    return found
