"""主界面: the four blocks with counts, tiles of the month, what is due today, what waits for me."""

import datetime as dt
from typing import Any

from flask import redirect, request
from flask_admin import AdminIndexView, expose

from views.web.edge import current_actor


class HomeView(AdminIndexView):
    """Flask-Admin's index page, for people who are logged in."""

    def is_accessible(self) -> bool:
        """Let in whoever is logged in."""
        return current_actor() is not None

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:
        """Send a visitor to the log-in page."""
        del name, kwargs
        return redirect(f"/login?next={request.path}")

    @expose("/")
    def index(self) -> str:
        """Show the page."""
        return str(self.render("admin/index.html", now=dt.datetime.now(dt.UTC)))
