"""Who does it, when, in which session: the first argument of every verb."""

import dataclasses
import datetime as dt

from sqlalchemy.orm import Session

from services.rights.actor import Actor


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """Who does it, when (aware, UTC), in which session."""

    session: Session
    by: Actor
    now: dt.datetime
