"""订单进度查询: a public page for customers, and one for colleagues."""

from typing import Any

from flask import Blueprint, render_template, request
from flask_admin import expose

from models import db
from services import enquiry, numbers
from views.pages import Page
from views.web import edge

pages = Blueprint("progress", __name__)


@pages.route("/progress/", methods=("GET", "POST"))
def progress() -> Any:
    """Ask for number and mobile; say where the order stands."""
    found = None
    if request.method == "POST":
        found = enquiry.enquire(
            db.session(),
            request.form.get("number", ""),
            request.form.get("mobile", ""),
            address=request.remote_addr or "",
            now=edge.now(),
        )
    return render_template(
        "progress.html",
        found=found,
        asked=request.method == "POST",
        today=numbers.today(edge.now()),
    )


class ProgressView(Page):
    """By customer, contract, order or mobile, within what the person sees."""

    permission = "order:read"
    icon = "truck"

    @expose("/")
    def index(self) -> Any:
        """Show the orders that match."""
        text = request.args.get("q", "").replace("\x00", "")
        found = enquiry.search(self.session, text, by=self.actor, now=self.now())
        return self.render(
            "admin/progress.html", q=text, found=found, day=numbers.today(self.now())
        )
