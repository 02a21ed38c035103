"""Where passwords are tried: the log-in, its renewal, and the change of one's own password."""

import dataclasses
from typing import Any

from flask import Flask, Response, abort, current_app, g, request
from flask_login import current_user, user_logged_in

from models.core.base import db
from services.rights import throttle
from views.web import edge

LOGIN = "security.login"
PROVING = frozenset({LOGIN, "security.verify"})  # a wrong password shows their form again
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
    if request.method != "POST" or request.endpoint not in OWN | {LOGIN}:
        return
    if request.endpoint in OWN and not current_user.is_authenticated:
        return
    account = _given() if request.endpoint == LOGIN else current_user.email
    db.session.rollback()  # SQLite has one writer, and this session may have begun as one
    key = throttle.key_of(account, request.remote_addr or "")
    tries = throttle.tries(db.engine, key, now=edge.now())
    g.tried = TriedAccount(account, held=tries > throttle.MOST, first=tries == throttle.MOST + 1)
    if g.tried.held:
        abort(429)
    g.attempt = key


def _given() -> str:
    """Return the account that is tried, in the one spelling all its variants have."""
    data: Any = request.get_json(silent=True) if request.is_json else request.form
    text = str(data.get("email", "")) if hasattr(data, "get") else ""
    try:
        return str(current_app.extensions["security"].mail_util.normalize(text))
    except ValueError:
        return text


def _proved(_app: Flask, **_user: Any) -> None:
    g.proved = True


def _settle(response: Response) -> Response:
    if request.endpoint in OWN and response.status_code in {302, 303}:
        g.proved = True  # a log-in that redirects somebody who is in already proves nothing
    if response.status_code == 429:  # noqa: PLR2004 # too many requests
        response.headers["Retry-After"] = str(int(throttle.WINDOW.total_seconds()))
    return response


def _forget(_problem: BaseException | None) -> None:
    """Forget the attempts once the request's own transaction is over."""
    if g.get("proved") and "attempt" in g:
        throttle.forget(db.engine, g.attempt)
