"""合同签约: progress of the order, three bars, instalments with ageing, payments."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import g, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from models.core.mixins import Approval
from models.deals.contract import IN_FORCE, Contract, ContractLine, ContractState
from models.deals.invoice import Invoice
from models.deals.order import Order
from models.deals.paper_template import PaperKind
from models.deals.payment import Payment
from models.sales.opportunity import Opportunity
from models.sales.stage import StageKind
from services.core import texts
from services.core.days import today
from services.core.money import plain
from services.core.texts import yuan
from services.deals import payment
from services.deals.lifecycle import origin, renewal, states
from services.deals.order import opening
from services.deals.progress import ContractFigures
from services.rights.actor import may
from views.core.base import CrmView
from views.deals.contract_columns import ContractColumns, gaps
from views.deals.contract_doors import ContractDoors
from views.deals.order import step_line
from views.deals.paper import offered
from views.form import forms
from views.grid.tables import lines_with_products, short_table
from views.render.files import FileDoors


class ContractView(ContractDoors, FileDoors, ContractColumns):
    """Contracts."""

    create_template = edit_template = "admin/model/contract_form.html"
    details_template = "admin/model/contract.html"
    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | ContractDoors.contract_doors

    def counted(self) -> tuple[Any, Any]:
        """Add up what is in force: a draft or a void contract is owed by nobody."""
        clause = sa.and_(Contract.state.in_(IN_FORCE), Contract.approval == Approval.approved)
        return clause, _("履行中与履行完毕")

    def begun(self) -> dict[str, str]:
        """Begin with what the opportunity, or the contract to renew, says."""
        for name, begun in (("opportunity_id", origin.begun), ("renews_id", renewal.begun)):
            if (key := texts.key(request.args.get(name))) is not None:
                return forms.texts_given(Contract, begun(self.call(), key))
        return {}

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Say what the opportunity comes to; the form tells the difference while it is typed."""
        found: dict[str, Any] = super().form_extras(record, errors)
        told = request.form.get("opportunity_id__id") or request.args.get("opportunity_id")
        key = texts.key(told) or (record.opportunity_id if record is not None else None)
        row = None if key is None else self.session.get(Opportunity, key)
        return found | {"deal": row, "yuan": yuan}

    def progress(self, record: Any) -> dict[str, Any]:
        """Return what the top of the page shows."""
        deal, renewal = g.get("kin", (None, None))
        found = self.figures([record])[record.id]
        return {
            "deal": deal,
            "unwon": self._unwon(record, deal),
            "renewal": renewal,
            "figures": found,
            "gaps": gaps(found),
            "day": today(self.now()),
            "expired": record.state is ContractState.active
            and record.end_on is not None
            and record.end_on < today(self.now()),
            "yuan": yuan,
            "more": opening.offered(self.call(), record),
            "lines": self._lines(found),
        }

    def details_context(self, record: Any, *args: Any, **told: Any) -> dict[str, Any]:
        """Read the opportunity with what its contracts come to before what else refers to it."""
        g.kin = origin.kin(self.session, record)
        found: dict[str, Any] = super().details_context(record, *args, **told)
        return found

    def _lines(self, found: ContractFigures) -> list[tuple[Order, dict[str, Any]]]:
        """Return the orders of a contract, each with its step line."""
        line = step_line(self, found.steps)
        own = ([s for s in found.steps if s.order_id == one.id] for one in found.orders)
        return [(one, line | {"steps": some}) for one, some in zip(found.orders, own, strict=True)]

    def _unwon(self, record: Any, found: Any) -> str:
        """Return why the opportunity of a contract in force is still open, "" where it is not."""
        if found is None or record.state not in IN_FORCE or found.deal.state is not StageKind.open:
            return ""
        won = origin.won_stage(self.session)
        if won is None:
            return gettext("没有已启用的赢单阶段")
        against = origin.why_not_won(self.call(), found.deal, won)
        return "；".join(against) or gettext(
            "阶段「%(stage)s」不随合同赢单", stage=found.deal.stage
        )

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return lines, payments and invoices."""
        mine = {"contract_id": record.id}
        running = record.state in IN_FORCE
        return [
            short_table(
                self,
                ContractLine,
                mine,
                "product_id quantity price discount_bp subtotal",
                found=lines_with_products(self.session, ContractLine, mine),
            ),
            short_table(
                self,
                Payment,
                mine,
                "code paid_on amount method state",
                order="-paid_on",
                add=running,
            ),
            short_table(
                self, Invoice, mine, "code type amount issued_on number state", add=running
            ),
        ]

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer registering a payment on a contract in force, closing it, renewing it."""
        found: dict[str, Any] = super().buttons(record)
        found["papers"] = offered(self.actor, PaperKind.contract, record.id)
        found["close"] = states.may_close(self.call(), record)
        found["links"] = []
        if record.state in IN_FORCE and may(self.actor, "payment:create"):
            address = url_for("payment.create_view", contract_id=record.id)
            found["links"].append((address, gettext("登记回款")))
        if record.state is ContractState.void and may(self.actor, "payment:create"):
            found["links"] += self._giving_back(record)
        if record.end_on and renewal.offered(self.call(), record):
            address = url_for(".create_view", renews_id=record.id)
            found["links"].append((address, gettext("续签")))
        return found

    def _giving_back(self, record: Any) -> list[tuple[str, str]]:
        """Return what leads to giving back the money that a void contract still holds."""
        held = payment.received(self.session, record.id)
        begun = {"contract_id": record.id, "amount": plain(-held)}
        return [(url_for("payment.create_view", **begun), gettext("登记退款"))] if held > 0 else []
