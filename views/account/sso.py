"""Single sign-on: a provider says who somebody is; who may come in is decided here.

Authlib keeps state, nonce and the verifier of PKCE in the session and checks what comes back.
"""

import secrets
import time
from typing import Any

import requests
import sqlalchemy as sa
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import (
    Blueprint,
    Flask,
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
from flask_security import login_user
from flask_wtf.csrf import validate_csrf
from joserfc.errors import JoseError
from wtforms import ValidationError

from models.core.base import db
from models.people.user import User
from services.core.errors import Refused
from services.people import identities
from services.rights import traces
from views.account import steps
from views.account.recent import is_recent, prove_again
from views.setup.providers import Provider
from views.web import edge
from views.web.headers import is_local, keep_out, leave_for

pages = Blueprint("sso", __name__, url_prefix="/sso")
keep_out(pages)
STATE = "sso"  # of the session: where a person left for, and why
MINUTES = 15  # that he may take there
MOST = 3  # ways begun at once in one browser
FAULTS = (
    AuthlibBaseError,
    JoseError,
    requests.RequestException,
    ValueError,
    KeyError,
    RuntimeError,
)
SECOND = frozenset({"mfa", "otp", "hwk", "fpt", "face", "pop"})  # of RFC 8176, with a device


def init_sso(app: Flask) -> None:
    """Know the providers; without one the pages answer 404."""
    oauth = OAuth(app)
    for one in app.config["TCOS_PROVIDERS"].values():
        if one.issuer:
            oauth.register(
                one.key,
                client_id=one.client_id,
                client_secret=one.secret,
                server_metadata_url=f"{one.issuer.rstrip('/')}/.well-known/openid-configuration",
                client_kwargs={
                    "scope": one.scope,
                    "code_challenge_method": "S256",
                    "default_timeout": steps.PATIENCE,
                },
            )
    app.extensions["tcos_sso"] = oauth
    app.register_blueprint(pages)
    app.jinja_env.globals["providers"] = app.config["TCOS_PROVIDERS"].values


def _provider(key: str) -> Provider:
    found: Provider | None = current_app.config["TCOS_PROVIDERS"].get(key)
    if found is None:
        abort(404)
    return found


@pages.get("/<key>/")
def leave(key: str) -> Any:
    """Send somebody to his provider: to log in, or (`link`) to bind his account there to his."""
    provider = _provider(key)
    links = "link" in request.args
    if links:
        _ask_link()
        if not is_recent():
            return prove_again(url_for("profile.index"))
    elif current_user.is_authenticated:
        return redirect(url_for("root"))
    back = url_for(".back", key=key, _external=True)
    way = request.args.get("next", "")
    kept = {"next": way if is_local(way) else "", "user": current_user.get_id() if links else ""}
    try:
        address, state = _address(provider, back)
    except FAULTS as problem:
        return _failed(provider, type(problem).__name__)
    ways = [one for one in session.get(STATE, ()) if time.time() - one["at"] < MINUTES * 60]
    session[STATE] = [*ways[1 - MOST :], kept | {"key": key, "state": state, "at": time.time()}]
    return leave_for(address)


def _ask_link() -> None:
    if not current_user.is_authenticated:
        abort(403)
    try:
        validate_csrf(request.args["link"])
    except ValidationError:
        abort(400)


def _address(provider: Provider, back: str) -> tuple[str, str]:
    if provider.issuer:
        client = current_app.extensions["tcos_sso"].create_client(provider.key)
        asked = client.create_authorization_url(back)
        _keeps_promise(client, provider)
        client.save_authorize_data(redirect_uri=back, **asked)
        return str(asked["url"]), str(asked["state"])
    state = secrets.token_urlsafe(24)
    return steps.address_of(provider, _known(provider, back) | {"state": state}), state


def _keeps_promise(client: Any, provider: Provider) -> None:
    """Raise ValueError where what is found at the issuer's address is another issuer's."""
    if client.load_server_metadata().get("issuer") != provider.issuer:
        raise ValueError


def _known(provider: Provider, back: str) -> dict[str, str]:
    return {"client_id": provider.client_id, "secret": provider.secret, "redirect_uri": back}


@pages.get("/<key>/back")
def back(key: str) -> Any:
    """Take what the provider says, once, in the browser that was sent there."""
    provider = _provider(key)
    state, ways = request.args.get("state", ""), session.get(STATE, [])
    mine = [one for one in ways if one["key"] == key and one["state"] == state]
    session[STATE] = [one for one in ways if one not in mine]
    if not mine or time.time() - mine[0]["at"] > MINUTES * 60:
        return _failed(provider, "state", 400)
    try:
        claims = _claims(provider)
    except (*FAULTS, steps.ProviderFailed) as problem:
        return _failed(provider, f"{type(problem).__name__} {problem}"[:80])
    if mine[0]["user"]:
        return _bind(provider, claims, mine[0]["user"])
    return _enter(provider, claims, mine[0]["next"])


def _claims(provider: Provider) -> dict[str, Any]:
    """Return what is certain about who comes: `sub`, `email` where it may be believed, `amr`."""
    if not provider.issuer:
        code = request.args.get("code") or request.args.get("authCode") or ""
        if not code:
            raise steps.ProviderFailed(request.args.get("error", "code")[:40])
        here = url_for(".back", key=provider.key, _external=True)
        told = steps.claims_of(provider, _known(provider, here) | {"code": code})
        return {"sub": told["subject"], "email": _believed(provider, told.get("email"), None)}
    client = current_app.extensions["tcos_sso"].create_client(provider.key)
    token = client.authorize_access_token()
    told = token["userinfo"]  # of the ID token, whose signature, nonce, times and names are checked
    email = _believed(provider, told.get("email"), told.get("email_verified"))
    return {"sub": str(told["sub"]), "email": email, "amr": told.get("amr") or []}


def _believed(provider: Provider, email: Any, verified: Any) -> str:
    sure = provider.emails == "trusted" or (provider.emails == "verified" and verified is True)
    return str(email or "") if sure else ""


def _enter(provider: Provider, claims: dict[str, Any], way: str) -> Any:
    """Let in who is known and active; nobody is made by a provider."""
    if current_user.is_authenticated:
        return redirect(url_for("root"))
    found = identities.owner_of(db.session(), provider.key, claims["sub"])
    user = found or identities.by_email(db.session(), claims["email"])
    if user is None or not user.active:
        return _unknown(provider, user)
    if found is None:
        user = _written(user.id)
        try:
            identities.link(db.session(), user, provider.key, claims["sub"])
        except Refused:  # another account of the provider has this person's address
            db.session.rollback()
            return _unknown(provider, user)
    return _second(provider, claims, user, way or url_for("admin.index"))


def _written(key: int) -> User:
    """Return a person as he stands, in a transaction that may write."""
    edge.start_writing()
    query = sa.select(User).where(User.id == key, User.active)
    found: User = db.session().execute(query, execution_options=identities.LOGIN).scalar_one()
    return found


def _second(provider: Provider, claims: dict[str, Any], user: Any, way: str) -> Any:
    g.login_way = provider.caption
    vouched = provider.second_factor == "provider" and SECOND & set(claims.get("amr", ()))
    if not vouched:
        plugins = current_app.extensions["security"].two_factor_plugins
        asked = plugins.tf_enter(user, remember_me=False, primary_authn_via="sso", next_loc=way)
        if asked is not None:
            session["way"] = provider.caption
            return asked
    login_user(user, remember=False, authn_via=["sso"])
    return redirect(way)


def _bind(provider: Provider, claims: dict[str, Any], by: str) -> Any:
    """Bind an account elsewhere to the one of who is still logged in here."""
    if not current_user.is_authenticated or current_user.get_id() != by:
        return _failed(provider, "session", 400)
    user = _written(current_user.id)
    identities.link(db.session(), user, provider.key, claims["sub"])
    flash(_("已绑定 %(name)s", name=provider.caption), "success")
    return redirect(url_for("profile.index"))


@pages.post("/<key>/unbind")
def unbind(key: str) -> Any:
    """Forget one's account elsewhere."""
    if not current_user.is_authenticated:
        abort(401)
    if not is_recent():
        return prove_again(url_for("profile.index"))
    user = db.session().get_one(User, current_user.id)
    if identities.unlink(db.session(), user, _provider(key).key):
        flash(_("已解除绑定"), "success")
    return redirect(url_for("profile.index"), code=303)


def _unknown(provider: Provider, user: Any) -> Any:
    """Say that nobody here is meant; what the provider said is not shown and not kept."""
    account = user.email if user is not None else ""
    where = request.remote_addr or ""
    db.session.rollback()
    traces.log_in_failed(
        db.engine, account, where, held=False, way=provider.caption, now=edge.now()
    )
    return render_template("security/sso.html", provider=provider, known=False), 403


def _failed(provider: Provider, reason: str, status: int = 502) -> Any:
    current_app.logger.warning("single sign-on by %s failed: %s", provider.key, reason)
    return render_template("security/sso.html", provider=provider, known=True), status
