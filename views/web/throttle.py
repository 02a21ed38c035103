"""Where passwords are tried: the log-in, its renewal, and the change of one's own password."""

import dataclasses
import datetime as dt
import secrets
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, abort, current_app, g, request, session
from flask_login import current_user, user_logged_in
from itsdangerous import BadData, URLSafeSerializer

from models.core.base import db
from models.people.user import User
from services.people import people
from services.rights import throttle
from views.web import edge

LOGIN = "security.login"
DEVICE = "device"  # the cookie of a browser that somebody logged in with
KNOWN = "device "  # what the place of a known device begins with
YEAR = dt.timedelta(days=365)
SECOND = frozenset({"security.two_factor_token_validation", "security.mf_recovery"})
PROVING = frozenset({LOGIN, "security.verify"}) | SECOND  # a wrong password shows their form again
OWN = frozenset({"security.verify", "profile.password"})  # they check the password of who is in


@dataclasses.dataclass(frozen=True, slots=True)
class TriedAccount:
    """An account whose password was tried; `first` refusal of those that hold it."""

    account: str
    held: bool
    first: bool


def init_throttle(app: Flask) -> None:
    """Count every attempt before its password is looked at, and forget them after a right one."""
    app.before_request(_count)
    app.after_request(_settle)
    app.teardown_request(_forget)
    user_logged_in.connect(_proved, app)


def _count() -> None:
    if request.method != "POST" or request.endpoint not in OWN | SECOND | {LOGIN}:
        return
    if request.endpoint in SECOND and "code" not in request.form and not request.is_json:
        return  # no guess: the page is asked for, with a form that travels along
    account = _account()
    if account is None:
        return
    place = _place(account)
    if request.endpoint in SECOND and not place.startswith(KNOWN):
        place = "second factor"  # six digits: counted for all addresses together
    db.session.rollback()  # SQLite has one writer, and this session may have begun as one
    key = throttle.key_of(account, place)
    tries = throttle.tries(db.engine, key, now=edge.now())
    g.tried = TriedAccount(account, held=tries > throttle.MOST, first=tries == throttle.MOST + 1)
    if g.tried.held:
        abort(429)
    g.attempt = key


def _account() -> str | None:
    """Return whose password or code is tried; None where nobody's is."""
    if request.endpoint == LOGIN:
        return _given()
    if request.endpoint in SECOND and not current_user.is_authenticated:
        mark = session.get("tf_user_id")
        found = current_app.extensions["security"].datastore.find_user(fs_uniquifier=mark or "")
        return None if found is None else str(found.email)
    return str(current_user.email) if current_user.is_authenticated else None


def _given() -> str:
    """Return the account that is tried, in the one spelling all its variants have."""
    data: Any = request.get_json(silent=True) if request.is_json else request.form
    text = str(data.get("email", "")) if hasattr(data, "get") else ""
    found = people.by_login(db.session(), text)
    return text if found is None else found.email


def _place(account: str) -> str:
    """Return where an attempt comes from: a device that got in before is a place of its own.

    So nobody elsewhere, or behind the same address, locks its owner out.
    """
    key, name = _device()
    user = User.__table__
    query = sa.select(user.c.email).where(user.c.id == key)
    email = db.session.connection().execute(query).scalar() if name else None
    here = email is not None and email.lower() == account.strip().lower()
    return f"{KNOWN}{name}" if here else request.remote_addr or ""


def _device() -> tuple[int, str]:
    try:
        key, name = _signer().loads(request.cookies.get(DEVICE, ""))
    except (BadData, TypeError, ValueError):
        return 0, ""
    return key, name


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), DEVICE)


def _proved(_app: Flask, user: Any, **_more: Any) -> None:
    g.proved = True
    if _device()[0] != user.id:
        g.device = _signer().dumps([user.id, secrets.token_urlsafe(12)])


def _settle(response: Response) -> Response:
    if request.endpoint in OWN and response.status_code in {302, 303}:
        g.proved = True  # a log-in that redirects somebody who is in already proves nothing
    if request.endpoint == LOGIN and "tf_user_id" in session:
        g.proved = True  # the password was right; its second factor is counted by itself
    if "device" in g:
        secure = current_app.config["SESSION_COOKIE_SECURE"]
        shape = {"httponly": True, "secure": secure, "samesite": "Lax"}
        response.set_cookie(DEVICE, g.device, max_age=YEAR, **shape)
    if response.status_code == 429:  # noqa: PLR2004 # too many requests
        response.headers["Retry-After"] = str(int(throttle.WINDOW.total_seconds()))
    return response


def _forget(_problem: BaseException | None) -> None:
    """Forget the attempts once the request's own transaction is over."""
    if g.get("proved") and "attempt" in g:
        throttle.forget(db.engine, g.attempt)
