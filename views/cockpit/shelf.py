"""The saved views of a summary, on the doors that grids have for theirs."""

from typing import Any
from urllib.parse import urlencode

from flask import request, url_for

from dashboards import segments
from dashboards.core.query import BadParameter
from dashboards.kept import states
from dashboards.pages import Summary
from models.query.saved_view import SavedView
from services.query import saved_views
from views.grid.saved import SavedDoors
from views.render.template import READ

BARE = [("view", "0")]  # past the default view


class SummaryShelf(SavedDoors):
    """The views of one summary, made for a request."""

    def __init__(self, summary: Summary, render: Any = None) -> None:
        """Take the summary, and what renders a page where one is to be shown."""
        self.summary, self.noun, self.render = summary, states.noun_of(summary), render

    @property
    def name(self) -> str:
        """Return the summary's caption."""
        return str(self.summary.caption)

    @property
    def managed_at(self) -> str:
        """Return where the views are managed."""
        return url_for("cockpit.views", key=self.summary.key)

    def opened_at(self, pairs: list[tuple[str, str]]) -> str:
        """Return the address of the summary in a state; in none, past its default view."""
        page = url_for("cockpit.page", key=self.summary.key)
        return f"{page}?{urlencode(pairs or BARE, safe=READ)}"

    def kept(self, state: str) -> str:
        """Return the state in canonical order. Raises BadParameter."""
        return states.kept(self.summary, state, now=self.now())

    def more(self, view: SavedView) -> str:
        """Return the page of a view."""
        return url_for("cockpit.view", key=self.summary.key, id=view.id)

    def default_at(self, views: list[saved_views.Known], default: int | None) -> str:
        """Return the address of the default view for an address that asks nothing, else ''."""
        found = next((one.view for one in views if one.view.id == default), None)
        if request.args or found is None:
            return ""
        try:
            asked = states.query_of(self.summary, found.query, now=self.now())
            segments.kept_to(self.session, asked)
        except BadParameter:  # what it asked is no more: the summary opens all the same
            return ""
        return self.address(found)

    def context(self) -> dict[str, Any]:
        """Return what the menu of views needs on the summary's page."""
        taste = saved_views.taste(self.session, self.noun, self.actor)
        return {
            "shelf": self,
            "views": saved_views.visible(self.session, self.noun),
            "default": taste.default_id,
        }
