"""订单进度查询 for colleagues."""

from typing import Any

from flask import request
from flask_admin import expose

from services.core.days import today
from services.enquiry import inside
from views.core.pages import Page


class ProgressView(Page):
    """By customer, contract, order or mobile, within what the person sees."""

    permission = "order:read"
    icon = "track"

    @expose("/")
    def index(self) -> Any:
        """Show the orders that match."""
        text = request.args.get("q", "").replace("\x00", "")
        found = inside.search(self.call(), text)
        return self.render("admin/progress.html", q=text, found=found, day=today(self.now()))
