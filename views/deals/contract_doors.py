"""What may be done on a contract's page: voiding, closing, further orders; what a term means."""

from typing import Any, ClassVar

from flask import flash, jsonify, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from models.deals.contract import Contract
from models.deals.order import Order
from models.deals.payment_plan import PaymentPlan
from services.core.errors import Invalid
from services.deals.lifecycle import states, terms, voiding
from services.deals.order import opening
from views.approval.void import VoidDoors
from views.form import forms


class ContractDoors(VoidDoors):
    """The doors of contracts beside those every entity has."""

    contract_doors: ClassVar[dict[str, str]] = VoidDoors.void_doors | {
        "terms_view": "create",
        "order_view": "read",
        "finish_view": "finish",
        "reopen_view": "finish",
    }

    @expose("/terms/")
    def terms_view(self) -> Any:
        """Answer the instalments of a payment term, as texts of the form's fields."""
        told = request.args
        days = {key: told.get(key, "") for key in ("signed_on", "deliver_on")}
        values, wrong = forms.read(self.session, Contract, days | {"terms": told.get("terms", "")})
        if wrong or values.get("signed_on") is None:
            raise Invalid(wrong or {"signed_on": _("请先填写签订日")})
        term = terms.parse(values.get("terms") or "")
        if term is None:
            raise Invalid({"terms": terms.UNREADABLE})
        rows = terms.rows(term, values["signed_on"], values.get("deliver_on"))
        return jsonify(rows=[forms.texts_given(PaymentPlan, row) for row in rows])

    @expose("/finish/", methods=("POST",))
    def finish_view(self) -> Any:
        """Close a contract by hand."""
        record = self.get_one(request.form.get("id"))
        states.finish(self.call(), record, request.form.get("reason"))
        flash(gettext("合同已结案"), "success")
        return redirect(url_for(".details_view", id=record.id), code=303)

    @expose("/reopen/", methods=("POST",))
    def reopen_view(self) -> Any:
        """Let a closed contract run again."""
        record = self.get_one(request.form.get("id"))
        states.reopen(self.call(), record)
        flash(gettext("合同已恢复履行"), "success")
        return redirect(url_for(".details_view", id=record.id), code=303)

    @expose("/order/", methods=("POST",))
    def order_view(self) -> Any:
        """Open a further order of a contract in force."""
        record = self.get_one(request.form.get("id"))
        values = forms.payload(self.session, Order, request.form, only={"deliver_on"})
        order = opening.add(self.call(), record, values.get("deliver_on"))
        flash(gettext("已追加订单 %(code)s", code=order.code), "success")
        return redirect(url_for("order.details_view", id=order.id), code=303)

    def void_waiting(self, record: Any) -> list[str]:
        """Return what still waits of a contract: money, invoices."""
        return voiding.unfinished(self.session, record)
