"""Pages that are no grid: one grant opens them, the edge's rules apply."""

from typing import Any, ClassVar

from flask_admin import BaseView

from services.core.errors import Forbidden
from services.rights.actor import demand, may
from views.web.acting import Acting
from views.web.edge import current_actor
from views.web.errors import log_in_first


class Page(Acting, BaseView):
    """A view for people with `permission`; empty means everybody who is logged in."""

    permission: ClassVar[str] = ""
    icon: ClassVar[str] = "file"

    def demand(self, permission: str) -> None:
        """Raise Forbidden unless the person has the grant."""
        demand(self.actor, permission)

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
