"""银行流水: lines of statements, what each may pay and why, registered with one click."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from models.deals.bank_line import BankLineState
from services.core import texts
from services.core.texts import yuan
from services.receivables import bank
from services.rights.actor import may
from views.core.base import CrmView
from views.form import confirmations


class BankLineView(CrmView):
    """Bank statements; lines come from files."""

    can_create = can_edit = can_delete = False
    column_default_sort = ("booked_on", True)
    details_template = "admin/model/bank_line.html"
    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | {
        "book_view": "book",
        "ignore_view": "book",
    }

    def suggested(self, record: Any) -> dict[str, Any]:
        """Return what a line may pay, with what is to be read before."""
        found = bank.suggestions(self.session, record)
        told = {one.line.id: bank.said(self.session, record, one.line) for one in found}
        return {
            "found": found,
            "said": {key: [one.message for one in some] for key, some in told.items()},
            "marks": {key: confirmations.mark(some) for key, some in told.items() if some},
            "yuan": yuan,
            "waits": record.state is BankLineState.waiting,
            "books": may(self.actor, "bankline:book"),
            "taken_back": "、".join(bank.taken_back(self.session, record)),
            "left": record.state is BankLineState.ignored,
        }

    @expose("/book/", methods=("POST",))
    def book_view(self) -> Any:
        """Register a line on the instalment that was chosen."""
        record = self.get_one(request.form.get("id"))
        part = bank.instalment(self.session, texts.key(request.form.get("plan")))
        waits = record.state is BankLineState.waiting  # of another there is nothing to be read
        if waits and confirmations.unread(bank.said(self.session, record, part), request.form):
            wrong = {"known": _("请先核对并勾选，再入账"), "plan": str(part.id)}
            return self.details(record, 422, wrong=wrong)
        made = bank.book(self.call(), record, part)
        flash(_("已入账：%(code)s", code=made.code), "success")
        return redirect(url_for(".details_view", id=record.id), code=303)

    @expose("/ignore/", methods=("POST",))
    def ignore_view(self) -> Any:
        """Leave a line aside, or take it up again."""
        record = self.get_one(request.form.get("id"))
        bank.ignore(self.call(), record)
        flash(_("已保存"), "success")
        return redirect(url_for(".details_view", id=record.id), code=303)
