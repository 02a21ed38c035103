"""The first run: a company begins by the link on the console, then by a list of first steps."""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from models.core.base import db
from services.core import days
from services.core.errors import Invalid
from services.people import first_run
from views.core.pages import Page
from views.web import edge
from views.web.headers import keep_out

pages = Blueprint("first_run", __name__, url_prefix="/setup")
keep_out(pages, referrer="no-referrer")
UNPROCESSABLE = 422


@pages.route("/<token>", methods=("GET", "POST"))
def begin(token: str) -> Any:
    """Make company and administrator. Any other link, and a used one, is no page at all."""
    session = db.session()
    now = edge.now()
    first_run.demand_open(session, str(current_app.secret_key), token, now=now)
    errors: dict[str, Any] = {}
    if request.method == "POST":
        try:
            user = first_run.begin(session, request.form, now=now)
        except Invalid as problem:
            session.rollback()
            errors = dict(problem.errors)
        else:
            flash(_("公司已建立，请用 %(email)s 登录", email=user.email), "success")
            return redirect(url_for("security.login", next=url_for("start.index")), code=303)
    page = render_template("security/setup.html", given=request.form, errors=errors)
    return page, UNPROCESSABLE if errors else 200


class StartView(Page):
    """开始使用: what a new company enters first, with what there is of it."""

    permission = "setting:edit"
    icon = "play"

    @expose("/")
    def index(self) -> Any:
        """Show the steps."""
        steps = first_run.steps(self.session, today=days.today(edge.now()))
        return self.render("admin/start.html", steps=steps)
