"""Accounts elsewhere that open an account here: only those of people who are known and active."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.people.login_key import LoginIdentity
from models.people.user import User
from services.core import clock
from services.core.errors import Refused
from services.people import second_factor

TABLE: Any = LoginIdentity.__table__
LOGIN = {"system": "login"}


def owner_of(session: Session, provider: str, subject: str) -> User | None:
    """Return whose account elsewhere this is, active or not."""
    query = sa.select(TABLE.c.user_id).where(
        TABLE.c.provider == provider, TABLE.c.subject == subject
    )
    key = session.connection().execute(query).scalar()
    found = sa.select(User).where(User.id == key)
    return session.scalar(found, execution_options=LOGIN) if key is not None else None


def by_email(session: Session, email: str) -> User | None:
    """Return who has an address that the provider vouches for."""
    if not email or "\x00" in email:
        return None
    query = sa.select(User).where(sa.func.lower(User.email) == email.strip().lower())
    return session.scalar(query, execution_options=LOGIN)


def link(session: Session, user: User, provider: str, subject: str) -> None:
    """Keep whose account elsewhere this is. Raises Refused: one each, and nobody else's."""
    owner = owner_of(session, provider, subject)
    if owner is not None and owner.id == user.id:
        return
    if owner is not None or any(row.provider == provider for row in listed(session, user)):
        raise Refused(_("这个单点登录账号已绑定他人，或您已绑定另一个账号"))
    row = {"user_id": user.id, "provider": provider, "subject": subject}
    connection = session.connection()
    connection.execute(sa.insert(TABLE), row | {"at": clock.of(session)})
    second_factor.tell(session, user, {"identity": [None, provider]})


def listed(session: Session, user: User) -> list[Any]:
    """Return a person's accounts elsewhere."""
    query = sa.select(TABLE).where(TABLE.c.user_id == user.id).order_by(TABLE.c.provider)
    return list(session.connection().execute(query))


def unlink(session: Session, user: User, provider: str) -> bool:
    """Forget a person's account elsewhere; tell whether there was one."""
    mine = sa.and_(TABLE.c.user_id == user.id, TABLE.c.provider == provider)
    gone = session.connection().execute(sa.delete(TABLE).where(mine)).rowcount
    if gone:
        second_factor.tell(session, user, {"identity": [provider, None]})
    return bool(gone)
