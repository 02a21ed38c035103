"""One request on its own page: the frozen content and everything that happened to it."""

from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from models.customers.customer import Customer
from services import approval
from services.approval.inbox.compare import compare
from services.approval.request import files
from services.core import texts
from services.core.errors import NotVisible
from services.rights.actor import demand
from views.approval.annotations import beside_of
from views.approval.printed import PrintedForm
from views.approval.request_page import on_page, one, page_of
from views.core.pages import Page
from views.render.files import download
from views.web.keys import needed


class RequestView(PrintedForm, Page):
    """One request: the frozen content and everything that happened to it."""

    permission = "request:read"
    icon = "file"

    @expose("/")
    def index(self) -> Any:
        """Show the snapshot; sight of the request is sight of this only."""
        return page_of(self, texts.key(request.args.get("id")))

    @expose("/compare/")
    def compare(self) -> Any:
        """Show a submitted customer beside one the reader may see."""
        demand(self.actor, "customer:read")
        found = one(self.session, texts.key(request.args.get("id")))
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
        return on_page(self, key, "comment", lambda: self._commented(key))

    def _commented(self, key: int) -> Any:
        beside = beside_of(self.session, key)
        text = request.form.get("comment", "")
        named = approval.comment(self.call(), key, text=text, beside=beside)
        flash(_("已评论"), "success")
        if named.blind:
            names = "、".join(named.blind)
            flash(_("没有提醒 %(who)s：看不到这张审批单，或已停用", who=names), "warning")
        if named.unknown:
            flash(_("没有找到 %(who)s", who="、".join(named.unknown)), "warning")
        return redirect(url_for(".index", id=key), code=303)

    @expose("/file/")
    def file(self) -> Any:
        """Download a file of an event: whoever sees the request or its record may, nobody else."""
        found = files.of_event(self.session, texts.key(request.args.get("id")))
        return download(self.call(), found)

    @expose("/form/")
    def form(self) -> Any:
        """Show the form of a request with its signatures, for print, or as a PDF (`as=pdf`)."""
        found = one(self.session, texts.key(request.args.get("id")))
        if "values" not in found.payload:
            raise NotVisible
        return self.printed(found, file=request.args.get("as") == "pdf")

    @expose("/attachment/")
    def attachment(self) -> Any:
        """Download a file of the record as it was submitted: sight of the request is enough."""
        found = one(self.session, texts.key(request.args.get("id")))
        file = files.one(self.session, found, texts.key(request.args.get("file")))
        return download(self.call(), file)
