"""审批概览: open tasks by person, their age, what is late, how quickly it goes."""

from typing import Any

from flask_admin import expose

from services.approval.overview import AGES, overview
from views.pages import Page


class OverviewView(Page):
    """What those who lead others need to see of the queue."""

    permission = "request:overview"
    icon = "bars"

    @expose("/")
    def index(self) -> Any:
        """Show one line an approver."""
        rows, pace = overview(self.session, now=self.now())
        return self.render("approval/overview.html", rows=rows, pace=pace, ages=AGES)
