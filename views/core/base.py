"""CrmView: Flask-Admin's model backend over the gated services.

Its hooks answer Flask-Admin's own views: forms become payloads, services act, the edge commits,
a refusal is shown beside the fields. `ClosedView` asks for the grants.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar

from flask import flash, g, get_flashed_messages, jsonify, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from jinja2.filters import do_striptags as striptags

import services.entity_rules  # noqa: F401 # registers the nouns' rules
from models.approval.flow import FlowAction
from models.core.mixins import Approval
from services import approval
from services.core import texts
from services.core.errors import Forbidden, Invalid, NotVisible, Refused
from services.ownership import pool
from services.records import records
from services.records.fields import inputs_of
from services.rights.actor import may
from services.rights.gate import may_write
from services.rights.masking import sees_sensitive
from views.core.details import DetailsView
from views.form import confirmations, forms
from views.form.choices import Choices, spelt
from views.form.entry import HANGS, DeleteForm, EntryForm, InlineForm, seen
from views.form.lookups import LookUp
from views.form.picker import BESIDE, picker, remember
from views.web import idempotency
from views.web.headers import is_local


class CrmView(DetailsView):
    """The screens of one entity; a subclass states only what the model cannot tell."""

    create_template = edit_template = "admin/model/form.html"
    refilled = frozenset({"create_view", "edit_view"})  # shown again with what was typed
    own_doors: ClassVar[dict[str, str]] = {"submit_view": "submit"}

    def __init__(self, model: type[Any], **options: Any) -> None:
        """Say which references of the form are looked up."""
        inputs = inputs_of(model).items()
        fits = records.fitting(model)
        self.form_ajax_refs = {
            key: LookUp(key, one, fits.get(key)) for key, one in inputs if one.kind == "ref"
        }
        super().__init__(model, **options)

    # -- Flask-Admin's forms: made, checked, saved ---------------------------------------------

    def scaffold_form(self) -> Any:
        """Return the form of this view's records."""
        return type("EntryForm", (EntryForm,), {"view": self})

    def scaffold_list_form(self, widget: Any = None, validators: Any = None) -> Any:
        """Return the form of one field of a row."""
        del widget, validators
        return type("InlineForm", (InlineForm,), {"view": self})

    def get_delete_form(self) -> Any:
        """Return a form that says which record goes."""
        return DeleteForm

    def edit_form(self, obj: Any = None) -> Any:
        """Return the form of a record. Raises Forbidden for who may not write it, or Locked."""
        if not may_write(self.actor, "edit", obj):
            raise Forbidden
        if request.method == "GET":  # what was typed already is answered beside it
            records.open_to_change(self.call(), obj)
        return super().edit_form(obj)

    def list_form(self, obj: Any = None) -> Any:
        """Return the form of a row, or of the one field that a script changes."""
        form = super().list_form(obj)
        if obj is None:
            g.inline = form
        return form

    def validate_form(self, form: Any) -> bool:
        """Tell whether a post can be saved; what is wrong with it stands on the form."""
        with self._refusing(form):
            return bool(super().validate_form(form))
        return False

    def create_model(self, form: Any) -> Any:
        """Save a new record through the service; None where it was refused."""
        saved = self._saved(form, None)
        if saved is not None:
            idempotency.made(self.noun, saved.id)
        return saved

    def update_model(self, form: Any, model: Any) -> bool:
        """Save a record through the service; an approved one may ask for a change instead."""
        form.start(model)
        return self._saved(form, model) is not None

    def delete_model(self, model: Any) -> bool:
        """Delete a record through the service. Raises Refused, which is a page of its own."""
        records.remove(self.call(), model, seen=seen())
        self.tell(_("已删除「%(name)s」", name=str(model)))
        return True

    def _saved(self, form: Any, record: Any) -> Any:
        values = form.data
        with self._refusing(form):
            self.begin_writing()
            asked = record or self.model()
            confirmations.ask(self.call(), asked, values, request.form)
            saved = self.store(record, values)
            self.on_model_change(form, saved, record is None)
            if form.submitting:
                approval.submit(self.call(), saved)
            done = _("已提交审批") if form.submitting else _("已保存")
            self.tell(_("已提交变更申请") if approval.changes_asked(self.session) else done)
            return saved
        return None

    def begin_writing(self) -> None:
        """Take what has to be there before anything is asked or written: the key of the form."""

    @contextlib.contextmanager
    def _refusing(self, form: Any) -> Iterator[None]:
        """Put a refusal on the form; nothing of what was begun stays."""
        try:
            yield
        except Refused as problem:
            self.session.rollback()
            form.refuse(problem)

    def on_form_prefill(self, form: Any, id: Any) -> None:  # noqa: A002 # Flask-Admin's name
        """Read the record anew for a form that was refused: it is as it was."""
        if form.errors:
            form.start(self.get_one(id))

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:  # noqa: FBT001, FBT002
        """Return where a saved form leads: to the next one, back, or to the record."""
        if is_created and "_another" in request.form:
            return str(url_for(".create_view"))
        back = self.back(request.form.get("next", ""))
        return back or str(url_for(".details_view", id=model.id))

    def back(self, address: str) -> str:
        """Return the address when it is one of this host, '' otherwise."""
        return address if is_local(address) else ""

    def store(self, record: Any, values: dict[str, Any]) -> Any:
        """Save through the service."""
        if record is None:
            return records.create(self.call(), self.model, values)
        return records.update(self.call(), record, values, seen=seen())

    # -- what a form shows ---------------------------------------------------------------------

    def form_keys(self, record: Any) -> set[str]:
        """Return the inputs this person gets: no masked field is offered for overwriting."""
        keys = set(inputs_of(self.model))
        if record is not None and not sees_sensitive(self.actor, record):
            keys -= {k for k, one in inputs_of(self.model).items() if one.facts.sensitive}
        return keys

    def faults(
        self, record: Any, values: dict[str, Any], wrong: dict[str, Any], *, submitting: bool
    ) -> dict[str, Any]:
        """Return what was unreadable (`wrong`) and what else stands against the values."""
        call, row = self.call(), self.model() if record is None else record
        found = records.faults(call, row, values, submitting=submitting)
        if submitting:
            found |= approval.unchosen(call, row, values)
        unknown = HANGS if "customer_id" in wrong else set()
        found = {key: text for key, text in found.items() if key not in unknown}
        return records.in_order(self.model, found | wrong)

    def render(self, template: str, **context: Any) -> Any:
        """Draw a form with its inputs; one that was refused answers with the refusal's status."""
        form = context.get("form")
        if not isinstance(form, EntryForm):
            return super().render(template, **context)
        page = super().render(template, **(context | self.form_context(form)))
        return (page, form.status) if form.errors else page

    def form_context(self, form: EntryForm) -> dict[str, Any]:
        """Return what a form's page shows."""
        record, errors = form.record, form.errors
        locked: frozenset[str] = frozenset()
        remark = None
        if record is not None:
            changing = False
            if self.reviewed:
                stand = approval.standing(self.session, record)
                changing = stand.open and record.approval is Approval.approved
                remark = stand.remark
            may_edit = records.editable(record, changing=changing)
            self.saw(record)
            locked = frozenset(k for k, ok in may_edit.items() if not ok)
        return {
            "form": form.drawn(locked),
            "record": record,
            "may_submit": self.reviewed
            and may(self.actor, f"{self.noun}:submit")
            and getattr(record, "approval", None) is not Approval.approved,
            "preview": self.preview(record),
            "remark": remark,
            "extras": self.form_extras(record, errors),
            "back": self.back(request.values.get("next", "")),
            "picker": self.picker(record, errors) if self.reviewed else None,
            "claim": self._to_claim(form),
        }

    def _to_claim(self, form: EntryForm) -> int | None:
        """Return the pool customer that has to be claimed before this form is saved."""
        if form.errors.get("customer_id") is not pool.CLAIM_FIRST:
            return None
        typed = form.typed()
        return texts.key(typed.get("customer_id__id") or typed.get("customer_id"))

    def picker(self, record: Any, errors: dict[str, Any]) -> Any:
        """Return whom the flow leaves to who submits: approvers, people who get a copy."""
        approved = getattr(record, "approval", None) is Approval.approved
        return picker(
            self.session,
            record,
            self.noun,
            action=FlowAction.change if approved else FlowAction.create,
            by=self.actor,
            errors=errors,
        )

    def preview(self, record: Any) -> str:
        """Return the number a submission would get now, where the entity has one."""
        del record
        return ""

    def begun(self) -> dict[str, str]:
        """Return the texts a blank form starts with because of where it was opened."""
        return {}

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Return what a subclass's form template needs beside the inputs."""
        del record, errors
        return {}

    # -- doors of our own, and the one of Flask-Admin's that answers differently ---------------

    @expose("/submit/", methods=("POST",))
    def submit_view(self) -> Any:
        """Submit one record from its details page; what it lacks is asked for on its form."""
        if not self.reviewed:
            raise NotVisible
        record = self.get_one(request.form.get("id"))
        key = record.id
        try:
            remember(self.session)
            approval.submit(self.call(), record)
        except Invalid as problem:
            self.session.rollback()
            record = self.get_one(key)
            if BESIDE & problem.errors.keys():
                return self.details(record, problem.status, wrong=problem.errors)
            if not may_write(self.actor, "edit", record):
                raise
            form = self._edit_form_class(None, obj=record)
            form.refuse(problem)
            return self.render(self.edit_template, form=form)
        flash(_("已提交审批"), "success")
        return redirect(url_for(".details_view", id=key))

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Any:
        """Delete one record and go back to where it was shown: Flask-Admin knows only `url`."""
        answer = super().delete_view()
        answer.location = self.back(request.form.get("next", "")) or answer.location
        return answer

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self) -> Any:
        """Change one field of the allow-list inline; the script learns the version it now has."""
        if request.form.get("field") not in self.column_editable_list:
            raise Forbidden
        super().ajax_update()
        told = [striptags(str(text)) for text in get_flashed_messages()]
        return jsonify(g.inline.answer(None) | {"told": told})

    @expose("/ajax/choices/")
    def ajax_choices(self) -> Any:
        """Answer what an inline field may become, and what it is in this record now."""
        key = request.args.get("field", "")
        if key not in self.column_editable_list:
            raise NotVisible
        record = self.get_one(request.args.get("id"))
        one = inputs_of(self.model)[key]
        now = forms.texts_of(self.model, record).get(key, "")
        choices = spelt(Choices(self.session).of(one, now))
        return jsonify(kind=one.kind, must=one.must, value=now, choices=choices)
