"""What a request leaves in the audit log beside its changes: who logged in, who saw what plainly.

It is written after the request's own transaction and before the answer goes out: what cannot be
traced is not shown. docs/audit.md tells which views count.
"""

import secrets
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flask import Flask, Response, current_app, g, request, session
from flask_login import user_logged_in
from sqlalchemy.exc import SQLAlchemyError

from models.approval.request import ApprovalRequest
from models.core.base import db
from models.rights.audit import AuditAction
from services.people import sessions
from services.records.fields import inputs_of
from services.records.snapshot import REVIEWED
from services.rights import traces
from services.rights.masking import holds_personal, sees_by_grant
from views.web import edge
from views.web.edge import current_actor
from views.web.throttle import PROVING

WAY = "way"  # of the session: by what a log-in began that waits for its second factor
Job = Callable[..., None]


def init_traces(app: Flask) -> None:
    """Hear of log-ins, and write last. Register it before the edge: what is first runs last."""
    app.after_request(_write)
    user_logged_in.connect(_remember, app)


def saw(record: Any) -> None:
    """Tell that this answer shows personal data of a record, where only a grant lets it."""
    if holds_personal(record) and sees_by_grant(current_actor(), record):
        _add(record.__noun__, record.id, str(record))


def saw_request(chosen: ApprovalRequest) -> None:
    """Tell that this answer shows the personal data that were submitted to somebody else."""
    model, actor = REVIEWED.get(chosen.noun), current_actor()
    if model is None or actor is None or chosen.submitted_by_id == actor.id:
        return
    values = chosen.payload.get("values", {})
    if any(values.get(key) for key, one in inputs_of(model).items() if one.facts.sensitive):
        _add(chosen.__noun__, chosen.id, chosen.title)


def _add(noun: str, key: int, label: str) -> None:
    g.setdefault("seen", {})[noun, key] = label


def _remember(_app: Flask, user: Any, **_more: Any) -> None:
    """Give the session a secret of its own: what the table of sessions does not know is none."""
    secret = secrets.token_urlsafe(24)
    session["_user_id"] = f"{user.fs_uniquifier}.{secret}"
    begun = session.pop(WAY, "")
    g.login_way = g.get("login_way", begun)
    g.logged_in = {
        "user_id": user.id,
        "key": sessions.key_of(secret),
        "mark": user.fs_uniquifier,
        "address": request.remote_addr or "",
        "agent": request.user_agent.string[:200],
    }


def _write(response: Response) -> Response:
    now = edge.now()
    try:
        for job in _due(response):
            job(now=now)
        g.pop("logged_in", None)
    except SQLAlchemyError as problem:
        if "logged_in" in g:
            session.clear()
        return current_app.make_response(current_app.handle_user_exception(problem))
    return response


def _due(response: Response) -> Iterator[Job]:
    address, tried = request.remote_addr or "", g.get("tried")
    here = g.get("login_session")
    if here is not None and edge.now() - here.seen_at > sessions.OFTEN:
        yield partial(sessions.note_seen, db.engine, here.id)
    if "logged_in" in g:
        renewed = g.get("renewed")
        more = {"renewed": renewed, "way": g.login_way}
        yield partial(traces.logged_in, db.engine, g.logged_in, **more)
    elif tried is not None and (tried.first if tried.held else _wrong(response)):
        yield partial(traces.log_in_failed, db.engine, tried.account, address, held=tried.held)
    actor = current_actor()
    if actor is None:
        return
    for (noun, key), label in g.get("seen", {}).items():
        row = traces.trace(AuditAction.view, noun, label, actor_id=actor.id, record_id=key)
        noted = current_app.extensions.setdefault("noted_views", set())
        yield partial(traces.note_view, db.engine, row, noted)


def _wrong(response: Response) -> bool:
    """Tell whether the password that was tried was wrong: a right one leads on."""
    shown_again = request.endpoint in PROVING and not 300 <= response.status_code < 400  # noqa: PLR2004 # HTTP's redirects
    return shown_again or "wrong_password" in g
