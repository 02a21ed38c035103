"""The second factor of a person: codes of an app and recovery codes, kept encrypted."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.people.login_key import Passkey
from models.people.user import User
from models.rights.audit import AuditAction
from services.core.errors import Forbidden
from services.rights import audit, ceiling
from services.rights.access import act, actor_of
from services.rights.actor import Actor, demand, load_actor

COLUMNS = frozenset({"tf_primary_method", "tf_totp_secret", "mf_recovery_codes"})
NONE: dict[str, Any] = {**dict.fromkeys(COLUMNS), "tf_counter": None}
TABLE: Any = User.__table__
KEYS: Any = Passkey.__table__


def keep(session: Session, user: User, values: Mapping[str, Any]) -> None:
    """Keep what the person chose for himself, with a trace that tells no secret."""
    connection = session.connection()
    connection.execute(sa.update(TABLE).where(TABLE.c.id == user.id).values(**values))
    changes = {key: [None, audit.HIDDEN] for key in sorted(values) if key != "tf_primary_method"}
    tell(session, user, changes)


def tell(session: Session, user: User, changes: Mapping[str, list[Any]]) -> None:
    """Trace what was done to a person's ways to log in; at the log-in he does it himself."""
    if actor_of(session) is None:  # after the right password, or what stands for it
        act(session, load_actor(session, user.id))
    row = {"noun": User.__noun__, "record_id": user.id, "label": user.name}
    audit.record(session, [row | {"action": AuditAction.update, "changes": dict(changes)}])


def used(session: Session, user: User, counter: int) -> None:
    """Keep which code was used: it is no code any more."""
    statement = sa.update(TABLE).where(TABLE.c.id == user.id).values(tf_counter=counter)
    session.connection().execute(statement)


def end(session: Session, user: User, *, by: Actor) -> None:
    """Take away a second factor that somebody has lost, passkeys too. Raises Forbidden."""
    demand(by, "user:edit")
    if not ceiling.touchable(session, by, user):
        raise Forbidden
    keep(session, user, NONE)
    mine = sa.delete(KEYS).where(KEYS.c.user_id == user.id).returning(KEYS.c.name)
    names = sorted(session.connection().execute(mine).scalars())
    if names:
        tell(session, user, {"passkey": [names, None]})
    session.expire(user)


def is_set(session: Session, user: User) -> bool:
    """Tell whether a person has a second factor."""
    query = sa.select(KEYS.c.id).where(KEYS.c.user_id == user.id).limit(1)
    return bool(user.tf_totp_secret) or session.connection().execute(query).first() is not None
