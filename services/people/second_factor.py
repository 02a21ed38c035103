"""The second factor of a person: codes of an app and recovery codes, kept encrypted."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.people.user import User
from models.rights.audit import AuditAction
from services.core.errors import Forbidden
from services.rights import audit, ceiling
from services.rights.access import act, actor_of
from services.rights.actor import Actor, demand, load_actor

COLUMNS = frozenset({"tf_primary_method", "tf_totp_secret", "mf_recovery_codes"})
NONE: dict[str, Any] = {**dict.fromkeys(COLUMNS), "tf_counter": None}
TABLE: Any = User.__table__


def keep(session: Session, user: User, values: Mapping[str, Any]) -> None:
    """Keep what the person chose for himself, with a trace that tells no secret."""
    if actor_of(session) is None:  # at the log-in, after the right password
        act(session, load_actor(session, user.id))
    connection = session.connection()
    connection.execute(sa.update(TABLE).where(TABLE.c.id == user.id).values(**values))
    changes = {key: [None, audit.HIDDEN] for key in sorted(values) if key != "tf_primary_method"}
    row = {"noun": User.__noun__, "record_id": user.id, "label": user.name}
    audit.record(session, [row | {"action": AuditAction.update, "changes": changes}])


def used(session: Session, user: User, counter: int) -> None:
    """Keep which code was used: it is no code any more."""
    statement = sa.update(TABLE).where(TABLE.c.id == user.id).values(tf_counter=counter)
    session.connection().execute(statement)


def end(session: Session, user: User, *, by: Actor) -> None:
    """Take away a second factor that somebody has lost. Raises Forbidden."""
    demand(by, "user:edit")
    if not ceiling.touchable(session, by, user):
        raise Forbidden
    keep(session, user, NONE)
    session.expire(user)
