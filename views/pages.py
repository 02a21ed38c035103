"""Pages that are no grid: one grant opens them, the edge's rules apply."""

import datetime as dt
from typing import Any, ClassVar

from flask_admin import BaseView

from models import db
from services.actor import Actor, demand, may
from services.errors import Forbidden
from views.web import edge
from views.web.edge import current_actor
from views.web.errors import log_in_first


class Page(BaseView):
    """A view for people with `permission`; empty means everybody who is logged in."""

    permission: ClassVar[str] = ""
    icon: ClassVar[str] = "file"

    @property
    def session(self) -> Any:
        """Return the request's session."""
        return db.session()

    @property
    def actor(self) -> Actor:
        """Return who acts."""
        found = current_actor()
        if found is None:
            raise Forbidden
        return found

    def demand(self, permission: str) -> None:
        """Raise Forbidden unless the person has the grant."""
        demand(self.actor, permission)

    def now(self) -> dt.datetime:
        """Return the clock."""
        return edge.now()

    def is_accessible(self) -> bool:
        """Tell whether the page is open to the person."""
        actor = current_actor()
        return actor is not None and (not self.permission or may(actor, self.permission))

    def _handle_view(self, name: str, **_kwargs: Any) -> Any:
        del name
        if current_actor() is None:
            return log_in_first()
        if not self.is_accessible():
            raise Forbidden
        return None

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        return fn(self, *args, **kwargs)
