"""Which draft a saved form leaves behind: it goes in the transaction that saves the form.

A form sends the key of its draft (static/drafts.js). Where its request is committed and leads on,
the draft goes, and the next page carries the key for the copy that a browser may still have; every
refusal, whatever its status, leaves the draft where it is.
"""

from flask import Flask, Response, flash, g, request, session

from models.core.base import db
from services.records import drafts
from services.records.drafts import DraftPlace
from services.rights.call import Call
from views.web import edge

FIELD = "draft"
MARK = "draft"  # the category of the flashed message: the shell prints it as a mark, not as a toast
LONGEST_FORM, LONGEST_TAB = 200, 40


def init_drafts(app: Flask) -> None:
    """Register before the edge: hooks after it run in reverse, so this is after COMMIT."""
    app.after_request(_confirm)


def place(form: str, tab: str) -> DraftPlace | None:
    """Return which draft is meant; None for what no page of ours sends."""
    whole = 0 < len(form) <= LONGEST_FORM and 0 < len(tab) <= LONGEST_TAB
    return DraftPlace(form, tab) if whole and f"{form}{tab}".isprintable() else None


def settle(response: Response) -> None:
    """Forget the draft of the form that this request saves."""
    found = _sent() if _saves(response) else None
    actor = edge.current_actor()
    if found is not None and actor is not None:
        drafts.drop(Call(db.session(), actor, edge.now()), found)
        g.draft_saved = True


def _confirm(response: Response) -> Response:
    if response.status_code in {302, 303} and _sent() is not None:
        flash(request.form[FIELD], MARK)
    return response


def _saves(response: Response) -> bool:
    """Tell whether the answer confirms a save: it leads on, or tells a script that it is done."""
    done = response.status_code == 200 and response.mimetype == "application/json"  # noqa: PLR2004
    return done or response.status_code in {302, 303}


def _sent() -> DraftPlace | None:
    """Return the draft that a form names as its own, None where something went wrong with it."""
    actor = edge.current_actor()
    if request.method != "POST" or actor is None or not request.form:
        return None
    start, key = f"draft:{actor.id}:", request.form.get(FIELD, "")
    wrong = any(category == "error" for category, _text in session.get("_flashes", ()))
    if not key.startswith(start) or wrong:
        return None
    form, _colon, tab = key.removeprefix(start).rpartition(":")
    return place(form, tab)
