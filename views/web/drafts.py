"""Which draft a saved form leaves behind: the browser drops it only when a page says so.

A form sends the key of its draft (static/drafts.js). Where its request was committed and leads on,
the next page carries that key; every refusal, whatever its status, leaves the draft where it is.
"""

from flask import Flask, Response, flash, request, session

from views.web.edge import current_actor

FIELD = "draft"
MARK = "draft"  # the category of the flashed message: the shell prints it as a mark, not as a toast
LONGEST = 200


def init_drafts(app: Flask) -> None:
    """Register before the edge: hooks after it run in reverse, so this is after COMMIT."""
    app.after_request(_confirm)


def _confirm(response: Response) -> Response:
    actor = current_actor()
    leads_on = response.status_code in {302, 303}
    if request.method != "POST" or not leads_on or actor is None or not request.form:
        return response
    key = request.form.get(FIELD, "")
    wrong = any(category == "error" for category, _text in session.get("_flashes", ()))
    if key.startswith(f"draft:{actor.id}:") and len(key) <= LONGEST and not wrong:
        flash(key, MARK)
    return response
