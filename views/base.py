"""CrmView: list, create, edit, details, export of an entity, derived from its model.

Forms become payloads, services act, the edge commits; ClosedView below asks for the grants.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from flask import flash, jsonify, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from markupsafe import escape

import models as m
import services.savers  # noqa: F401 # registers the nouns' rules
from models.field import fields_of
from services import approval, pool, records, texts
from services.actor import may
from services.errors import Forbidden, Invalid, NotVisible, Refused
from services.fields import inputs_of
from services.gate import may_write
from services.masking import sees_sensitive
from services.related import attach
from views.again import asked_before, over
from views.crm import actions, cells, export, forms, known, listing, lookups
from views.crm.grid import GridView
from views.crm.picker import picker, remember
from views.crm.tables import groups_of, references
from views.web import idempotency
from views.web.headers import is_local
from views.web.reentry import refilling, refills, retyped, version_seen

HANGS = {"contact_id", "opportunity_id", "contract_id"}  # not judged beside no readable customer
NOTHING: Mapping[str, Any] = MappingProxyType({})


class CrmView(GridView):
    """The screens of one entity; a subclass states only what the model cannot tell."""

    create_template = "admin/model/form.html"
    edit_template = "admin/model/form.html"
    details_template = "admin/model/details.html"
    related_tables: ClassVar[tuple[Any, ...]] = ()
    hidden_details: ClassVar[frozenset[str]] = frozenset({"incomplete"})  # told elsewhere
    own_doors: ClassVar[dict[str, str]] = {"submit_view": "submit"}

    # -- details -----------------------------------------------------------------------------

    @expose("/details/")
    def details_view(self) -> Any:
        """Show one record with what belongs to it."""
        return self.details(self.get_one(request.args.get("id")))

    def details(
        self, record: Any, problem: str = "", status: int = 200, wrong: Mapping[str, Any] = NOTHING
    ) -> Any:
        """Return the page of a record; `problem` is what was wrong with an upload.

        `wrong` (key → message) is what was wrong with a verb's own fields.
        """
        self.saw(record)
        rounds = approval.timeline(self.session, record) if self.reviewed else []
        tables, buttons = self.tables(record), self.buttons(record)
        files = self.files(record, problem)
        mine = ([record], references(listing.columns_of(self.model)))
        uploads = (files.rows if files else [], ["uploader"])
        attach(self.session, mine, uploads, *groups_of(tables))
        page = self.render(
            self.details_template,
            base="admin/fragment.html" if request.args.get("drawer") else "admin/shell.html",
            view=self,
            record=record,
            sections=self.detail_sections(record),
            rounds=rounds,
            tables=tables,
            buttons=buttons,
            open_request=next((r for r in rounds if r.state is m.Approval.pending), None),
            files=files,
            tagged=self.tag_card(record),
            picker=self.picker(record, wrong) if buttons["submit"] else None,
            wrong=wrong,
        )
        return page, status

    def files(self, record: Any, problem: str = "") -> Any:
        """Return the card of attachments, None where the entity has none."""
        del record, problem

    @property
    def reviewed(self) -> bool:
        """Tell whether the entity goes through approval."""
        return issubclass(self.model, m.Reviewed)

    def detail_sections(self, record: Any) -> list[tuple[str, list[tuple[Any, Any]]]]:
        """Return [(section, [(caption, value)])] of everything that is filled."""
        found: dict[str, list[tuple[Any, Any]]] = {}
        for key, column in listing.columns_of(self.model).items():
            empty = getattr(record, key) in (None, "")
            if not empty and key not in self.hidden_details:
                value = cells.cell(record, key, column.facts, column.kind)
                if column.facts.multiline:
                    value = getattr(record, key)
                found.setdefault(str(column.facts.section), []).append(
                    (column.facts.caption, value)
                )
        return list(found.items())

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return short tables of what hangs on the record: caption, head, rows, more, add."""
        del record
        return []

    def buttons(self, record: Any) -> dict[str, bool]:
        """Return which verbs are offered on the details page."""
        actor, state = self.actor, getattr(record, "approval", None)
        own = actor.id in {getattr(record, "created_by_id", 0), getattr(record, "owner_id", 0)}
        pending = state is m.Approval.pending
        fresh = state in {m.Approval.draft, m.Approval.rejected, m.Approval.withdrawn}
        return {
            "edit": self.editable and not pending and may_write(actor, "edit", record),
            "delete": self.deletable and not pending and may_write(actor, "delete", record),
            "submit": fresh and own and may(actor, f"{self.noun}:submit"),
        }

    # -- create and edit -----------------------------------------------------------------------

    @expose("/new/", methods=("GET", "POST"))
    @refills
    def create_view(self) -> Any:
        """Show the blank form, or save it."""
        if request.method == "POST" and not refilling():
            return self._save(None)
        shown = forms.defaults_of(self.session, self.model, self.actor, self.now())
        shown |= {k: v for k, v in request.args.items() if k in inputs_of(self.model)}
        return self._form(None, over(shown, retyped()), {})

    @expose("/edit/", methods=("GET", "POST"))
    @refills
    def edit_view(self) -> Any:
        """Show a record's form, or save it."""
        record = self.get_one(request.args.get("id"))
        if not may_write(self.actor, "edit", record):
            raise Forbidden
        if request.method == "POST" and not refilling():
            return self._save(record)
        shown = forms.texts_of(self.model, record)
        if "again" in request.args:
            again = texts.key(request.args["again"])
            shown = over(shown, asked_before(self.session, record, again))
        return self._form(record, over(shown, retyped()), {})

    def form_keys(self, record: Any) -> set[str]:
        """Return the inputs this person gets: no masked field is offered for overwriting."""
        keys = set(inputs_of(self.model))
        if record is not None and not sees_sensitive(self.actor, record):
            keys -= {k for k, one in inputs_of(self.model).items() if one.facts.sensitive}
        return keys

    def _form(self, record: Any, typed: Any, errors: dict[str, Any], status: int = 200) -> Any:
        locked: frozenset[str] = frozenset()
        remark = None
        if record is not None:
            changing = False
            if self.reviewed:
                stand = approval.standing(self.session, record)
                changing = stand.open and record.approval is m.Approval.approved
                remark = stand.remark
            may_edit = records.editable(record, changing=changing)
            self.saw(record)
            locked = frozenset(k for k, ok in may_edit.items() if not ok)
        form = forms.build(
            self.session, self.model, typed, errors, only=self.form_keys(record), locked=locked
        )
        form.seen = version_seen(record)
        page = self.render(
            self.edit_template,
            view=self,
            form=form,
            record=record,
            may_submit=self.reviewed
            and may(self.actor, f"{self.noun}:submit")
            and getattr(record, "approval", None) is not m.Approval.approved,
            preview=self.preview(record),
            remark=remark,
            extras=self.form_extras(record, errors),
            back=self.back(request.values.get("next", "")),
            picker=self.picker(record, errors) if self.reviewed else None,
            claim=self._to_claim(typed, errors),
        )
        return page, status

    def _to_claim(self, typed: Any, errors: Mapping[str, Any]) -> int | None:
        """Return the pool customer that has to be claimed before this form is saved."""
        if errors.get("customer_id") is not pool.CLAIM_FIRST:
            return None
        return texts.key(typed.get("customer_id__id") or typed.get("customer_id"))

    def picker(self, record: Any, errors: Mapping[str, Any]) -> Any:
        """Return the approvers to pick where the flow leaves them to the submitter."""
        approved = getattr(record, "approval", None) is m.Approval.approved
        return picker(
            self.session,
            record,
            self.noun,
            action=m.FlowAction.change if approved else m.FlowAction.create,
            by=self.actor,
            error=errors.get("chosen", ""),
        )

    def preview(self, record: Any) -> str:
        """Return the number a submission would get now, where the entity has one."""
        del record
        return ""

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Return what a subclass's form template needs beside the inputs."""
        del record, errors
        return {}

    def _save(self, record: Any) -> Any:
        post = request.form
        try:
            remember(self.session)
            values = self._sound(record, post)
            known.ask(self.session, record or self.model(), values, post, **self._now())
            saved = self.store(record, values)
            if "_submit" in post and self.reviewed:
                approval.submit(self.session, saved, by=self.actor, now=self.now())
        except Invalid as problem:
            self.session.rollback()
            return self._again(record, post, problem.errors, problem.status)
        except Refused as problem:
            self.session.rollback()
            return self._again(record, post, {problem.field or "_": str(problem)}, problem.status)
        if record is None:
            idempotency.made(self.noun, saved.id)
        done = _("已提交审批") if "_submit" in post else _("已保存")
        flash(_("已提交变更申请") if approval.changes_asked(self.session) else done, "success")
        if "_another" in post:
            return redirect(url_for(".create_view"), code=303)
        return redirect(self.destination(saved), code=303)

    def _sound(self, record: Any, post: Any) -> dict[str, Any]:
        """Return the values of a post. Raises Invalid with all that is wrong, in one round."""
        keys = self.form_keys(record)
        values, wrong = forms.read(self.session, self.model, post, only=keys)
        if record is not None:
            records.changeable(record, seen=self._seen(), by=self.actor)
        submitting = "_submit" in post and self.reviewed
        if wrong or submitting:
            wrong = self.faults(record, values, wrong, submitting=submitting)
        if wrong:
            raise Invalid(wrong)
        return values

    def faults(
        self, record: Any, values: dict[str, Any], wrong: dict[str, Any], *, submitting: bool
    ) -> dict[str, Any]:
        """Return what was unreadable (`wrong`) and what else stands against the values."""
        session, row = self.session, self.model() if record is None else record
        told = self._now()
        found = records.faults(session, row, values, submitting=submitting, **told)
        if submitting:
            found |= approval.unchosen(session, row, values, **told)
        unknown = HANGS if "customer_id" in wrong else set()
        found = {key: text for key, text in found.items() if key not in unknown}
        return records.in_order(self.model, found | wrong)

    def _now(self) -> dict[str, Any]:
        return {"by": self.actor, "now": self.now()}

    def destination(self, saved: Any) -> str:
        """Return where a saved form leads: back to the page it stood on, or to the record."""
        back = self.back(request.form.get("next", ""))
        return back or str(url_for(".details_view", id=saved.id))

    def back(self, address: str) -> str:
        """Return the address when it is one of this host, '' otherwise."""
        return address if is_local(address) else ""

    def _again(self, record: Any, post: Any, errors: dict[str, Any], status: int) -> Any:
        """Show the form again with what was typed; the record itself is as it was."""
        fresh = self.get_one(record.id) if record is not None else None
        return self._form(fresh, post, errors, status)

    def store(self, record: Any, values: dict[str, Any]) -> Any:
        """Save through the service."""
        if record is None:
            return records.create(self.session, self.model, values, **self._now())
        return records.update(self.session, record, values, seen=self._seen(), **self._now())

    def _seen(self) -> int:
        seen = texts.key(request.form.get("row_version"))
        if seen is None:
            raise Invalid({"_": _("缺少版本信息，请刷新页面后重试")})
        return seen

    # -- delete, actions, inline, look-up, export ----------------------------------------------

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Any:
        """Delete one record."""
        record = self.get_one(request.form.get("id"))
        records.remove(self.session, record, seen=self._seen(), by=self.actor, now=self.now())
        flash(_("已删除「%(name)s」", name=str(record)), "success")
        back = self.back(request.form.get("next", ""))
        return redirect(back or url_for(".index_view"), code=303)

    @expose("/submit/", methods=("POST",))
    def submit_view(self) -> Any:
        """Submit one record from its details page; what it lacks is asked for on its form."""
        if not self.reviewed:
            raise NotVisible
        record = self.get_one(request.form.get("id"))
        key = record.id
        try:
            remember(self.session)
            approval.submit(self.session, record, by=self.actor, now=self.now())
        except Invalid as problem:
            self.session.rollback()
            record = self.get_one(key)
            if "chosen" in problem.errors:
                return self.details(record, status=problem.status, wrong=problem.errors)
            if not may_write(self.actor, "edit", record):
                raise
            shown = forms.texts_of(self.model, record)
            return self._form(record, shown, problem.errors, problem.status)
        flash(_("已提交审批"), "success")
        return redirect(url_for(".details_view", id=key), code=303)

    @expose("/action/", methods=("POST",))
    def action_view(self) -> Any:
        """Do a bulk verb with the ticked rows."""
        return actions.perform(self)

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self) -> Any:
        """Change one field of the allow-list inline, with the version seen; the form asks more."""
        key = request.form.get("field", "")
        if key not in self.inline_fields:
            raise Forbidden
        record = self.get_one(request.form.get("id"))
        before = forms.texts_of(self.model, record).get(key, "")
        text = {key: request.form.get("value", "")}
        values = forms.payload(self.session, self.model, text, only={key})
        known.ask(self.session, record, values, request.form, **self._now())
        self.store(record, values)
        asked = bool(approval.changes_asked(self.session))
        self.session.expire(record)
        return jsonify(
            id=record.id,
            row_version=record.row_version,
            change_request=asked,
            before=before,
            value=forms.texts_of(self.model, record).get(key, ""),
            html=str(escape(self.cell(record, self.columns()[key]))),
        )

    @expose("/ajax/choices/")
    def ajax_choices(self) -> Any:
        """Answer what an inline field may become, and what it is in this record now."""
        key = request.args.get("field", "")
        if key not in self.inline_fields:
            raise NotVisible
        record = self.get_one(request.args.get("id"))
        one = inputs_of(self.model)[key]
        now = forms.texts_of(self.model, record).get(key, "")
        choices = forms.Choices(self.session).of(one, now)
        return jsonify(kind=one.kind, must=one.must, value=now, choices=choices)

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> Any:
        """Find records for a reference of the form: scoped, few, only for those who may save."""
        if not (self.may_door("create") or self.may_door("edit")):
            raise Forbidden
        one = inputs_of(self.model).get(request.args.get("name", ""))
        if one is None or one.kind != "ref":
            raise NotVisible
        return jsonify(lookups.look_up(self.session, one, request.args))

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Any:
        """Download all matching rows."""
        if export_type not in {"csv", "xlsx"}:
            raise NotVisible
        found = self.reading(request.args).sound()
        query = listing.matching(self.session, self.model, found, self.actor).order_by(
            *listing.ordered(self.order(found))
        )
        columns = export.chosen(listing.columns_of(self.model), self.stored_columns())
        return actions.download(self, export_type, query, columns)


def captions(model: type[Any], *keys: str) -> list[Any]:
    """Return the captions of fields, for short tables."""
    facts = fields_of(model)
    return [facts[key].caption for key in keys]
