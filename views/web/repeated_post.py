"""What a form that was saved before is answered with: the record it made, or a choice."""

from flask import Response, flash, jsonify, make_response, redirect, render_template, request
from flask_babel import gettext as _

from services.records.idempotency import Claim, Fate
from views.web.headers import is_local, wants_words


def again(earlier: Claim, fate: Fate, kept: int | None) -> Response:
    """Lead to what the first one made, with a word."""
    target = earlier.location or ""
    if fate is Fate.merged:
        flash(_("已保存过；那条记录后来已合并到这一条"), "success")
        target = f"/admin/{earlier.noun}/details/?id={kept}"
    elif fate is Fate.gone:
        flash(_("已保存过，但那条记录后来已被删除"), "error")
        target = f"/admin/{earlier.noun}/"
    else:
        flash(_("已保存过，没有重复保存"), "success")
    return make_response(redirect(target if is_local(target) else "/", code=303))


def different(earlier: Claim, typed: list[tuple[str, str]]) -> Response:
    """Show the way to what was saved, and keep what was typed now for a record of its own."""
    target = earlier.location or "/"
    if wants_words():
        told = _("这张表单已经保存过，这次的内容与当时不同")
        body = jsonify(error=told, code="ALREADY_SENT", location=target)
        return make_response(body, 409)
    files = any(file.filename for file in request.files.values())
    page = render_template("already_sent.html", target=target, typed=typed, files=files)
    return make_response(page, 409)
