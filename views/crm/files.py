"""Attachments on the page of a record: add, download, remove."""

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, flash, redirect, request, send_file, url_for
from flask_admin import expose
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from services import attachment
from services.actor import Actor
from services.engine import writing
from services.errors import Invalid, NotVisible
from services.filestore import Store
from services.filetypes import KINDS
from views.web.edge import start_writing
from views.web.headers import is_local
from views.web.keys import key_of

KILO = 1024
ACCEPT = ",".join(f".{name}" for name in KINDS)


def in_bytes(count: int) -> str:
    """Return a number of bytes as people read it."""
    if count < KILO:
        return f"{count} B"
    return f"{count / KILO:.0f} KB" if count < KILO**2 else f"{count / KILO**2:.1f} MB"


@dataclasses.dataclass(frozen=True, slots=True)
class Card:
    """What the card 附件 shows: rows, whether files may be added and removed, what went wrong."""

    rows: list[m.Attachment]
    open: bool
    most: int  # bytes
    problem: str = ""

    @property
    def accept(self) -> str:
        """Return the types for the browser's file dialogue."""
        return ACCEPT

    @staticmethod
    def size(count: int) -> str:
        """Return a number of bytes as people read it."""
        return in_bytes(count)


class FileDoors:
    """The doors of attachments: mixed into the screens whose records have them."""

    session: Any
    actor: Any
    noun: str
    get_one: Any
    now: Any
    details: Any

    def files(self, record: Any, problem: str = "") -> Card:
        """Return the card of a record."""
        rows, most = attachment.card(self.session, record)
        return Card(
            rows=rows,
            open=attachment.is_open(self.session, record, by=self.actor, now=self.now()),
            most=most,
            problem=problem,
        )

    @expose("/attach/", methods=("POST",))
    def attach_view(self) -> Any:
        """Add a file; a refused one is answered next to its field."""
        record = self.get_one(request.form.get("id"))
        given = request.files.get("file")
        upload = (given.filename or "", given.stream) if given else ("", request.stream)
        who = {"by": self.actor, "now": self.now()}
        try:
            file = attachment.check(self.session, record, upload, **who)
        except Invalid as problem:
            return self.details(record, str(problem), problem.status)
        key, digest = record.id, store().put(file.content)
        start_writing()
        attachment.add(self.session, self.get_one(str(key)), file, digest, **who)
        flash(_("已上传「%(name)s」", name=file.name), "success")
        return redirect(_back(key), code=303)

    @expose("/attachment/")
    def attachment_view(self) -> Any:
        """Download a file: never shown by the browser, whatever it holds."""
        found = attachment.one(self.session, self.noun, key_of(request.args.get("id")))
        return download(self.session, found, by=self.actor, now=self.now())

    @expose("/detach/", methods=("POST",))
    def detach_view(self) -> Any:
        """Remove a file."""
        found = attachment.one(self.session, self.noun, key_of(request.form.get("id")))
        attachment.remove(self.session, found, by=self.actor, now=self.now())
        flash(_("已移除「%(name)s」", name=found.name), "success")
        return redirect(_back(found.record_id), code=303)


def store() -> Store:
    """Return where the contents lie."""
    return Store(Path(current_app.config["TCOS_ATTACHMENT_DIR"]))


def _back(key: int) -> str:
    back = request.form.get("next", "")
    return back if is_local(back) else str(url_for(".details_view", id=key, _anchor="files"))


def served(path: Path, name: str, mime: str) -> Response:
    """Answer with a file to be saved: a browser neither shows nor guesses what is in it."""
    response = send_file(
        path, mime, as_attachment=True, download_name=name, conditional=False, etag=False
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def download(session: Session, found: Any, *, by: Actor, now: dt.datetime) -> Response:
    """Answer with the content of a file the actor may see; raises NotVisible where it is lost."""
    path = store().path(found.sha256)
    if not path.is_file():
        raise NotVisible(_("文件的内容已丢失，请联系管理员"), code="CONTENT_LOST")
    name, mime = found.name, found.mime
    row = {
        "at": now,
        "actor_id": by.id,
        "action": m.AuditAction.export,
        "noun": found.__noun__,
        "record_id": found.id,
        "label": found.name,
        "changes": {},
    }
    session.rollback()  # a GET's session never writes: the audit has a short transaction of its own
    with writing(on=True), m.db.engine.begin() as connection:
        connection.execute(sa.insert(m.AuditLog.__table__), row)
    return served(path, name, mime)
