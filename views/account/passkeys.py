"""Passkeys in the browser: made, named and taken away by their owner; a log-in by one."""

import time
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user
from flask_security import LoginForm, login_user
from flask_security.tf_plugin import TfPluginBase, tf_clean_session
from sqlalchemy.orm import object_session

from models.core.base import db
from models.people.login_key import Passkey
from models.people.user import User
from services.core.errors import Forbidden, Invalid
from services.people import passkeys
from services.people.passkeys import Site
from services.rights import traces
from views.account.recent import is_recent, prove_again
from views.web import edge
from views.web.errors import log_in_first
from views.web.headers import is_local, keep_out, wants_words

pages = Blueprint("passkey", __name__, url_prefix="/passkey")
keep_out(pages)
ASKED = "passkey"  # of the session: what a device was asked, and when
SECONDS = 300  # to answer
SETTING = "setup_from_login"  # a log-in that waits for its first second factor


class PasskeyFactor(TfPluginBase):  # type: ignore[misc] # no stubs
    """A passkey as the second factor of who has no app; who has both is asked for a code."""

    def create_blueprint(self, app: Any, bp: Any, state: Any) -> None:
        """Add nothing: our pages are a blueprint of their own."""

    def get_setup_methods(self, user: Any) -> list[tuple[str, str]]:
        """Return our method where it is the only one."""
        asked = object_session(user)
        mine = not user.tf_totp_secret and asked is not None and passkeys.has_one(asked, user)
        return [("passkey", str(Passkey.__caption__))] if mine else []

    def tf_login(self, _user: Any, _payload: dict[str, Any], next_loc: str | None) -> Any:
        """Lead from the right password to the page that asks for the key."""
        session["tf_state"] = "ready"
        return redirect(url_for("passkey.second", next=next_loc or None))


def _site() -> Site:
    return Site(request.host.partition(":")[0], request.host_url.rstrip("/"))


def _ask(made: tuple[str, dict[str, Any]]) -> Any:
    options, asked = made
    session[ASKED] = asked | {"at": time.time()}
    return current_app.response_class(options, mimetype="application/json")


def _asked() -> dict[str, Any]:
    """Return what the device was asked, once."""
    asked = session.pop(ASKED, None)
    if not isinstance(asked, dict) or not 0 <= time.time() - asked["at"] <= SECONDS:
        raise Invalid({"credential": _("等待太久了，请再试一次")})
    return dict(asked)


# -- the log-in ------------------------------------------------------------------------------------


@pages.post("/ask")
def ask() -> Any:
    """Say what a device has to prove."""
    return _ask(passkeys.asking(_site()))


@pages.get("/second")
def second() -> Any:
    """Ask for the key after the right password."""
    if "tf_user_id" not in session or current_user.is_authenticated:
        return log_in_first() if wants_words() else redirect(url_for("security.login"))
    return render_template("security/passkey.html")


@pages.post("/enter")
def enter() -> Any:
    """Let in who proves himself by a key that somebody has; the device checked who holds it."""
    if current_user.is_authenticated:
        return redirect(url_for("root"), code=303)
    try:
        asked, given = _asked(), request.form.get("credential", "")
        user, name = passkeys.holder(db.session(), given, asked, _site())
    except (Forbidden, Invalid) as problem:
        return _shown_again(str(problem))
    way = request.form.get("next", "")
    g.login_way = f"{Passkey.__caption__} · {name}"
    remember = bool(session.get("tf_remember_login")) and session.get("tf_user_id") == (
        user.fs_uniquifier
    )
    tf_clean_session()
    login_user(user, remember=remember, authn_via=["passkey"])
    leads = way if way and is_local(way) else current_app.config["SECURITY_POST_LOGIN_VIEW"]
    return redirect(leads, code=303)


def _shown_again(message: str) -> Any:
    db.session.rollback()
    where = request.remote_addr or ""
    way = str(Passkey.__caption__)
    traces.log_in_failed(db.engine, "", where, held=False, way=way, now=edge.now())
    waits = "tf_user_id" in session
    page = "security/passkey.html" if waits else "security/login_user.html"
    form = LoginForm(formdata=None)
    return render_template(page, login_user_form=form, problem=message), 422


# -- one's own keys --------------------------------------------------------------------------------


def _owner() -> User:
    """Return whose key is made: who is in, or who has to set a second factor up to get in."""
    mark = session.get("tf_user_id") if session.get("tf_state") == SETTING else None
    if current_user.is_authenticated or not mark:
        return _mine()
    waiting: User | None = current_app.extensions["security"].datastore.find_user(
        fs_uniquifier=mark
    )
    return waiting or abort(401)


@pages.post("/making")
def making() -> Any:
    """Say what a device has to make a key by."""
    user = _owner()
    if current_user.is_authenticated and not is_recent():
        return prove_again(url_for("profile.index"))
    return _ask(passkeys.making(db.session(), user, _site()))


@pages.post("/add")
def add() -> Any:
    """Keep the key that the device made; who waited for it is in."""
    user = _owner()
    waits = not current_user.is_authenticated
    leads = url_for("security.two_factor_setup" if waits else "profile.index")
    try:
        given, name = request.form.get("credential", ""), request.form.get("name", "")
        passkeys.add(db.session(), user, given, _asked(), _site(), name=name)
    except Invalid as problem:
        db.session.rollback()
        flash(str(problem), "error")
        return redirect(leads, code=303)
    if not waits:
        flash(_("已添加通行密钥"), "success")
        return redirect(leads, code=303)
    remember = bool(session.get("tf_remember_login"))
    tf_clean_session()
    g.login_way = f"{Passkey.__caption__} · {name}"
    login_user(user, remember=remember, authn_via=["password", "passkey"])
    return redirect(current_app.config["SECURITY_POST_LOGIN_VIEW"], code=303)


def _mine() -> User:
    if not current_user.is_authenticated:
        abort(401)
    found: User = db.session().get_one(User, current_user.id)
    return found


@pages.post("/rename")
def rename() -> Any:
    """Call one's key differently."""
    key = request.form.get("key", type=int)
    passkeys.rename(db.session(), _mine(), key, request.form.get("name", "").strip())
    flash(_("已保存"), "success")
    return redirect(url_for("profile.index"), code=303)


@pages.post("/delete")
def delete() -> Any:
    """Take one's key away."""
    user = _mine()
    if not is_recent():
        return prove_again(url_for("profile.index"))
    name = passkeys.remove(db.session(), user, request.form.get("key", type=int))
    if name:
        flash(_("已删除通行密钥「%(name)s」", name=name), "success")
    return redirect(url_for("profile.index"), code=303)
