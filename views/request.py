"""One request on its own page: the frozen content and everything that happened to it."""

from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

import models as m
from services import approval, texts
from services.actor import demand
from services.approval import created, files
from services.approval.compare import compare
from services.errors import Invalid, NotVisible
from services.settings import get_setting
from views.beside import beside_of
from views.crm.files import ACCEPT, download
from views.pages import Page
from views.panel import doubles_of, panel_of, people_to_ask
from views.web.keys import needed


class RequestView(Page):
    """One request: the frozen content and everything that happened to it."""

    permission = "request:read"
    icon = "file"

    @expose("/")
    def index(self) -> Any:
        """Show the snapshot; sight of the request is sight of this only."""
        return self._page(texts.key(request.args.get("id")), {})

    def _one(self, key: int | None) -> m.ApprovalRequest:
        found = self.session.scalar(
            sa.select(m.ApprovalRequest)
            .where(m.ApprovalRequest.id == key)
            .options(selectinload(m.ApprovalRequest.submitted_by))
        )
        if found is None:
            raise NotVisible
        return found

    def _page(self, key: int | None, errors: dict[str, Any]) -> Any:
        found = self._one(key)
        panel = panel_of(self.session, found, self.actor)
        panel["doubles"] = doubles_of(self.session, found, self.actor)
        task = self.session.scalar(
            sa.select(m.ApprovalTask).where(
                m.ApprovalTask.request_id == found.id,
                m.ApprovalTask.assignee_id == self.actor.id,
                m.ApprovalTask.state == m.TaskState.open,
            )
        )
        mine = found.submitted_by_id == self.actor.id
        pending = mine and found.state is m.Approval.pending
        moves = created.moves(self.session, [found.id] if pending else [], now=self.now())
        urged, withdrawable = moves.get(found.id, (None, False))
        return self.render(
            "approval/request.html",
            mine=pending,
            urged=urged,
            withdrawable=withdrawable,
            resubmit=mine and _comes_again(found, panel),
            chosen=found,
            panel=panel,
            task=task,
            people=people_to_ask(self.session, found, self.actor) if task else [],
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
        other = self.session.scalar(sa.select(m.Customer).where(m.Customer.id == key))
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
            approval.comment(
                self.session, key, text=text, by=self.actor, now=self.now(), beside=beside
            )
        except Invalid as problem:
            self.session.rollback()
            return self._page(key, problem.errors), problem.status
        flash(_("已评论"), "success")
        return redirect(url_for(".index", id=key), code=303)

    @expose("/file/")
    def file(self) -> Any:
        """Download a file of an event: whoever sees the request may, nobody else."""
        key = texts.key(request.args.get("id"))
        found = self.session.scalar(sa.select(m.ApprovalFile).where(m.ApprovalFile.id == key))
        if found is None:
            raise NotVisible
        return download(self.session, found, by=self.actor, now=self.now())

    @expose("/attachment/")
    def attachment(self) -> Any:
        """Download a file of the record as it was submitted: sight of the request is enough."""
        found = self._one(texts.key(request.args.get("id")))
        file = files.one(self.session, found, texts.key(request.args.get("file")))
        return download(self.session, file, by=self.actor, now=self.now())


def _comes_again(found: m.ApprovalRequest, panel: dict[str, Any]) -> bool:
    """Tell whether this is the newest round and it came back to be mended."""
    over = found.state in {m.Approval.rejected, m.Approval.withdrawn}
    newest = bool(panel["rounds"]) and panel["rounds"][0].id == found.id
    return over and newest and found.action is not m.FlowAction.void
