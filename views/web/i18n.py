"""Language: Chinese by default, English when chosen in the session or in the profile."""

from typing import Any

from flask import Blueprint, Flask, has_request_context, redirect, request, session
from flask_babel import Babel, get_locale
from flask_login import current_user
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from models import Language
from views.web.headers import is_local

LOCALES = {one.name: one.locale for one in Language}
HTML = {"zh": "zh-CN", "en": "en"}

pages = Blueprint("i18n", __name__)


def init_i18n(app: Flask) -> None:
    """Initialise Babel: without it every Flask-Admin page answers 500."""
    Babel(app, locale_selector=_locale, timezone_selector=lambda: "Asia/Shanghai")
    app.register_blueprint(pages)
    app.context_processor(_context)


def language() -> str:
    """Return `zh` or `en`: the session's choice, else the profile's, else Chinese."""
    if not has_request_context():
        return "zh"  # commands and the worker write what people read later
    chosen = session.get("lang")
    if chosen in LOCALES:
        return str(chosen)
    if current_user and current_user.is_authenticated:
        return str(current_user.language.name)
    return "zh"


def _locale() -> str:
    return LOCALES[language()]


def _context() -> dict[str, Any]:
    locale = get_locale()
    code = "en" if locale is not None and locale.language == "en" else "zh"
    return {"lang": code, "html_lang": HTML[code]}


@pages.get("/lang/<code>")
def switch(code: str) -> Response:
    """Remember the language in the session cookie and go back to where the person was."""
    if code not in LOCALES:
        raise NotFound
    session["lang"] = code
    target = request.args.get("next", "/")
    return redirect(target if is_local(target) else "/", code=303)
