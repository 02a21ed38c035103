"""The edge of a request: one transaction with the right BEGIN, one actor, one commit."""

import datetime as dt
from typing import Any

from flask import Flask, Response, current_app, g, request
from flask_login import current_user
from structlog.contextvars import bind_contextvars

from models.core.base import db
from models.registry import having
from services.core.engine import PATIENCE, set_patience, set_writing
from services.rights.access import act
from services.rights.actor import Actor, load_actor
from views.web import drafts, i18n, idempotency

WEB_PATIENCE = (
    8_000  # ms for another writer: the answer is there within ten seconds, 503 if need be
)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# A log-in only reads; verifying the password under the write lock would queue everybody.
# A check for duplicates is a POST because what was typed belongs in no log of addresses.
# An import is read and checked before its short write begins.
IMPORTS = frozenset(
    {f"import.{verb}" for verb in ("upload", "table", "map", "check", "run", "undo")}
)
# So is an attachment; what is somewhat too large is read, to be answered next to its field.
FILED = tuple(model.__noun__ for model in having("attachable"))
ATTACHING = frozenset(f"{noun}.attach_view" for noun in FILED) | {"draft.choose"}
DECIDING = frozenset({"inbox.decide", "request.comment"})  # files may come with them
# And so is an entry with files (or a photo): its body travels before the write lock is taken.
ENTERING = frozenset(
    f"{noun}.{view}" for noun in FILED for view in ("create_view", "edit_view")
) | {"plan.checkin_view"}
ATTACHING_MOST = 64 * 1024 * 1024
READING = frozenset({"security.login", "customer.duplicates_view"}) | IMPORTS | ATTACHING | DECIDING
PUBLIC = frozenset({"static", "admin.static", "health.healthz", "health.readyz", "metrics.metrics"})


def init_edge(app: Flask) -> None:
    """Open the edge before everything else that touches the database."""
    app.before_request(open_edge)
    app.after_request(close_edge)
    app.teardown_request(_forget)


def open_edge() -> None:
    """Choose the BEGIN mode by method, load the actor and hand him to the session."""
    entering = request.endpoint in ENTERING and request.mimetype == "multipart/form-data"
    g.writes = request.method not in SAFE and request.endpoint not in READING and not entering
    set_writing(on=g.writes)
    set_patience(WEB_PATIENCE)
    if request.endpoint in ATTACHING | DECIDING or entering:
        request.max_content_length = ATTACHING_MOST
    g.actor = None
    session = db.session()
    session.info["clock"] = current_app.config["TCOS_CLOCK"]
    act(session, None)
    if request.endpoint in PUBLIC or (request.endpoint or "").endswith(".static"):
        return
    if current_user.is_authenticated:
        i18n.know(current_user.language.name)
        g.email = current_user.email  # an error page names it without the database
        g.actor = load_actor(session, current_user.id)
        act(session, g.actor)
        bind_contextvars(user=current_user.id)  # of every line this request writes


def now() -> dt.datetime:
    """Return what time it is, in UTC: below the edge the clock is an argument."""
    found: dt.datetime = current_app.config["TCOS_CLOCK"]()
    return found


def start_writing() -> None:
    """Let a request that only read so far write: its reading transaction ends, the edge commits."""
    db.session().rollback()
    set_writing(on=True)
    g.writes = True
    idempotency.claim()


def current_actor() -> Actor | None:
    """Return who acts in this request, None for a visitor."""
    found: Actor | None = g.get("actor")
    return found


def close_edge(response: Response) -> Response:
    """Commit once when a writing request succeeded; a refused one leaves nothing behind."""
    session = db.session()
    if not g.get("writes") or response.status_code >= 400:  # noqa: PLR2004 # HTTP's own border
        session.rollback()
        return response
    try:
        idempotency.settle(response)
        drafts.settle(response)
        session.commit()
    except Exception as problem:  # noqa: BLE001 # whatever it is becomes an answer with a status
        return current_app.make_response(_answer(problem))
    return response


def _answer(problem: Exception) -> Any:
    return current_app.handle_user_exception(problem)


def _forget(_problem: BaseException | None) -> None:
    set_writing(on=True)
    set_patience(PATIENCE)
