"""合同签约: progress of the order, three bars, instalments with ageing, payments."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup

import models as m
from services import approval, numbers
from services.actor import may
from services.errors import Forbidden, Invalid, Stale
from services.progress import Figures, figures
from services.texts import yuan
from views.base import CrmView
from views.crm.files import FileDoors
from views.crm.picker import picker, remember
from views.crm.tables import lines_with_products, short_table


class ContractView(FileDoors, CrmView):
    """Contracts."""

    grid_order: ClassVar[Any] = ("name", "customer_id", "amount", "state", "signed_on")
    details_template = "admin/model/contract.html"
    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | {"void_view": "submit"}
    extra_columns: ClassVar[Any] = (("plans", _("已收期数")), ("paid", _("回款%")))

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return n/m instalments with what is overdue, and 回款%."""
        found = self._figures(rows)
        return {
            "plans": {key: plans(one) for key, one in found.items()},
            "paid": {key: f"{one.collection}%" for key, one in found.items()},
        }

    def _figures(self, rows: list[Any]) -> dict[int, Figures]:
        return figures(self.session, rows, day=numbers.today(self.now()))

    def progress(self, record: Any) -> dict[str, Any]:
        """Return what the top of the page shows."""
        return {
            "figures": self._figures([record])[record.id],
            "day": numbers.today(self.now()),
            "expired": record.state is m.ContractState.active
            and record.end_on is not None
            and record.end_on < numbers.today(self.now()),
            "yuan": yuan,
        }

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return lines, payments and invoices."""
        mine = {"contract_id": record.id}
        running = record.state in m.IN_FORCE
        return [
            short_table(
                self,
                m.ContractLine,
                mine,
                "product_id quantity price discount_bp subtotal",
                found=lines_with_products(self.session, m.ContractLine, mine),
            ),
            short_table(
                self,
                m.Payment,
                mine,
                "code paid_on amount method state",
                order="-paid_on",
                add=running,
            ),
            short_table(
                self, m.Invoice, mine, "code type amount issued_on number state", add=running
            ),
        ]

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer registering a payment on a contract in force, and asking for it to be voided."""
        found: dict[str, Any] = super().buttons(record)
        found["void"] = approval.voidable(record, by=self.actor)  # a running change: told there
        if record.state in m.IN_FORCE and may(self.actor, "payment:create"):
            found["links"] = [
                (url_for("payment.create_view", contract_id=record.id), gettext("登记回款"))
            ]
        return found

    @expose("/void/", methods=("GET", "POST"))
    def void_view(self) -> Any:
        """Ask for a contract to be voided; what is missing is told beside its field."""
        record = self.get_one(request.values.get("id"))
        if not approval.voidable(record, by=self.actor):
            raise Forbidden
        if request.method == "GET":
            return self._void_page(record, {})
        key = record.id
        if self._seen() != record.row_version:
            raise Stale
        reason = request.form.get("comment")
        try:
            remember(self.session)
            approval.ask_void(self.session, record, reason=reason, by=self.actor, now=self.now())
        except Invalid as problem:
            self.session.rollback()
            return self._void_page(self.get_one(key), problem.errors, problem.status)
        flash(gettext("已提交作废申请，审批通过后合同作废"), "success")
        return redirect(url_for(".details_view", id=key), code=303)

    def _void_page(self, record: Any, wrong: Mapping[str, Any], status: int = 200) -> Any:
        boxes = picker(
            self.session,
            record,
            self.noun,
            action=m.FlowAction.void,
            by=self.actor,
            error=wrong.get("chosen", ""),
        )
        page = self.render("admin/model/void.html", record=record, wrong=wrong, picker=boxes)
        return page, status


def plans(one: Figures) -> Any:
    """Return n/m, with the overdue instalments beside it."""
    text = f"{one.settled}/{len(one.plan)}"
    late = one.overdue
    if not late:
        return text
    words = gettext("逾期 %(n)s 期", n=len(late))
    return Markup('{} <span class="tag bad">{}</span>').format(text, words)
