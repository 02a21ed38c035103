"""Language: Chinese by default, English when chosen in the session or in the profile."""

import functools
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, Flask, g, has_request_context, redirect, request, session
from flask_babel import Babel, Domain, get_locale
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from models.people.user import Language
from views.web.headers import came_from, is_local

LOCALES = {one.name: one.locale for one in Language}
HTML = {"zh": "zh-CN", "en": "en"}
PROFILE = "profile_lang"  # in the session cookie: what the profile said when it was last read

pages = Blueprint("i18n", __name__)


class Texts(Domain):
    """The catalogue, found by the language itself: a page asks for some four hundred texts."""

    def __init__(self, **options: Any) -> None:
        """Begin without a language."""
        super().__init__(**options)
        self.known: dict[Any, Any] = {}
        self.last: tuple[Any, Any] = (None, None)

    def get_translations(self) -> Any:
        """Return the translations of the language of now."""
        locale = get_locale()
        if locale is None:
            return super().get_translations()
        last, found = self.last  # one tuple: another thread exchanges both at once
        if locale is last:
            return found
        found = self.known.get(locale)
        if found is None:
            found = self.known[locale] = super().get_translations()
        self.last = (locale, found)
        return found


class Languages(Babel):
    """Flask-Babel with our catalogue."""

    @functools.cached_property
    def domain_instance(self) -> Domain:
        """Return the catalogue of the application."""
        return Texts(domain=self.domain)


def init_i18n(app: Flask) -> None:
    """Initialise Babel: without it every Flask-Admin page answers 500."""
    Languages(app, locale_selector=_locale, timezone_selector=lambda: "Asia/Shanghai")
    app.register_blueprint(pages)
    app.context_processor(_context)


def language() -> str:
    """Return `zh` or `en`: the address's (`lang`), the session's, the profile's, else Chinese.

    It is asked while errors are answered too, so it knows without the database.
    """
    if not has_request_context():
        return "zh"  # commands and the worker write what people read later
    asked = request.args.get("lang")
    known = (asked, session.get("lang"), g.get("language"), session.get(PROFILE))
    return str(next((code for code in known if code in LOCALES), "zh"))


def know(code: str) -> None:
    """Keep the profile's language for this request, and for one that cannot read the profile."""
    g.language = code
    if session.get(PROFILE) != code:
        session[PROFILE] = code


def _locale() -> str:
    return LOCALES[language()]


def _context() -> dict[str, Any]:
    locale = get_locale()
    code = "en" if locale is not None and locale.language == "en" else "zh"
    return {"lang": code, "html_lang": HTML[code], "this_page": _this_page}


def _this_page() -> str:
    """Return the address that shows this page again; one that was posted for leads to before it."""
    own = request.full_path if request.query_string else request.path
    return own if request.method in {"GET", "HEAD"} else came_from() or own


def _without_language(target: str) -> str:
    parts = urlsplit(target)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name != "lang"]
    return target if kept == pairs else parts._replace(query=urlencode(kept)).geturl()


@pages.get("/lang/<code>")
def switch(code: str) -> Response:
    """Remember the language in the session cookie and go back to where the person was."""
    if code not in LOCALES:
        raise NotFound
    session["lang"] = code
    target = _without_language(request.args.get("next", "/"))
    return redirect(target if is_local(target) else "/", code=303)
