"""Who acts on a page, when, in which session: for every view and what is mixed into it."""

import datetime as dt
from typing import Any

from models.core.base import db
from services.core.errors import Forbidden
from services.rights.actor import Actor
from services.rights.call import Call
from views.web import edge


class Acting:
    """A part of a view; what it takes for granted of the whole is named here."""

    model: Any
    noun: Any
    get_one: Any
    render: Any
    details: Any
    get_save_return_url: Any

    @property
    def session(self) -> Any:
        """Return the request's session."""
        return db.session()

    @property
    def actor(self) -> Actor:
        """Return who acts; doors are only entered with somebody."""
        found = edge.current_actor()
        if found is None:
            raise Forbidden
        return found

    def now(self) -> dt.datetime:
        """Return the clock."""
        return edge.now()

    def call(self) -> Call:
        """Return who does it, when, in which session, for the services."""
        return Call(self.session, self.actor, self.now())
