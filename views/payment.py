"""回款 and 发票: registering, confirming, reversing."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

import models as m
from services import excess, payment, texts
from services.actor import may
from services.capital import capital
from services.contract import open_amount
from services.texts import yuan
from views.base import CrmView
from views.crm import known
from views.crm.tables import short_table


class PaymentView(CrmView):
    """Collections."""

    details_template = "admin/model/payment.html"
    own_doors: ClassVar[dict[str, str]] = {"confirm_view": "confirm", "reverse_view": "reverse"}

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer confirming and reversing to finance."""
        found: dict[str, Any] = super().buttons(record)
        registered = record.state is m.PaymentState.registered
        found["edit"] = found["edit"] and registered
        found["delete"] = found["delete"] and registered
        found["confirm"] = registered and may(self.actor, "payment:confirm")
        found["reverse"] = record.state is m.PaymentState.confirmed and may(
            self.actor, "payment:reverse"
        )
        return found

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Say what is still open of the contract the payment is for."""
        found: dict[str, Any] = super().form_extras(record, errors)
        key = (
            record.contract_id if record is not None else texts.key(request.args.get("contract_id"))
        )
        row = self.session.scalar(sa.select(m.Contract).where(m.Contract.id == key))
        if row is not None:
            rest = open_amount(self.session, row.id)
            found["hint"] = _("%(name)s：未收 %(rest)s 元", name=str(row), rest=yuan(rest))
        return found

    def detail_sections(self, record: Any) -> list[tuple[str, list[tuple[Any, Any]]]]:
        """Spell the amount as receipts do."""
        sections: list[tuple[str, list[tuple[Any, Any]]]] = super().detail_sections(record)
        sections[0][1].append((_("大写金额"), capital(record.amount)))
        rest = record.amount - sum(part.amount for part in record.allocations)
        if rest and record.state is not m.PaymentState.reversed:
            sections[0][1].append((_("未分摊"), yuan(rest)))
        return sections

    def to_know(self, record: Any) -> dict[str, Any]:
        """Return what finance is to read before it confirms, and what the ticked box sends."""
        said = excess.said_on_confirming(self.session, record)
        return {"said": [one.message for one in said], "mark": known.mark(said)}

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return the instalments it settles."""
        mine = {"payment_id": record.id}
        return [short_table(self, m.PaymentAllocation, mine, "plan_id amount", most=100)]

    @expose("/confirm/", methods=("POST",))
    def confirm_view(self) -> Any:
        """Confirm a registered payment; money beyond the contract is to be read of first."""
        record = self.get_one(request.form.get("id"))
        if known.unread(excess.said_on_confirming(self.session, record), request.form):
            return self.details(
                record, status=422, wrong={"known": _("请先核对并勾选，再确认到账")}
            )
        return self._move(payment.confirm, _("已确认到账"))

    @expose("/reverse/", methods=("POST",))
    def reverse_view(self) -> Any:
        """Reverse a confirmed payment."""
        return self._move(payment.reverse, _("已冲销"))

    def _move(self, verb: Any, message: str) -> Any:
        record = self.get_one(request.form.get("id"))
        verb(self.session, record, by=self.actor, now=self.now())
        flash(message, "success")
        return redirect(url_for(".details_view", id=record.id), code=303)


class InvoiceView(CrmView):
    """Invoices."""

    def buttons(self, record: Any) -> dict[str, Any]:
        """Leave an issued invoice as it is."""
        found: dict[str, Any] = super().buttons(record)
        asked = record.state is m.InvoiceState.requested
        return found | {key: found[key] and asked for key in ("edit", "delete")}
