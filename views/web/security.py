"""Log-in: Flask-Security over our tables, with the queries that run before there is an actor."""

import textwrap
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import (
    Flask,
    Response,
    abort,
    after_this_request,
    current_app,
    g,
    has_request_context,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user, user_logged_out
from flask_security import LoginForm, Security, SQLAlchemyUserDatastore
from flask_security.core import _on_identity_loaded, identity_loaded
from flask_security.forms import TwoFactorVerifyCodeForm
from flask_security.recovery_codes import MfRecoveryForm
from flask_security.totp import Totp
from flask_wtf import CSRFProtect
from wtforms import StringField
from wtforms.validators import DataRequired

from models.core.base import db
from models.core.cached import cached
from models.people.login_session import LoginSession
from models.people.role import Role
from models.people.user import User
from services.people import people, second_factor, sessions
from views.web.errors import log_in_first
from views.web.headers import wants_words

csrf = CSRFProtect()
CODES = ["two_factor_token_validation", "two_factor_rescue", "tf_select", "mf_recovery"]
EARLY = frozenset(f"security.{name}" for name in CODES)  # between password and log-in
SECOND = EARLY | {f"security.{name}" for name in ("two_factor_setup", "mf_recovery_codes")}
SECOND |= {"security.two_factor_setup_validate"}
SETTING = "validating_profile"  # a set-up that waits for its first code
# No page to go to after a log-in: they are the way in, or out.
DOORS = frozenset({"/login", "/logout", "/tf-validate", "/tf-rescue", "/tf-select", "/mf-recovery"})


def _as_given(typed: str | None) -> str:
    """Return a recovery code as it was given out: small letters in fours."""
    return "-".join(textwrap.wrap("".join(filter(str.isalnum, (typed or "").lower())), 4))


class Datastore(SQLAlchemyUserDatastore):  # type: ignore[misc] # no stubs
    """Looks people up by a named system query: the read gate hides everybody from a visitor."""

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> User | None:  # noqa: FBT001, FBT002 # the library's signature
        """Return the person by one unique attribute; a session's must be one that is known."""
        key, value = kwargs.popitem()
        if key == "fs_uniquifier":
            return _of_session(value)
        column = getattr(User, key)
        if isinstance(value, str) and "\x00" in value:
            return None
        match = sa.func.lower(column) == value.lower() if case_insensitive else column == value
        query = sa.select(User).where(match).execution_options(system="login")
        found: User | None = db.session.scalar(query)
        return found

    def put(self, model: Any) -> Any:
        """Keep a hash that a right password renewed, and second factors; refuse all else.

        A log-in only reads, so the new hash waits for the short transaction that notes the log-in.
        Everything else about people has rules and a trace, and is written by
        services/people/people.py.
        """
        state = sa.inspect(model)
        hashes = state.attrs.password.history
        changed = {a.key for a in state.attrs if a.history.has_changes()}
        if changed and changed <= second_factor.COLUMNS:
            values = {key: getattr(model, key) for key in changed}
            db.session.expire(model, changed)
            second_factor.keep(db.session(), model, values)
            return model
        if not (changed == {"password"} and hashes.deleted and has_request_context()):
            message = "people are written by services/people/people.py"
            raise PermissionError(message)
        g.renewed = (hashes.deleted[0], model.password)
        db.session.expire(model)
        return model

    def mf_delete_recovery_code(self, user: Any, idx: int) -> bool:
        """Use up a recovery code: a new list, for the old one is not seen to change."""
        left = [code for n, code in enumerate(user.mf_recovery_codes or ()) if n != idx]
        user.mf_recovery_codes = left
        self.put(user)
        return True


class Codes(Totp):  # type: ignore[misc] # no stubs
    """Codes of an app; each is taken once."""

    def get_last_counter(self, user: Any) -> int | None:
        """Return which code was the last."""
        found: int | None = user.tf_counter if user.tf_totp_secret else None
        return found

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        """Keep which code was used."""
        second_factor.used(db.session(), user, tmatch.counter)


class LogInForm(LoginForm):  # type: ignore[misc] # no stubs
    """Takes an e-mail, a mobile or a name."""

    email = StringField(validators=[DataRequired()])

    def validate(self, **more: Any) -> bool:
        """Find who is meant and what page he wants; the library checks the password."""
        session.pop("way", None)  # of a log-in that another way began
        self.next.data = _wanted()
        self.ifield = self.email
        self.user = people.by_login(db.session(), str(self.email.data or ""))
        return bool(super().validate(**more))


def _wanted() -> str:
    """Return the page that a log-in leads to, as a path; home where none was asked for.

    The library would carry its own address, host and all, past the question for the code.
    """
    asked = request.form.get("next") or request.args.get("next") or ""
    path = asked.removeprefix(request.host_url.rstrip("/"))
    home: str = current_app.config["SECURITY_POST_LOGIN_VIEW"]
    return home if urlsplit(path).path.rstrip("/") in DOORS | {""} else path


class CodeForm(TwoFactorVerifyCodeForm):  # type: ignore[misc] # no stubs
    """Takes a code of an app; a wrong one in the set-up leaves the app's key where it is."""

    def validate(self, **more: Any) -> bool:
        """Check the code; the library would begin the set-up anew with another key."""
        right = bool(super().validate(**more))
        setting = "token" in (request.view_args or {}) or session.get("tf_state") == SETTING
        if request.method == "POST" and setting and not right and not wants_words():
            after_this_request(self._again)
        return right

    def _again(self, _response: Response) -> Response:
        """Show the same key and picture with the refusal beside the field."""
        session.pop("_flashes", None)  # the library's words about it, for another page
        token = (request.view_args or {}).get("token")
        codes = current_app.extensions["security"].totp_factory
        values = codes.fetch_setup_values(self.tf_totp_secret, self.user)
        shown = {"authr_qrcode": values["image"], "authr_key": values["key"]}
        page = {"chosen_method": "authenticator", "changing": bool(token), "state_token": token}
        page |= {"two_factor_verify_code_form": self, "choices": []}
        return make_response(render_template("security/two_factor_setup.html", **page, **shown))


class RecoveryForm(MfRecoveryForm):  # type: ignore[misc] # no stubs
    """Takes a recovery code as it was noted: in capitals, with blanks or without hyphens."""

    code = StringField(validators=[DataRequired()], filters=[_as_given])


def init_security(app: Flask) -> None:
    """Turn on CSRF for every form and log-in with our templates."""
    csrf.init_app(app)
    User.asked_for_second = staticmethod(lambda: current_app.config["TCOS_SECOND_FACTOR"])
    forms = {"login_form": LogInForm, "two_factor_verify_code_form": CodeForm}
    forms["mf_recovery_form"] = RecoveryForm
    Security(app, Datastore(db, User, Role), totp_cls=Codes, **forms)
    # Flask-Principal's needs would read the roles in every request; our grants are the actor's.
    identity_loaded.disconnect(_on_identity_loaded, app)
    user_logged_out.connect(_end_session, app)
    app.before_request(_only_early)


def _only_early() -> Any:
    """Close the doors of the log-in to who is in: the library would log him out by a mere link.

    And all of them to who has not shown a password.
    """
    if request.endpoint in EARLY and current_user.is_authenticated:
        abort(403)
    waits = current_user.is_authenticated or "tf_user_id" in session
    if request.endpoint not in SECOND or waits:
        return None
    early = request.endpoint in EARLY and not wants_words()
    return redirect(url_for("security.login")) if early else log_in_first()


def _of_session(value: str) -> User | None:
    """Return whose session this is: the cookie holds the person's mark and the session's secret.

    Who is asked for the second factor has none yet: the right password put the mark there.
    """
    mark, dot, secret = value.partition(".")
    if not dot and session.get("tf_user_id") == mark:
        waiting = sa.select(User).where(User.fs_uniquifier == mark, User.active)
        early: User | None = db.session.scalar(waiting, execution_options={"system": "login"})
        return early
    found = db.session.execute(_session(), {"mark": mark, "key": sessions.key_of(secret)}).first()
    if found is None:
        return None
    g.login_session = found
    user: User = found[0]
    return user


@cached  # asked by every request
def _session() -> Any:
    marked = User.fs_uniquifier == sa.bindparam("mark", type_=sa.String())
    return (
        sa.select(User, LoginSession.id, LoginSession.seen_at)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(marked, LoginSession.key == sa.bindparam("key", type_=sa.String()))
        .execution_options(system="login")
    )


def _end_session(_app: Flask, user: Any, **_extra: Any) -> None:
    """Forget the session, traced: a copied cookie must not outlive the log-out."""
    here, actor = g.get("login_session"), g.get("actor")
    if here is not None and actor is not None:
        sessions.end(db.session(), user, here.id, by=actor)
