"""What production must not start with: debugging, and accounts whose password is public."""

import sqlalchemy as sa
from flask import Flask

from models.core.base import db
from models.people.user import User
from services.people.people import DEMO_DOMAIN
from views.setup.misconfigured import Misconfigured


def refuse_unsafe(app: Flask) -> None:
    """Raise Misconfigured in production with debug on or demo accounts in the database.

    The secret is load_config's. A database that is not reachable or not migrated yet passes: the
    commands that mend it must start.
    """
    if app.config["TCOS_ENV"] != "production":
        return
    if app.debug:
        raise Misconfigured("production does not run with debug on: unset FLASK_DEBUG")
    with app.app_context():
        if _has_demo_accounts():
            raise Misconfigured(
                f"the database holds accounts of {DEMO_DOMAIN}, whose password is public: "
                "point TCOS_DATABASE_URL at a database without the demo company"
            )
        db.engine.dispose()  # workers forked from here on must not share a connection


def _has_demo_accounts() -> bool:
    email = User.__table__.c.email
    query = sa.select(email).where(sa.func.lower(email).like(f"%@{DEMO_DOMAIN}")).limit(1)
    try:
        with db.engine.connect() as connection:
            return connection.execute(query).first() is not None
    except sa.exc.SQLAlchemyError:
        return False
