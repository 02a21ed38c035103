"""Forms as Flask-Admin's views take them: what was typed, what it means, what is wrong with it.

Nothing is ever populated. `data` is the payload of a service, read by the model's inputs
(views/form/forms.py), and what a service says against it stands in `errors`, with its status.
"""

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

from flask import request
from flask_babel import gettext as _
from markupsafe import escape
from wtforms import Form as PlainForm
from wtforms import HiddenField

from services import approval
from services.core import texts
from services.core.errors import Invalid, Refused
from services.records import records
from services.records.fields import inputs_of
from views.form import confirmations, forms
from views.form.picker import remember
from views.form.resubmit import asked_before, over
from views.web.reentry import refilling, retyped, version_seen

HANGS = {"contact_id", "opportunity_id", "contract_id"}  # not judged beside no readable customer


class DeleteForm(PlainForm):
    """Which record goes; whether there is one is for `get_one` to say."""

    id = HiddenField()


class EntryForm:
    """The form of one record, new or not, of the view that it is scaffolded for."""

    view: ClassVar[Any]

    def __init__(self, formdata: Any = None, obj: Any = None) -> None:
        """Take a post (None for a page that is opened) and the record it changes, if any."""
        self.post, self.record = formdata, obj
        self.data: dict[str, Any] = {}
        self.errors: dict[str, Any] = {}
        self.status = 200

    @property
    def submitting(self) -> bool:
        """Tell whether what is saved is to be submitted at once."""
        return bool(self.post) and "_submit" in self.post and self.view.reviewed

    def validate(self) -> bool:
        """Read the post into `data`. Raises Invalid with all that is wrong, in one round."""
        if refilling():
            return False
        view, record = self.view, self.record
        remember(view.session)
        values, wrong = forms.read(view.session, view.model, self.post, only=view.form_keys(record))
        if record is not None:
            records.changeable(record, seen=seen(), by=view.actor)
        if wrong or self.submitting:
            wrong = view.faults(record, values, wrong, submitting=self.submitting)
        if wrong:
            row = view.model() if record is None else record
            raise confirmations.beside(view.call(), row, values, wrong, self.post)
        self.data = values
        return True

    def refuse(self, problem: Refused) -> None:
        """Keep what was said against the post, by field."""
        told = problem.errors if isinstance(problem, Invalid) else None
        self.errors = told or {problem.field or "_": str(problem)}
        self.status = problem.status

    def typed(self) -> Mapping[str, str]:
        """Return the texts to show: what was posted, or where the form begins."""
        if self.post is not None and not refilling():
            return self.post  # type: ignore[no-any-return] # a MultiDict of texts
        return over(self._begun(), retyped())

    def _begun(self) -> dict[str, str]:
        view, record = self.view, self.record
        if record is None:
            shown = forms.defaults_of(view.session, view.model, view.actor, view.now())
            shown |= view.begun()
            return shown | {k: v for k, v in request.args.items() if k in inputs_of(view.model)}
        shown = forms.texts_of(view.model, record)
        if "again" not in request.args:
            return shown
        return over(shown, asked_before(view.session, record, texts.key(request.args["again"])))

    def start(self, record: Any) -> None:
        """Take the record that is about to be changed, as it is now."""
        self.record = record

    def drawn(self, locked: frozenset[str]) -> forms.Form:
        """Return the inputs with their texts, choices and errors."""
        view = self.view
        only = view.form_keys(self.record)
        found = forms.build(
            view.session, view.model, self.typed(), self.errors, only=only, locked=locked
        )
        found.seen = version_seen(self.record)
        return found


class InlineForm:
    """One field of one row, changed in the grid; a refusal is answered to the script at once."""

    view: ClassVar[Any]
    submitting = False

    def __init__(self, formdata: Any = None, obj: Any = None) -> None:
        """Take a post, or a row of the grid that might be changed."""
        self.post, self.record = formdata or {}, obj
        self.key = self.post.get("field", "")
        self.list_form_pk = SimpleNamespace(data=self.post.get("id"))
        self.data: dict[str, Any] = {}
        self.before = ""

    def __iter__(self) -> Iterator[Any]:
        """Yield no field that Flask-Admin would have to leave out: the post has only one."""
        return iter(())

    def validate(self) -> bool:
        """Read the one value. Raises Invalid."""
        text = {self.key: self.post.get("value", "")}
        view = self.view
        self.data = forms.payload(view.session, view.model, text, only={self.key})
        return True

    def refuse(self, problem: Refused) -> None:
        """Raise what was said: a script reads the status and the field of it."""
        raise problem

    def start(self, record: Any) -> None:
        """Remember the value that an undo brings back."""
        self.record, self.before = record, self._text(record)

    def answer(self, context: Any) -> dict[str, Any]:
        """Return what the script shows: the cell, the new version, the value before."""
        view, record = self.view, self.record
        asked = bool(approval.changes_asked(view.session))
        view.session.expire(record)
        return {
            "id": record.id,
            "row_version": record.row_version,
            "change_request": asked,
            "before": self.before,
            "value": self._text(record),
            "html": str(escape(view.get_list_value(context, record, self.key))),
        }

    def _text(self, record: Any) -> str:
        return forms.texts_of(self.view.model, record).get(self.key, "")


def seen() -> int:
    """Return the version of the record that the post was made from. Raises Invalid."""
    version = texts.key(request.form.get("row_version"))
    if version is None:
        raise Invalid({"_": _("缺少版本信息，请刷新页面后重试")})
    return version
