"""The one place that reads the time of day.

The edges ask it (a request, a command, the worker); below them the clock is an argument. What time
it is for an application stands in its configuration, TCOS_CLOCK: tests give it another clock.
"""

import datetime as dt

from sqlalchemy.orm import Session


def system() -> dt.datetime:
    """Return the machine's time, in UTC."""
    return dt.datetime.now(dt.UTC)


def of(session: Session) -> dt.datetime:
    """Return when what a session writes happens: `now` of a told story, else its edge's clock."""
    found: dt.datetime = session.info.get("now") or session.info.get("clock", system)()
    return found
