"""数据驾驶舱: to be written."""

from typing import Any

from flask_admin import expose

from views.pages import Page


def plotly_url() -> str:
    """Return the address of the plotly bundle."""
    return ""


class CockpitView(Page):
    """The six summaries."""

    permission = "cockpit:read"

    @expose("/")
    def index(self) -> Any:
        """Go to the first summary."""
        return ""

    @expose("/<key>/")
    def page(self, key: str) -> Any:
        """Show a summary."""
        return key
