"""订单进度查询 for customers: by number and mobile, by a link, by mail when a step is done."""

from typing import Any

from flask import Blueprint, current_app, render_template, request

from models.core.base import db
from models.people.user import Language
from services.core.days import today
from services.core.errors import Invalid
from services.enquiry import followers, links, outside
from services.enquiry.standing import OrderStanding
from views.web import edge, i18n
from views.web.headers import keep_out

pages = Blueprint("progress", __name__, url_prefix="/progress")
keep_out(pages)
GONE = 410


@pages.route("/", methods=("GET", "POST"))
def progress() -> Any:
    """Ask for number and mobile; say where the order, or each of the contract, stands."""
    found: list[OrderStanding] = []
    if request.method == "POST":
        found = outside.ask(
            db.session(),
            request.form.get("number", ""),
            request.form.get("mobile", ""),
            address=request.remote_addr or "",
            now=edge.now(),
        )
    return _page("progress/ask.html", found, asked=request.method == "POST")


@pages.get("/<token>")
def link(token: str) -> Any:
    """Show the order of a link; one that has ended says so and what to do."""
    opened = links.opened(db.session(), _sender().secret, token, now=edge.now())
    found = [opened.found] if opened.found else []
    return _page("progress/link.html", found, over=opened.over), GONE if opened.over else 200


@pages.post("/follow/")
def follow() -> Any:
    """Ask a mailbox whether it wants to be told; what was wrong stands beside the field."""
    ticket, email = request.form.get("ticket", ""), request.form.get("email", "")
    found = followers.shown(db.session(), _sender().secret, ticket, now=edge.now())
    try:
        followers.ask(db.session(), _sender(), _wanted(ticket, email), now=edge.now())
    except Invalid as problem:
        page = _page("progress/link.html", found, wrong=str(problem), email=email)
        return page, problem.status
    return _page("progress/link.html", found, sent=email)


def _wanted(ticket: str, email: str) -> followers.Wanted:
    return followers.Wanted(ticket, email, Language[i18n.language()], request.remote_addr or "")


@pages.route("/mail/<token>", methods=("GET", "POST"))
def mail(token: str) -> Any:
    """Let the reader of a letter confirm or stop; a GET does nothing, mail scanners open links."""
    session, now = db.session(), edge.now()
    one = followers.follower(session, _sender().secret, token, now=now)
    if request.method == "POST":
        stops = "stop" in request.form
        (followers.stop if stops else followers.confirm)(session, one, now=now)
        one = followers.follower(session, _sender().secret, token, now=now)
    return render_template("progress/mail.html", one=one, done=request.method == "POST")


def _sender() -> followers.Sender:
    return followers.Sender(str(current_app.secret_key), current_app.config["TCOS_PUBLIC_URL"])


def _page(template: str, found: list[OrderStanding], **context: Any) -> str:
    secret, now = _sender().secret, edge.now()
    tickets = {one.order.id: followers.pass_for(secret, one.order.id, now=now) for one in found}
    return render_template(template, found=found, tickets=tickets, today=today(now), **context)
