"""One request on its own page: the frozen content and everything that happened to it."""

from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.customers.customer import Customer
from services import approval
from services.approval.inbox import my_requests
from services.approval.inbox.compare import compare
from services.approval.oversight import oversight
from services.approval.request import files
from services.core import texts
from services.core.errors import Invalid, NotVisible
from services.core.settings import get_setting
from services.rights.actor import demand
from views.approval.annotations import beside_of
from views.approval.panel import doubles_of, panel_of, people_to_ask
from views.approval.printed import PrintedForm
from views.core.pages import Page
from views.render.files import ACCEPT, download
from views.web.keys import needed


class RequestView(PrintedForm, Page):
    """One request: the frozen content and everything that happened to it."""

    permission = "request:read"
    icon = "file"

    @expose("/")
    def index(self) -> Any:
        """Show the snapshot; sight of the request is sight of this only."""
        return self._page(texts.key(request.args.get("id")), {})

    def _one(self, key: int | None) -> ApprovalRequest:
        found: ApprovalRequest | None = self.session.scalar(
            sa.select(ApprovalRequest)
            .where(ApprovalRequest.id == key)
            .options(selectinload(ApprovalRequest.submitted_by))
        )
        if found is None:
            raise NotVisible
        return found

    def _page(self, key: int | None, errors: dict[str, Any]) -> Any:
        found = self._one(key)
        panel = panel_of(self.session, found, self.actor)
        panel["doubles"] = doubles_of(self.session, found, self.actor)
        task = self.session.scalar(
            sa.select(ApprovalTask).where(
                ApprovalTask.request_id == found.id,
                ApprovalTask.assignee_id == self.actor.id,
                ApprovalTask.state == TaskState.open,
            )
        )
        mine = found.submitted_by_id == self.actor.id
        pending = mine and found.state is Approval.pending
        moves = my_requests.moves(self.session, [found.id] if pending else [], now=self.now())
        urged, withdrawable = moves.get(found.id, (None, False))
        helps = oversight.allowed(self.actor, found)
        return self.render(
            "approval/request.html",
            holders=oversight.holders(self.session, found) if helps else [],
            helps=helps,
            mine=pending,
            urged=urged,
            withdrawable=withdrawable,
            resubmit=mine and _comes_again(found, panel),
            chosen=found,
            panel=panel,
            task=task,
            people=people_to_ask(self.session, found, self.actor) if task or helps else [],
            words=get_setting(self.session, "approval.words").split("/"),
            intact=approval.digest(found.payload) == found.payload_hash,
            errors=errors,
            accept=ACCEPT,
        )

    @expose("/compare/")
    def compare(self) -> Any:
        """Show a submitted customer beside one the reader may see."""
        demand(self.actor, "customer:read")
        found = self._one(texts.key(request.args.get("id")))
        key = texts.key(request.args.get("with"))
        other = self.session.scalar(sa.select(Customer).where(Customer.id == key))
        if other is None or found.noun != "customer":
            raise NotVisible
        lines = compare(self.session, found, other, by=self.actor)
        return self.render("approval/compare.html", chosen=found, other=other, lines=lines)

    @expose("/comment/", methods=("POST",))
    def comment(self) -> Any:
        """Say something on a request, or give files; a refusal keeps what was typed."""
        key = needed("id")
        try:
            beside = beside_of(self.session, key)
            text = request.form.get("comment", "")
            approval.comment(self.call(), key, text=text, beside=beside)
        except Invalid as problem:
            self.session.rollback()
            return self._page(key, problem.errors), problem.status
        flash(_("已评论"), "success")
        return redirect(url_for(".index", id=key), code=303)

    @expose("/file/")
    def file(self) -> Any:
        """Download a file of an event: whoever sees the request or its record may, nobody else."""
        found = files.of_event(self.session, texts.key(request.args.get("id")))
        return download(self.call(), found)

    @expose("/form/")
    def form(self) -> Any:
        """Show the form of a request with its signatures, for print, or as a PDF (`as=pdf`)."""
        found = self._one(texts.key(request.args.get("id")))
        if "values" not in found.payload:
            raise NotVisible
        return self.printed(found, file=request.args.get("as") == "pdf")

    @expose("/attachment/")
    def attachment(self) -> Any:
        """Download a file of the record as it was submitted: sight of the request is enough."""
        found = self._one(texts.key(request.args.get("id")))
        file = files.one(self.session, found, texts.key(request.args.get("file")))
        return download(self.call(), file)


def _comes_again(found: ApprovalRequest, panel: dict[str, Any]) -> bool:
    """Tell whether this is the newest round and it came back to be mended."""
    over = found.state in {Approval.rejected, Approval.withdrawn}
    newest = bool(panel["rounds"]) and panel["rounds"][0].id == found.id
    return over and newest and found.action is not FlowAction.void
