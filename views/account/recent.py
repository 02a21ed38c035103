"""Who changes how he logs in has shown a moment ago who he is: a page left open is not enough."""

import time
from typing import Any

from flask import flash, redirect, request, session, url_for
from flask_babel import gettext as _

from views.web.headers import wants_words

SECONDS = 15 * 60


def is_recent() -> bool:
    """Tell whether somebody logged in, or gave his password again, a moment ago."""
    proved = session.get("fs_paa")
    return isinstance(proved, int | float) and 0 <= time.time() - proved <= SECONDS


def prove_again(way: str) -> Any:
    """Ask for the password once more; it leads to `way`."""
    address = url_for("security.verify", next=way)
    if wants_words():
        return {"error": _("请先再输入一次密码"), "location": address}, 401
    flash(_("请先再输入一次密码"), "error")
    return redirect(address, code=303 if request.method == "POST" else 302)
