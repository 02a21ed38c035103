"""The link under a push: its reader stops them, logged in or not, by one click."""

from typing import Any

from flask import Blueprint, current_app, render_template, request

from models.core.base import db
from services.portrait.pushes import stops
from views.web import edge
from views.web.headers import keep_out

pages = Blueprint("push_mail", __name__, url_prefix="/push")
keep_out(pages)


@pages.route("/stop/<token>", methods=("GET", "POST"))
def stop(token: str) -> Any:
    """Ask; stop on a POST alone, because mail scanners open links."""
    session = db.session()
    address = stops.mailbox(str(current_app.secret_key), token)
    if request.method == "POST":
        stops.stop(session, address, now=edge.now())
    return render_template(
        "portrait/stop.html", address=address, over=stops.stopped(session, address)
    )
