"""发票: asked for, agreed to beyond the contract, issued with its files, taken back by a row."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import pgettext

from models.deals.invoice import Invoice, InvoiceState
from services.core.money import plain
from services.core.texts import yuan
from services.receivables import invoice
from services.rights.actor import may
from views.core.base import CrmView
from views.form import forms
from views.grid.tables import short_table
from views.render.files import FileDoors


class InvoiceView(FileDoors, CrmView):
    """Invoices."""

    details_template = "admin/model/invoice.html"
    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | {"agree_view": "exceed"}

    def counted(self) -> tuple[Any, Any]:
        """Add up what is issued less what was taken back."""
        return Invoice.state != InvoiceState.requested, _("已开与红冲")

    def buttons(self, record: Any) -> dict[str, Any]:
        """Leave an issued invoice as it is; offer to take it back while something of it is left."""
        found: dict[str, Any] = super().buttons(record)
        asked = record.state is InvoiceState.requested
        found |= {key: found[key] and asked for key in ("edit", "delete")}
        if record.state is InvoiceState.issued and may(self.actor, "invoice:create"):
            left = invoice.left_of(self.session, record.id, record.amount)
            if left > 0:
                found["links"] = [
                    (url_for(".create_view", **reversal(record, left)), pgettext("button", "红冲"))
                ]
        found["waits"] = waits = invoice.waits(record)
        found["agree"] = (
            waits
            and may(self.actor, "invoice:exceed")
            and self.actor.id not in invoice.authors(self.session, record)
        )
        return found

    def over(self, record: Any) -> str:
        """Return by how much (yuan) the contract would be invoiced beyond its amount."""
        return yuan(max((record.over_ceiling or 0) - (record.contract.amount or 0), 0))

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return what takes it back."""
        if record.amount < 0:
            return []
        mine = {"reverses_id": record.id}
        return [short_table(self, Invoice, mine, "code amount issued_on number state")]

    @expose("/agree/", methods=("POST",))
    def agree_view(self) -> Any:
        """Let an invoice go beyond its contract."""
        record = self.get_one(request.form.get("id"))
        invoice.agree(self.call(), record)
        flash(_("已批准超出合同金额开票"), "success")
        return redirect(url_for(".details_view", id=record.id), code=303)


def reversal(record: Any, left: int) -> dict[str, Any]:
    """Return what the form of a reversal begins with: all of an invoice nobody took back (分)."""
    shown = forms.texts_of(Invoice, record)
    copied = {key: shown[key] for key in invoice.COPIED if shown.get(key)}
    return copied | {"reverses_id": str(record.id), "amount": plain(-left)}
