"""Pages by which a person chooses a password: by the link he got, or by a link he asks for."""

from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request
from flask import session as cookie
from flask_babel import gettext as _

from models.core.base import db
from services.core.errors import Invalid, NotVisible
from services.people import access_links
from services.rights import throttle
from views.web import edge
from views.web.headers import keep_out

pages = Blueprint("access", __name__, url_prefix="/access")
keep_out(pages, referrer="no-referrer")
GONE = 410
UNPROCESSABLE, TOO_MANY = 422, 429


def maker() -> access_links.Maker:
    """Return what links are made of here."""
    return access_links.Maker(str(current_app.secret_key), current_app.config["TCOS_PUBLIC_URL"])


@pages.route("/forgot/", methods=("GET", "POST"))
def forgot() -> Any:
    """Ask for a link; the answer is the same whether somebody has the address or not."""
    if request.method == "GET":
        return render_template("security/forgot.html", sent=False)
    key = throttle.key_of("forgot", request.remote_addr or "")
    db.session.rollback()  # SQLite has one writer, and this session may have begun as one
    if not throttle.attempt(db.engine, key, now=edge.now()):
        abort(TOO_MANY)
    email = request.form.get("email", "").replace("\x00", "")
    access_links.ask(db.session(), email, maker(), now=edge.now())
    return render_template("security/forgot.html", sent=True)


@pages.route("/<token>", methods=("GET", "POST"))
def choose(token: str) -> Any:
    """Let the owner of a link choose a password. A GET uses nothing up: scanners open links."""
    session = db.session()
    try:
        user = access_links.owner_of(session, maker().secret, token, now=edge.now())
    except NotVisible:
        return render_template("security/choose.html", user=None, errors={}), GONE
    errors: dict[str, Any] = {}
    if request.method == "POST":
        try:
            _redeem(user)
        except Invalid as problem:
            errors = dict(problem.errors)
        else:
            cookie.clear()  # whoever was logged in here may be somebody else
            flash(_("密码已设置，请登录"), "error")
            return redirect("/login", code=303)
    page = render_template("security/choose.html", user=user, errors=errors)
    return page, UNPROCESSABLE if errors else 200


def _redeem(user: Any) -> None:
    given = request.form.get("password", "")
    if given != request.form.get("again", ""):
        raise Invalid({"again": _("两次输入的密码不一致")})
    access_links.redeem(db.session(), user, given)
