"""The doors of drafts: a page keeps here what is typed in it, and asks for it when it opens again.

Every answer is about the person who asks. Scripts use these doors; static/draft_store.js does.
"""

import json
from typing import Any

from flask import Blueprint, jsonify, request
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from models.core.base import db
from services.core import texts
from services.core.errors import Invalid, NotVisible
from services.delivery import attachment
from services.records import drafts
from services.records.drafts import ChosenFile, DraftPlace
from services.rights.call import Call
from views.render.files import MOST_FILES, served, store
from views.web import edge
from views.web.drafts import place
from views.web.reentry import is_secret, log_in_first

MOST = 256 * 1024  # characters of one draft
MOST_FORMS = 50  # on one page

pages = Blueprint("draft", __name__, url_prefix="/admin/draft")
Pairs = list[list[str]]
PARTS = ("data", "kept")  # what was typed; files that a refused form had uploaded


@pages.before_request
def _only_people() -> Any:
    return None if edge.current_actor() is not None else log_in_first()


@pages.get("/token.json")
def token() -> Any:
    """Answer who is logged in and with which token his forms go out from now on."""
    return jsonify(person=_call().by.id, token=generate_csrf())


@pages.get("/")
def found() -> Any:
    """Answer the person's drafts of the forms of a page, the newest first."""
    rows = drafts.found(_call(), request.args.getlist("form")[:MOST_FORMS])
    return jsonify(drafts=[_told(row) for row in rows])


def _told(row: dict[str, Any]) -> dict[str, Any]:
    files = [{"id": one.id, "field": one.field, "name": one.name} for one in row["files"]]
    at = int(row["at"].timestamp() * 1000)
    return {"form": row["form"], "tab": row["tab"], "at": at, "files": files, **row["content"]}


@pages.post("/")
def save() -> Any:
    """Keep what is typed in a form. Raises Invalid for what no page of ours sends."""
    drafts.save(_call(), _place(), _content(request.form.get("content", "")))
    return jsonify(kept=True)


@pages.post("/discard/")
def discard() -> Any:
    """Forget a draft."""
    drafts.drop(_call(), _place())
    return jsonify(kept=False)


@pages.post("/files/")
def choose() -> Any:
    """Keep the files chosen in a field of a form; what could not be attached is not kept."""
    where, field = _place(), request.form.get("field", "")[:40]
    given = [one for one in request.files.getlist("files") if one.filename]
    if not field or len(given) > MOST_FILES:
        raise Invalid({"files": _("一次最多 %(n)s 个附件", n=MOST_FILES)})
    files = []
    for one in given:
        judged = attachment.judged(db.session(), (one.filename or "", one.stream))
        digest = store().put(judged.content)
        files.append(ChosenFile(judged.name, judged.size, judged.mime, digest))
    edge.start_writing()
    drafts.choose(_call(), where, field, files)
    return jsonify(kept=True)


@pages.get("/file/")
def file() -> Any:
    """Answer the content of a chosen file of the person's own."""
    one = drafts.file(_call(), texts.key(request.args.get("id")) or 0)
    content = store().read(one.sha256)
    if content is None:
        raise NotVisible
    return served(content, one.name, one.mime)


def _call() -> Call:
    actor = edge.current_actor()
    if actor is None:  # the guard before every door has answered
        raise NotVisible
    return Call(db.session(), actor, edge.now())


def _place() -> DraftPlace:
    found = place(request.form.get("form", ""), request.form.get("tab", ""))
    if found is None:
        raise Invalid({"form": _("草稿没有说明属于哪张表单")})
    return found


def _content(text: str) -> dict[str, Any]:
    """Return what was typed as pairs of names and texts, without passwords. Raises Invalid."""
    if len(text) > MOST:
        raise Invalid({"content": _("草稿太长，没有保存到服务器")})
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    data, kept = (_pairs(given.get(n)) if isinstance(given, dict) else None for n in PARTS)
    if data is None or kept is None:
        raise Invalid({"content": _("草稿的内容无法读取")})
    return {"data": [pair for pair in data if not is_secret(pair[0])], "kept": kept}


def _pairs(part: Any) -> Pairs | None:
    """Return pairs of texts, None for anything else."""
    whole = isinstance(part, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)  # noqa: PLR2004
        for pair in part
    )
    return part if whole else None
