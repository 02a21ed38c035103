"""The last active administrator stays, whoever asks and however many ask at once."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.people.role import Role
from models.people.user import User, user_role
from services.core.errors import Locked
from services.rights.actor import ADMIN
from services.rights.visibility import added


def keep(session: Session, users: Sequence[User], deleted: Collection[Any]) -> None:
    """Refuse a flush of these people that leaves no administrator who can log in."""
    leaving = [u.id for u in users if u.id and (u in deleted or _off(u) or _loses_office(u))]
    if leaving:
        coming = [u for u in users if u.active is not False and _names(added(u, "roles")) & {ADMIN}]
        _somebody_else(session, leaving, len(coming))


def _somebody_else(session: Session, leaving: Collection[int], coming: int) -> None:
    """Raise Locked where nobody else would be an active administrator.

    The row of the role is the lock: of two who deny each other the office one waits for the other.
    """
    user, role, link = User.__table__, Role.__table__, user_role
    connection = session.connection()
    lock = sa.select(role.c.id).where(role.c.name == ADMIN).with_for_update(key_share=True)
    connection.execute(lock).all()
    admins = set(
        connection.execute(
            sa.select(user.c.id)
            .join_from(user, link, link.c.user_id == user.c.id)
            .join(role, role.c.id == link.c.role_id)
            .where(role.c.name == ADMIN, user.c.active)
        ).scalars()
    )
    if admins & set(leaving) and not admins - set(leaving) and not coming:
        raise Locked(_("至少要保留一名在职的管理员"))


def _off(user: User) -> bool:
    return False in added(user, "active")


def _loses_office(user: User) -> bool:
    return ADMIN in _names(sa.inspect(user).attrs.roles.history.deleted)


def _names(roles: Iterable[Role]) -> set[str]:
    return {role.name for role in roles or ()}
