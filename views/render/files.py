"""Attachments of a record: on its page (add, download, remove) and in the form that enters it."""

import dataclasses
import io
import time
from typing import Any

from flask import Response, current_app, flash, g, redirect, request, send_file, url_for
from flask_admin import expose
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session

from models.core.base import db
from models.delivery.attachment import Attachment
from models.rights.audit import AuditAction
from services.core import texts
from services.core.errors import Invalid, NotVisible
from services.delivery import attachment
from services.delivery.filestore import FileStore, open_store
from services.delivery.filetypes import KINDS
from services.rights import traces
from services.rights.call import Call
from views.web.acting import Acting
from views.web.edge import start_writing
from views.web.headers import is_local

KILO = 1024
HINTED = 60  # seconds
TOO_LARGE = 413
MOST_FILES = 10  # with one entry
ACCEPT = ",".join(f".{name}" for name in KINDS)


def in_bytes(count: int) -> str:
    """Return a number of bytes as people read it."""
    if count < KILO:
        return f"{count} B"
    return f"{count / KILO:.0f} KB" if count < KILO**2 else f"{count / KILO**2:.1f} MB"


@dataclasses.dataclass(frozen=True, slots=True)
class Card:
    """What the card 附件 shows: rows, whether files may be added and removed, what went wrong."""

    rows: list[Attachment]
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


@dataclasses.dataclass(slots=True)
class Entered:
    """The files of an entry form: (file, digest) of what the store has, and what was refused."""

    files: list[tuple[attachment.Upload, str]] = dataclasses.field(default_factory=list)
    problem: str = ""
    status: int = 422


