"""The demo company as a template of the session: a short version of the story, told once."""

import datetime as dt

from cli.common import system_session
from models.core.base import db
from seed.demo import seed_demo
from seed.reference import seed_reference, seed_roles
from tests.support.apps import behind

NOW = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)  # 17:30 in Shanghai
COUNT = 70  # of 300: every fate occurs


def now():
    """Return the end of the story: the clock of whoever looks at it."""
    return NOW


def demo(engine):
    """Tell a short version of the story."""
    with engine.begin() as connection:
        seed_roles(connection, NOW)
        seed_reference(connection, NOW)
    with behind(engine) as app, app.test_request_context():
        session = system_session()
        seed_demo(session, now=NOW, count=COUNT)
        session.commit()
        db.session.remove()
