"""The way back to a form whose POST was refused: log in first, a dead token, an error page.

What was typed travels along, signed, in the page that asks for the log-in; nothing is stored here.
After the log-in of the same person it is shown in its form again. Passwords and files stay behind.
"""

import dataclasses
import json
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user
from flask_security import LoginForm
from flask_wtf.csrf import CSRFError
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.exceptions import HTTPException

from services.core import texts
from services.core.errors import Refused
from views.web import failures
from views.web.drafts import FIELD
from views.web.edge import current_actor
from views.web.headers import is_local, wants_json, wants_words

BY = "typed_by"  # every form says who opened it
REFILL = "_refill"
KEPT = "kept_form"
HOURS = 12
MOST = 1024 * 1024  # characters, packed
TECHNICAL = frozenset({"csrf_token", BY, REFILL, KEPT, "next", "id", "row_version", "seen", FIELD})
LOGIN = "security.login"
# What may stand between the password and the log-in's end, with its page.
BETWEEN = {
    "security.two_factor_token_validation": "security/two_factor_verify_code.html",
    "security.two_factor_setup": "security/two_factor_setup.html",
    "security.mf_recovery": "security/mf_recovery.html",
    "passkey.second": "security/passkey.html",
}
HOME = "/admin/"


@dataclasses.dataclass(frozen=True, slots=True)
class KeptForm:
    """A refused form: where it was sent, the page it stood on, who opened it, what it held."""

    action: str
    page: str
    by: str
    fields: list[tuple[str, str]]

    @property
    def texts(self) -> list[str]:
        """Return what reads like something a person wrote."""
        values = [value for name, value in self.fields if name not in TECHNICAL]
        return [v for v in values if v.strip() and not (v.isascii() and " " not in v)]


def init_reentry(app: Flask) -> None:
    """Register after the log-in and its tokens: they judge a POST first."""
    app.register_error_handler(CSRFError, _token_refused)
    app.before_request(_same_person)
    app.after_request(_after_login)
    app.jinja_env.globals.update(
        refused_form=refused_form, form_page=form_page, packed=packed, refilling=refilling
    )


def refilling() -> bool:
    """Tell whether this POST only wants its form back, filled; nothing may be saved."""
    return request.method == "POST" and (REFILL in request.form or g.get("refill", False))


def retyped() -> dict[str, str]:
    """Return what a form that wants itself back had typed, {} for any other request."""
    if not refilling():
        return {}
    given = request.form.to_dict(flat=False)
    return {name: " ".join(filter(None, given_texts)) for name, given_texts in given.items()}


def version_seen(record: Any) -> int | None:
    """Return the version a form begins with; a change made meanwhile must still be told."""
    stored: int | None = getattr(record, "row_version", None)
    typed = texts.key(retyped().get("row_version")) if stored is not None else None
    return typed or stored


def log_in_first() -> Any:
    """Ask for the log-in and lead back; a script gets 401: it would take a 302 for success."""
    if wants_words():
        address = url_for(LOGIN, next=form_page())
        return jsonify(error=_("登录已失效，没有保存。请重新登录后再试"), login=address), 401
    kept = refused_form()
    if kept is None or not _has_text(kept):
        return redirect(url_for(LOGIN, next=form_page()))
    form = LoginForm(formdata=None)
    page = render_template("security/login_user.html", login_user_form=form, kept=kept)
    return page, 401


def refused_form() -> KeptForm | None:
    """Return what this POST carried; None where there is nothing or it came from elsewhere."""
    if request.method != "POST" or request.endpoint == LOGIN or not _from_here():
        return None
    try:
        pairs = list(request.form.items(multi=True))
    except HTTPException:  # too large: its body was never read
        return None
    hidden = {"csrf_token", BY, REFILL, "idempotency_key", "idempotency_next"}
    fields = [(k, v) for k, v in pairs if k not in hidden and not k.startswith("_") and v]
    fields = [(k, v) for k, v in fields if not is_secret(k)]
    action = request.full_path.rstrip("?") if _can_refill(request.endpoint) else ""
    return KeptForm(action, form_page(), request.form.get(BY, ""), fields)


def form_page() -> str:
    """Return the page the refused form stood on, as an address that can be opened."""
    if request.method in {"GET", "HEAD"}:
        own = _referrer() if wants_json() else request.full_path
        return (own or HOME).rstrip("?")
    for address in (_referrer(), request.full_path):
        if address and _opens(address):
            return address.rstrip("?")
    return HOME


def packed(kept: KeptForm) -> str:
    """Return a refused form as the log-in page carries it, '' where it is too long."""
    text = str(_signer().dumps(dataclasses.astuple(kept)))
    return text if len(text) <= MOST else ""


