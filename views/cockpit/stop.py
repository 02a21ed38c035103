"""The link under a mailed summary: who has the mail ends it, logged in or not, by one click."""

from typing import Any

from flask import Blueprint, current_app, render_template, request

from models.core.base import db
from services.query import subscriptions
from views.web import edge
from views.web.headers import keep_out

pages = Blueprint("view_mail", __name__, url_prefix="/mail")
keep_out(pages)


@pages.route("/stop/<token>", methods=("GET", "POST"))
def stop(token: str) -> Any:
    """Ask; end on a POST alone, because mail scanners open links."""
    session = db.session()
    found = subscriptions.of_token(session, str(current_app.secret_key), token)
    if request.method == "POST" and found is not None:
        subscriptions.stop_by_link(session, found.id, now=edge.now())
    over = request.method == "POST" or found is None or found.stopped_at is not None
    return render_template("cockpit/stop.html", name=found.name if found else "", over=over)