class EntryFiles(Acting):
    """Files chosen in the form of a new or changed record: they are attached when it is saved.

    A form that is refused for its texts offers what was uploaded again: nothing travels twice.
    """

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Add the field of files."""
        known = self._entered() if request.method == "POST" else Entered()
        found: dict[str, Any] = super().form_extras(record, errors)  # type: ignore[misc] # a mixin
        return found | {
            "files": {
                "accept": ACCEPT,
                "most": _hint(self.session),
                "kept": [(f.name, in_bytes(f.size), self._token(f, d)) for f, d in known.files],
                "problem": known.problem,
            }
        }

    def faults(self, *args: Any, **told: Any) -> dict[str, Any]:
        """Tell of a refused file beside what else is wrong."""
        found: dict[str, Any] = super().faults(*args, **told)  # type: ignore[misc] # a mixin
        problem = self._entered().problem if found else ""
        return found | ({"files": problem} if problem else {})

    def begin_writing(self) -> None:
        """Begin unless a file chosen with the record was refused; its body is read by now."""
        entered = self._entered()
        if entered.problem:
            problem = attachment.TooLarge if entered.status == TOO_LARGE else Invalid
            raise problem({"files": entered.problem})
        if not g.writes:
            start_writing()

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:  # noqa: FBT001
        """Attach what was chosen with the record."""
        super().on_model_change(form, model, is_created)  # type: ignore[misc] # a mixin
        for file, digest in self._entered().files:
            attachment.add(self.call(), model, file, digest)

    def _entered(self) -> Entered:
        """Return the files of this post, put into the store once."""
        if "entered" not in g:
            g.entered = Entered()
            try:
                self._take(g.entered.files)
            except Invalid as problem:
                g.entered.problem, g.entered.status = str(problem), problem.status
        found: Entered = g.entered
        return found

    def _take(self, files: list[tuple[attachment.Upload, str]]) -> None:
        tokens = request.form.getlist("kept")
        given = [file for file in request.files.getlist("files") if file.filename]
        if len(tokens) + len(given) > MOST_FILES:
            raise Invalid({"files": _("一次最多 %(n)s 个附件", n=MOST_FILES)})
        files += [self._again_of(token) for token in tokens]
        for file in given:
            name = file.filename or ""
            try:
                judged = attachment.judged(self.session, (name, file.stream))
            except Invalid as problem:
                text = _("「%(name)s」：%(why)s", name=name[-60:], why=str(problem))
                raise type(problem)({"files": text}) from problem
            files.append((judged, store().put(judged.content)))

    def _token(self, file: attachment.Upload, digest: str) -> str:
        return _signer().dumps([self.actor.id, file.name, file.mime, file.size, digest])

    def _again_of(self, token: str) -> tuple[attachment.Upload, str]:
        """Return a file that came with a refused form. Raises Invalid when it is not ours."""
        try:
            owner, name, mime, size, digest = _signer().loads(token)
        except BadSignature:
            owner, name, mime, size, digest = 0, "", "", 0, ""
        if owner != self.actor.id or not store().has(digest):
            raise Invalid({"files": _("附件已失效，请重新选择")})
        return attachment.Upload(name, mime, b"", size), digest


def _hint(session: Session) -> int:
    """Return the limit as it was within the last minute: a form hints at it, the service judges."""
    known = current_app.extensions.setdefault("attachment_hint", {"until": 0.0, "most": 0})
    if time.monotonic() > known["until"]:
        known |= {"until": time.monotonic() + HINTED, "most": attachment.largest(session)}
    return int(known["most"])


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="entry-file")


class FileDoors(EntryFiles):
    """The doors of attachments: mixed into the screens whose records have them."""

    def files(self, record: Any, problem: str = "") -> Card:
        """Return the card of a record."""
        rows, most = attachment.card(self.session, record)
        return Card(
            rows=rows, open=attachment.is_open(self.call(), record), most=most, problem=problem
        )

    @expose("/attach/", methods=("POST",))
    def attach_view(self) -> Any:
        """Add a file; a refused one is answered next to its field."""
        record = self.get_one(request.form.get("id"))
        given = request.files.get("file")
        upload = (given.filename or "", given.stream) if given else ("", request.stream)
        try:
            file = attachment.check(self.call(), record, upload)
        except Invalid as problem:
            return self.details(record, problem.status, problem=str(problem))
        key, digest = record.id, store().put(file.content)
        start_writing()
        attachment.add(self.call(), self.get_one(str(key)), file, digest)
        flash(_("已上传「%(name)s」", name=file.name), "success")
        return redirect(_back(key), code=303)

    @expose("/attachment/")
    def attachment_view(self) -> Any:
        """Download a file: never shown by the browser, whatever it holds."""
        found = attachment.one(self.session, self.noun, texts.key(request.args.get("id")))
        return download(self.call(), found)

    @expose("/detach/", methods=("POST",))
    def detach_view(self) -> Any:
        """Remove a file."""
        found = attachment.one(self.session, self.noun, texts.key(request.form.get("id")))
        attachment.remove(self.call(), found)
        flash(_("已移除「%(name)s」", name=found.name), "success")
        return redirect(_back(found.record_id), code=303)


def store() -> FileStore:
    """Return where the contents lie."""
    return open_store(current_app.config)


def _back(key: int) -> str:
    back = request.form.get("next", "")
    return back if is_local(back) else str(url_for(".details_view", id=key, _anchor="files"))


def served(content: bytes, name: str, mime: str) -> Response:
    """Answer with a file to be saved: a browser neither shows nor guesses what is in it."""
    response = send_file(
        io.BytesIO(content),
        mime,
        as_attachment=True,
        download_name=name,
        conditional=False,
        etag=False,
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def download(call: Call, found: Any) -> Response:
    """Answer with the content of a file the actor may see; raises NotVisible where it is lost."""
    content = store().read(found.sha256)
    if content is None:
        raise NotVisible(_("文件的内容已丢失，请联系管理员"), code="CONTENT_LOST")
    name, mime = found.name, found.mime
    told = {"actor_id": call.by.id, "record_id": found.id}
    row = traces.trace(AuditAction.export, found.__noun__, found.name, **told)
    call.session.rollback()  # a GET never writes: the audit has a short transaction of its own
    traces.note(db.engine, row, now=call.now)
    return served(content, name, mime)