def _unpacked(text: str) -> KeptForm | None:
    try:
        action, page, by, fields = _signer().loads(text, max_age=HOURS * 3600)
    except (BadSignature, ValueError, TypeError, json.JSONDecodeError):
        return None
    return KeptForm(action, page, by, [(str(k), str(v)) for k, v in fields])


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="kept-form")


def is_secret(name: str) -> bool:
    """Tell whether a field holds a password: it is neither kept nor shown."""
    return "password" in name or name in {"current", "again"}


def _has_text(kept: KeptForm) -> bool:
    return any(name not in TECHNICAL for name, _value in kept.fields)


def _from_here() -> bool:
    """Tell whether a page of this host sent the request: browsers name it with every POST."""
    sender = request.headers.get("Origin") or request.referrer or ""
    return bool(sender) and urlsplit(sender).netloc == request.host


def _referrer() -> str:
    parts = urlsplit(request.referrer or "")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return path if parts.netloc == request.host and is_local(path) else ""


def _opens(address: str) -> bool:
    """Tell whether an address answers a GET."""
    try:
        current_app.url_map.bind("").match(urlsplit(address).path, method="GET")
    except HTTPException:
        return False
    return True


def _can_refill(endpoint: str | None) -> bool:
    view = current_app.view_functions.get(endpoint or "")
    refilled = getattr(getattr(view, "__self__", None), "refilled", ())
    return getattr(view, "__name__", "") in refilled


# -- a token that is not valid any more, or somebody else's form -----------------------------------


def _token_refused(_problem: CSRFError) -> Any:
    """A log-in that ended takes its tokens along: lead to the log-in, or show the form again."""
    known = request.path.startswith("/admin/") or request.endpoint == "security.logout"
    if not current_user.is_authenticated and known:
        return log_in_first()
    if _opened_by_another():
        return _told(400, _of_another())
    outdated = _("页面已过期，没有保存。请刷新页面后再试")
    return _filled_again() or _told(400, outdated, code="TOKEN")


def _filled_again() -> Any:
    """Return the form with what was typed and a token that holds; None where it has none."""
    endpoint, actor = request.endpoint or "", current_actor()
    if actor is None or wants_words() or not _can_refill(endpoint) or not _from_here():
        return None
    if BY not in request.form:
        return None
    g.refill = True
    try:
        said: Any = current_app.view_functions[endpoint]()
        answer = current_app.make_response(said)
    except (Refused, HTTPException):
        return None
    if answer.status_code != 200:  # noqa: PLR2004 # the form itself
        return None
    answer.status_code = 400
    return answer


def _same_person() -> Any:
    """Refuse a form that somebody else opened in this browser: it was not his to send."""
    if request.method == "POST" and _opened_by_another():
        return _told(409, _of_another())
    return None


def _opened_by_another() -> bool:
    actor, by = current_actor(), request.form.get(BY)
    return actor is not None and by is not None and by != str(actor.id)


def _of_another() -> str:
    return str(_("这张表单是用另一个账号打开的，没有保存。请用原来的账号登录后再提交"))


def _told(status: int, message: str, code: str = "OTHER_PERSON") -> Any:
    failures.roll_back()
    told = {"request_id": failures.request_id()}
    if wants_words():
        return jsonify(error=message, code=code, **told), status
    return render_template("error.html", status=status, message=message, **told), status


# -- after the log-in ------------------------------------------------------------------------------


def _after_login(response: Response) -> Response:
    """Lead whoever is in now back to the form he had typed; a stranger gets the page only."""
    tried = request.endpoint in {LOGIN, *BETWEEN, "passkey.enter"} and request.method == "POST"
    if not tried or response.status_code not in {302, 303}:
        return response
    kept = _unpacked(request.form.get(KEPT, ""))
    leads = response.headers["Location"]
    between = {url_for(name): template for name, template in BETWEEN.items()}
    template = between.get(urlsplit(leads).path)
    if kept is not None and template and not current_user.is_authenticated:
        return _page(response, template, at=leads, choices=[], two_factor_required=True)
    if kept is None or not current_user.is_authenticated:
        return response
    if kept.by != str(current_user.id) or not (kept.action or kept.texts):
        response.headers["Location"] = kept.page
        return response
    return _page(response, "security/back.html", kept=kept)


def _page(response: Response, template: str, **context: Any) -> Response:
    """Show a page that carries the form along where the log-in would lead away from it."""
    response.status_code = 200
    del response.headers["Location"]
    response.set_data(render_template(template, **context))
    return response
