"""Log-in: Flask-Security over our tables, with the queries that run before there is an actor."""

import uuid
from typing import Any

import sqlalchemy as sa
from flask import Flask, g, has_request_context
from flask_login import user_logged_out
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security.core import _on_identity_loaded, identity_loaded
from flask_wtf import CSRFProtect

from models.core.base import db
from models.people.role import Role
from models.people.user import User
from models.rights.audit import AuditAction
from services.rights import audit

csrf = CSRFProtect()


class Datastore(SQLAlchemyUserDatastore):  # type: ignore[misc] # no stubs
    """Looks people up by a named system query: the read gate hides everybody from a visitor."""

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> User | None:  # noqa: FBT001, FBT002 # the library's signature
        """Return the person by one unique attribute."""
        key, value = kwargs.popitem()
        column = getattr(User, key)
        if isinstance(value, str) and "\x00" in value:
            return None
        match = sa.func.lower(column) == value.lower() if case_insensitive else column == value
        query = sa.select(User).where(match).execution_options(system="login")
        found: User | None = db.session.scalar(query)
        return found

    def put(self, model: Any) -> Any:
        """Keep a hash that a right password renewed; refuse whatever else the library would write.

        A log-in only reads, so the new hash waits for the short transaction that notes the log-in.
        Everything else about people has rules and a trace, and is written by
        services/people/people.py.
        """
        state = sa.inspect(model)
        hashes = state.attrs.password.history
        renewed = db.session.is_modified(model) and hashes.deleted and has_request_context()
        others = [a.key for a in state.attrs if a.key != "password" and a.history.has_changes()]
        if not renewed or others:
            message = "people are written by services/people/people.py"
            raise PermissionError(message)
        g.renewed = (hashes.deleted[0], model.password)
        db.session.expire(model)
        return model


def init_security(app: Flask) -> None:
    """Turn on CSRF for every form and log-in with our templates."""
    csrf.init_app(app)
    Security(app, Datastore(db, User, Role))
    # Flask-Principal's needs would read the roles in every request; our grants are the actor's.
    identity_loaded.disconnect(_on_identity_loaded, app)
    user_logged_out.connect(_end_sessions, app)


def _end_sessions(_app: Flask, user: Any, **_extra: Any) -> None:
    """Rotate the session key, traced: a copied cookie must not outlive the log-out."""
    if user is None or not getattr(user, "id", None):
        return
    statement = (
        sa.update(User)
        .where(User.id == user.id)
        .values(fs_uniquifier=uuid.uuid4().hex)
        .execution_options(rule="profile", synchronize_session=False)
    )
    db.session.execute(statement)
    row = {"noun": User.__noun__, "record_id": user.id, "label": user.name, "changes": {}}
    audit.record(db.session(), [row | {"action": AuditAction.logout}])
