"""回款: registering with its vouchers, confirming, laying on instalments by hand, reversing."""

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_admin.actions import action
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from models.deals.contract import Contract, ContractState
from models.deals.paper_template import PaperKind
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from services.bulk.jobs import Task
from services.core import texts
from services.core.days import today
from services.core.errors import Invalid
from services.core.money import plain
from services.core.texts import yuan
from services.deals import overpayment, payment
from services.deals.capital import capital
from services.deals.contract import open_amount
from services.deals.payment_law import no_receipt
from services.receivables import hand, money_bulk, standing
from services.rights.actor import may
from views.core.base import CrmView
from views.deals.paper import offered
from views.form import confirmations
from views.form.entry import seen
from views.grid.actions import V, allowed, confirmed
from views.grid.tables import short_table
from views.render.files import FileDoors


class PaymentView(FileDoors, CrmView):
    """Collections."""

    details_template = "admin/model/payment.html"
    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | {
        "confirm_view": "confirm",
        "reverse_view": "reverse",
        "allocate_view": "edit",
    }

    extra_columns: ClassVar[Any] = (("rest", lazy_gettext("未分摊")),)
    numeric = frozenset({"rest"})

    def sorts(self) -> dict[str, Any]:
        """Sort by what settles no instalment."""
        c = Payment.__table__.c
        return {"rest": sa.select(c.id, standing.unallocated(c).label("rest"))}

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return what settles no instalment, where there is any."""
        found = self._rest(self.session, rows)
        return {"rest": {key: yuan(fen) for key, fen in found.items() if fen}}

    def exported_values(
        self, session: Any, rows: Any, wanted: set[str]
    ) -> dict[str, dict[int, Any]]:
        """Return the same as a number."""
        found = super().exported_values(session, rows, wanted)
        if "rest" in wanted:
            found["rest"] = {key: fen / 100 for key, fen in self._rest(session, rows).items()}
        return found

    @staticmethod
    def _rest(session: Any, rows: Any) -> dict[int, int]:
        c = Payment.__table__.c
        query = sa.select(c.id, standing.unallocated(c)).where(c.id.in_([row.id for row in rows]))
        return {key: int(fen) for key, fen in session.execute(query)}

    def counted(self) -> tuple[Any, Any]:
        """Add up what was confirmed, as the cockpit does: without void contracts."""
        void = sa.select(Contract.id).where(Contract.state == ContractState.void)
        clause = sa.and_(Payment.state == PaymentState.confirmed, Payment.contract_id.not_in(void))
        return clause, _("已确认，不含作废合同")

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer confirming and reversing to finance."""
        found: dict[str, Any] = super().buttons(record)
        mine = payment.correctable(self.actor, record)
        found |= {key: found[key] and mine for key in ("edit", "delete")}
        papers = offered(self.actor, PaperKind.receipt, record.id)
        found["papers"] = [] if no_receipt(record) else papers
        found["confirm"] = payment.confirmable(self.call(), record)
        found["reverse"] = record.state is PaymentState.confirmed and may(
            self.actor, "payment:reverse"
        )
        return found

    def begun(self) -> dict[str, str]:
        """Money is mostly registered on the day it came."""
        return super().begun() | {"paid_on": today(self.now()).isoformat()}

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Say what is still open of the contract the payment is for."""
        found: dict[str, Any] = super().form_extras(record, errors)
        key = (
            record.contract_id if record is not None else texts.key(request.args.get("contract_id"))
        )
        row = self.session.scalar(sa.select(Contract).where(Contract.id == key))
        if row is not None:
            rest = open_amount(self.session, row.id)
            found["hint"] = _("%(name)s：未收 %(rest)s 元", name=str(row), rest=yuan(rest))
        return found

    def detail_sections(self, record: Any) -> list[tuple[str, list[tuple[Any, Any]]]]:
        """Spell the amount as receipts do."""
        sections: list[tuple[str, list[tuple[Any, Any]]]] = super().detail_sections(record)
        sections[0][1].append((_("大写金额"), capital(record.amount)))
        rest = record.amount - sum(part.amount for part in record.allocations)
        if rest and record.state is not PaymentState.reversed:
            sections[0][1].append((_("未分摊"), yuan(rest)))
        return sections

    def hand(self, record: Any, wrong: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the instalments a payment may be laid on by this person; None where by nobody."""
        laid = record.state is not PaymentState.reversed and hand.allowed(self.actor, record)
        if not laid:
            return None
        places = hand.places(self.session, record)
        typed = {one.line.id: str(wrong.get(f"typed-{one.line.id}", "")) for one in places}
        return {"places": places, "typed": typed, "yuan": yuan, "plain": plain}

    def to_know(self, record: Any) -> dict[str, Any]:
        """Return what finance is to read before it confirms, and what the ticked box sends."""
        said = overpayment.said_on_confirming(self.session, record)
        return {"said": [one.message for one in said], "mark": confirmations.mark(said)}

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return the instalments it settles."""
        mine = {"payment_id": record.id}
        return [short_table(self, PaymentAllocation, mine, "plan_id amount", most=100)]

    @expose("/confirm/", methods=("POST",))
    def confirm_view(self) -> Any:
        """Confirm a registered payment; money beyond the contract is to be read of first."""
        record = self.get_one(request.form.get("id"))
        if confirmations.unread(overpayment.said_on_confirming(self.session, record), request.form):
            return self.details(record, 422, wrong={"known": _("请先核对并勾选，再确认到账")})
        payment.confirm(self.call(), record)
        flash(_("已确认到账"), "success")
        return redirect(url_for(".details_view", id=record.id), code=303)

    @expose("/reverse/", methods=("POST",))
    def reverse_view(self) -> Any:
        """Reverse a confirmed payment; what it was booked from waits to be matched again."""
        record = self.get_one(request.form.get("id"))
        opened = payment.reverse(self.call(), record)
        flash(_("已冲销"), "success")
        if opened:
            flash(_("银行流水 %(lines)s 已恢复为待匹配", lines="、".join(opened)), "info")
        return redirect(url_for(".details_view", id=record.id), code=303)

    @expose("/allocate/", methods=("POST",))
    def allocate_view(self) -> Any:
        """Lay a payment on instalments by hand, or first in, first out again."""
        record = self.get_one(request.form.get("id"))
        key, typed = record.id, {k: v for k, v in request.form.items() if k.startswith("part-")}
        try:
            parts = {} if "anew" in request.form else _parts(typed)
            hand.allocate(self.call(), record, parts, seen=seen())
        except Invalid as problem:
            self.session.rollback()
            said = {k.replace("part-", "typed-"): v for k, v in typed.items()} | problem.errors
            return self.details(self.get_one(key), problem.status, wrong=said)
        flash(_("已重新分摊"), "success")
        return redirect(url_for(".details_view", id=key), code=303)

    @action("confirm", lazy_gettext("确认到账"))
    @allowed(lambda view: may(view.actor, "payment:confirm"))
    @confirmed(V.confirm, style="ok")
    def action_confirm(self) -> Task:
        """Confirm each registered payment."""
        return money_bulk.confirming(self.actor)


def _parts(typed: Mapping[str, str]) -> dict[int, int]:
    """Return instalment → 分 of what was typed. Raises Invalid beside the input."""
    found, wrong = {}, {}
    for name, text in typed.items():
        line = texts.key(name.removeprefix("part-"))
        if line is None or not text.strip():
            continue
        try:
            found[line] = texts.money(text)
        except ValueError as problem:
            wrong[name] = problem.args[0]
    if wrong:
        raise Invalid(wrong)
    return found
