"""Papers to download, and the templates they are made from."""

import io
from collections.abc import Mapping
from typing import Any, ClassVar

from flask import flash, redirect, request, send_file, url_for
from flask_admin import expose
from flask_babel import gettext as _

from models.core.base import db
from models.customers.customer import Customer
from models.deals.paper_template import PaperKind
from models.rights.audit import AuditAction
from services.core import texts
from services.core.errors import Forbidden, Invalid, NotVisible
from services.deals.papers import by_mail, making, word
from services.deals.papers.making import noun_of
from services.rights import traces
from services.rights.actor import may
from services.rights.masking import shown
from views.core.base import CrmView
from views.core.pages import Page
from views.render.files import FileDoors, store
from views.web.edge import start_writing


def offered(actor: Any, kind: PaperKind, key: int) -> list[tuple[str, str]]:
    """Return (address, caption) of the paper of a record, with prices and, if of goods, without."""
    if not may(actor, f"{noun_of(kind)}:read"):
        return []
    found = []
    for form in making.MIME:
        address: dict[str, Any] = {"kind": kind.name, "id": key, "form": form}
        found.append((url_for("paper.index", **address), f"{kind} {form.upper()}"))
        if kind in {PaperKind.contract, PaperKind.quotation}:
            words = _("%(paper)s %(form)s（不含价格）", paper=str(kind), form=form.upper())
            found.append((url_for("paper.index", **address, prices=0), words))
    return found


class PaperView(Page):
    """文书: one address for every paper, `kind`, `id`, `form` and `prices`."""

    @expose("/")
    def index(self) -> Any:
        """Answer with the file, or say that it is coming."""
        told = request.args
        key, form = texts.key(told.get("id")), told.get("form", "pdf")
        if told.get("kind") not in PaperKind.__members__ or key is None or form not in making.MIME:
            raise NotVisible
        order = making.PaperOrder(
            PaperKind[told["kind"]], key, form, told.get("prices", "1") != "0"
        )
        made = making.make(self.call(), store(), order)
        if made is None:
            return self._later(order)
        row = traces.trace(
            AuditAction.export, "papertemplate", made.name, actor_id=self.actor.id, record_id=key
        )
        now = self.now()
        self.session.rollback()
        traces.note(db.engine, row, now=now)
        return send_file(
            io.BytesIO(made.body), made.mime, as_attachment=True, download_name=made.name
        )

    def _later(self, order: making.PaperOrder) -> Any:
        """Ask the worker in a transaction that writes."""
        start_writing()
        fresh = making.ask(self.call(), order)
        self.session.commit()
        if fresh:
            flash(_("文件较长，正在后台生成，完成后会通知您，并附在此记录的附件中"), "success")
        else:
            flash(_("这份文件已在后台生成中，完成后会通知您"), "info")
        return redirect(url_for(f"{noun_of(order.kind)}.details_view", id=order.key), code=303)

    @expose("/mail/", methods=("GET", "POST"))
    def mail_view(self) -> Any:
        """Ask to whom a customer's statement of account goes, and let the worker send it."""
        record = self.session.get(Customer, texts.key(request.values.get("id")) or 0)
        if record is None:
            raise NotVisible
        if not by_mail.may_send(self.call(), record):
            raise Forbidden
        if request.method == "GET":
            return self._mailing(record, {})
        try:
            to = by_mail.send(self.call(), record, texts.key(request.form.get("contact")))
        except Invalid as problem:
            return self._mailing(record, problem.errors), problem.status
        flash(_("正在生成对账单，完成后发给 %(name)s，并通知您", name=to.name), "success")
        return redirect(url_for("customer.whole_view", id=record.id), code=303)

    def _mailing(self, record: Any, wrong: Mapping[str, Any]) -> Any:
        """Show the form."""
        return self.render(
            "admin/statement.html",
            record=record,
            wrong=wrong,
            readers=by_mail.readers(self.session, record.id),
            shown=lambda contact: shown(self.actor, record, contact.email),
        )


class PaperTemplateView(FileDoors, CrmView):
    """文书模板: a Word file with an unknown placeholder does not come in."""

    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | {"standard_view": "read"}

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer our own Word layout to begin with."""
        found: dict[str, Any] = super().buttons(record)
        return found | {"links": [(url_for(".standard_view"), _("下载内置 Word 版式"))]}

    @expose("/standard/")
    def standard_view(self) -> Any:
        """Answer with our own Word layout, placeholders and all."""
        body = io.BytesIO(word.standard())
        return send_file(
            body, making.MIME["docx"], as_attachment=True, download_name="standard.docx"
        )

    @expose("/attach/", methods=("POST",))
    def attach_view(self) -> Any:
        """Add a Word layout; one with an unknown placeholder is refused with its name."""
        given = request.files.get("file")
        if given is not None and (given.filename or "").lower().endswith(".docx"):
            body = given.stream.read()
            given.stream.seek(0)
            try:
                word.check(body)
            except Invalid as problem:
                record = self.get_one(request.form.get("id"))
                return self.details(record, problem.status, problem=str(problem))
        return super().attach_view()
