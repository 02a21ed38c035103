"""Forms that a script sends: the page stays until the server says where to go.

A script cannot see where a redirect leads before it has followed it, and following it would use up
the words for the next page. So it is told in the body, once everything is committed.
"""

from flask import Flask, Response, g, json, request

from views.web.headers import IN_PLACE


def init_in_place(app: Flask) -> None:
    """Register before all others: hooks after a request run in reverse."""
    app.after_request(_lead)


def _lead(response: Response) -> Response:
    target = response.headers.get("Location")
    if target is None or IN_PLACE not in request.headers:
        return response
    del response.headers["Location"]
    response.status_code = 200
    response.mimetype = "application/json"
    response.headers["Cache-Control"] = "no-store"
    saved = bool(g.get("draft_saved"))  # the form did what it was sent for
    response.set_data(json.dumps({"location": target, "saved": saved}))
    return response
