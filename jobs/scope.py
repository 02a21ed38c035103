"""One piece of the worker's work: an application context, the system as actor, Chinese."""

import contextlib
import datetime as dt
from collections.abc import Iterator

from flask import Flask, current_app
from flask_babel import force_locale
from sqlalchemy.orm import Session

from models.core.base import db
from services.core.engine import writing
from services.rights.access import act
from services.rights.actor import SYSTEM


@contextlib.contextmanager
def working(app: Flask) -> Iterator[Session]:
    """Yield a session that acts for the system; what was not committed is rolled back."""
    with app.app_context(), force_locale("zh_Hans_CN"), writing(on=True):
        session = db.session()
        act(session, SYSTEM)
        session.info["clock"] = clock
        try:
            yield session
        finally:
            db.session.remove()


def clock() -> dt.datetime:
    """Return the time: the worker is an edge, below it the clock is an argument."""
    found: dt.datetime = current_app.config["TCOS_CLOCK"]()
    return found
