"""Asking for an approved record to be voided or taken back: a page with its reason."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from models.approval.flow import FlowAction
from services import approval
from services.core.errors import Forbidden, Invalid, Stale
from views.form.entry import seen
from views.form.picker import picker, remember
from views.web.acting import Acting


class VoidDoors(Acting):
    """The door by which an approved record is given back, by a request of its own."""

    void_doors: ClassVar[dict[str, str]] = {"void_view": "submit"}

    def void_waiting(self, record: Any) -> list[str]:
        """Return what the page says of the record before somebody asks."""
        return approval.leaning(self.session, record)

    @expose("/void/", methods=("GET", "POST"))
    def void_view(self) -> Any:
        """Ask for a record to be voided; what is missing is told beside its field."""
        record = self.get_one(request.values.get("id"))
        if not approval.voidable(record, by=self.actor):
            raise Forbidden
        if request.method == "GET":
            if approval.change_of(self.session, record.__noun__, record.id) is not None:
                flash(_("已有变更申请在审批中，请等待审批或先撤回"), "error")
                return redirect(url_for(".details_view", id=record.id), code=303)
            return self._void_page(record, {})
        key = record.id
        if seen() != record.row_version:
            raise Stale
        reason = request.form.get("comment")
        try:
            remember(self.session)
            approval.ask_void(self.call(), record, reason=reason)
        except Invalid as problem:
            self.session.rollback()
            return self._void_page(self.get_one(key), problem.errors, problem.status)
        flash(_("已提交申请，审批通过后生效"), "success")
        return redirect(url_for(".details_view", id=key), code=303)

    def _void_page(self, record: Any, wrong: Mapping[str, Any], status: int = 200) -> Any:
        boxes = picker(
            self.session, record, self.noun, action=FlowAction.void, by=self.actor, errors=wrong
        )
        waiting = self.void_waiting(record)
        context = {"record": record, "wrong": wrong, "picker": boxes, "waiting": waiting}
        return self.render("admin/model/void.html", **context), status
