"""The same rendered form sent twice makes one record: Back and save, a double click, a retry.

Every form that makes something carries a key (`once()` in its template; a script may send the
header). The edge claims it before the view runs and answers a second coming itself, so no view
knows of it. What is refused leaves no key behind: the transaction goes, and the key with it.
"""

import dataclasses
import hmac
import re
import secrets
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, abort, current_app, g, request, session
from markupsafe import Markup

from models.core.base import db
from services.records import idempotency
from services.records.idempotency import ReceivedForm
from views.web import edge
from views.web.repeated_post import again, different

FIELD, NEXT, HEADER = "idempotency_key", "idempotency_next", "Idempotency-Key"
SENT = "sent"  # in the session cookie: which keys were saved last, by the address they went to
MOST_SENT = 4
KEY = re.compile(r"[\w-]{16,64}", re.ASCII)
# No password is kept, in no shape.
NOT_CONTENT = frozenset({FIELD, NEXT, "csrf_token", "password", "draft", "typed_by"})


def init_idempotency(app: Flask) -> None:
    """Claim after the form's own checks; give the field to every template."""
    app.before_request(claim)
    app.jinja_env.globals["once"] = once


def once(path: str = "") -> Markup:
    """Return the hidden fields of a form that makes something.

    `path` is where it goes, "#" for one that begins anew whenever its page is asked for. Without
    scripts Back asks for the page anew. So a form begins with the key that was saved last and
    brings a new one along: the same content is answered with the record it made, other content
    takes the new key. A script, which knows what Back is, leaves one of the two (static/tcos.js).
    """
    fresh = secrets.token_urlsafe(24)
    last = session.get(SENT, {}).get((path or request.path)[:200], fresh)
    field = Markup('<input type="hidden" name="{}" value="{}">')
    return field.format(FIELD, last) + (field.format(NEXT, fresh) if last != fresh else "")


def claim() -> None:
    """Take the form's key for this request; answer at once where an earlier one had it.

    A request that only reads so far is asked again when its writing begins.
    """
    form = _form() if g.get("writes") else None
    if form is None:
        return
    rows = db.session()
    found = idempotency.claim(rows, form, now=edge.now())
    following = request.form.get(NEXT, "")
    if not (found.first or found.same) and KEY.fullmatch(following):
        form = dataclasses.replace(form, key=following)
        found = idempotency.claim(rows, form, now=edge.now())
    if found.first:
        g.claim, g.claimed = found, form
        return
    fate, kept = idempotency.fate(rows, found)
    rows.rollback()
    g.pop("claim", None)
    abort(again(found, fate, kept) if found.same else different(found, _typed()))


def made(noun: str, key: int) -> None:
    """Say which record this form made."""
    g.made = (noun, key)


def settle(response: Response) -> None:
    """Keep the key of a form that led somewhere; one that was only shown again keeps its own."""
    mine = g.get("claim")
    if mine is None:
        return
    target = response.headers.get("Location", "")
    if target:
        idempotency.settle(db.session(), mine, target, g.get("made"))
        others = [pair for pair in session.get(SENT, {}).items() if pair[0] != g.claimed.path]
        session[SENT] = dict([*others[1 - MOST_SENT :], (g.claimed.path, g.claimed.key)])
    else:
        idempotency.give_back(db.session(), mine)


def _form() -> ReceivedForm | None:
    actor, key = g.get("actor"), request.form.get(FIELD) or request.headers.get(HEADER, "")
    if actor is None or actor.id is None or KEY.fullmatch(key) is None:
        return None
    return ReceivedForm(actor.id, request.path[:200], key, _digest())


def _digest() -> str:
    """Return a keyed digest: what people typed cannot be guessed from the table."""
    whole = hmac.new(str(current_app.secret_key).encode(), digestmod="sha256")
    for part in _content():
        whole.update(repr(part).encode("utf-8", "surrogatepass"))
    return whole.hexdigest()


def _content() -> Iterator[Any]:
    """Yield what was sent; of a file its name and size tell enough."""
    yield from sorted(_typed())
    for name, file in request.files.items(multi=True):
        size = file.stream.seek(0, 2)
        file.stream.seek(0)
        yield name, file.filename, size


def _typed() -> list[tuple[str, str]]:
    return [p for p in request.form.items(multi=True) if p[0] not in NOT_CONTENT]
