"""应收: instalments of contracts in force, with what is open, late and how old."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import url_for
from flask_admin.actions import action
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from models.deals.contract import IN_FORCE
from models.deals.payment import PaymentAllocation
from models.deals.payment_plan import PaymentPlan
from services.bulk.jobs import Task
from services.core import texts
from services.core.days import today
from services.core.money import plain
from services.core.texts import yuan
from services.receivables import instalments, remind
from services.receivables.measures import OF_INSTALMENT
from services.records import settlement
from services.rights.actor import may
from views.deals.measured import MeasuredColumns, columns, numbers
from views.grid import listing
from views.grid.actions import V, allowed, confirmed
from views.grid.tables import short_table
from views.render.cells import tag

LINE: Any = PaymentPlan.__table__


class InstalmentView(MeasuredColumns):
    """Receivables."""

    can_create = can_edit = can_delete = False
    column_default_sort = ("due_on", False)
    grid_order: ClassVar[Any] = (
        *("contract_id", "customer_id", "due_on", "amount", "settled", "open", "state", "days"),
    )
    numeric = frozenset({"open", "days"}) | numbers(OF_INSTALMENT)
    extra_columns: ClassVar[Any] = (
        ("open", _("未收")),
        ("state", _("状态")),
        ("days", _("逾期天数")),
        ("bucket", _("账龄")),
        *columns(OF_INSTALMENT),
    )

    def reading(self, args: Any) -> listing.Listing:
        """Leave out what no contract in force asks for."""
        found = super().reading(args)
        found.where.append(instalments.in_force())
        return found

    def sorts(self) -> dict[str, Any]:
        """Sort by what is open and by the days overdue: the older the day it was due the more."""
        return super().sorts() | {
            "open": sa.select(LINE.c.id, settlement.rest_of(LINE.c).label("open")),
            "days": sa.select(LINE.c.id, instalments.oldest_first().label("days")),
        }

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return what is open, the state, and how late it is."""
        day = today(self.now())
        ages = {row.id: instalments.bucket_of(row, day) for row in rows}
        return {
            "open": {row.id: yuan(max(settlement.rest_of(row), 0)) for row in rows},
            "state": {row.id: tag(instalments.state_of(row, day)) for row in rows},
            "days": {row.id: instalments.days_of(row, day) or "" for row in rows},
            "bucket": {key: str(age) if age else "" for key, age in ages.items()},
        }

    def exported_values(
        self, session: Any, rows: Any, wanted: set[str]
    ) -> dict[str, dict[int, Any]]:
        """Return the same as numbers and words."""
        found = super().exported_values(session, rows, wanted)
        if wanted & {"open", "state", "days", "bucket"}:
            day = today(self.now())
            query = sa.select(PaymentPlan).where(PaymentPlan.id.in_([row.id for row in rows]))
            lines = session.scalars(query).all()
            ages = {one.id: instalments.bucket_of(one, day) for one in lines}
            found |= {
                "open": {one.id: max(settlement.rest_of(one), 0) / 100 for one in lines},
                "state": {one.id: str(instalments.state_of(one, day)) for one in lines},
                "days": {one.id: instalments.days_of(one, day) for one in lines},
                "bucket": {key: str(age) for key, age in ages.items() if age},
            }
        return found

    def sums(self, query: Any) -> dict[str, Any]:
        """Add up what is open too."""
        found: dict[str, Any] = super().sums(query)
        told = {one["key"]: texts.money(one["text"]) for one in found["sums"]}
        rest = yuan(told["amount"] - told["settled"])
        found["sums"].append({"key": "open", "caption": gettext("未收"), "text": rest})
        return found

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer registering the payment of what is open."""
        found: dict[str, Any] = super().buttons(record)
        rest = settlement.rest_of(record)
        asks = record.contract is not None and record.contract.state in IN_FORCE
        if rest > 0 and asks and may(self.actor, "payment:create"):
            begun = {"contract_id": record.contract_id, "amount": plain(rest)}
            found["links"] = [(url_for("payment.create_view", **begun), gettext("登记回款"))]
        return found

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return the payments that settle it."""
        return [
            short_table(
                self, PaymentAllocation, {"plan_id": record.id}, "payment_id amount", most=100
            )
        ]

    @action("remind", _("催收提醒"))
    @allowed(lambda view: may(view.actor, "paymentplan:remind"))
    @confirmed(V.remind, style="p")
    def action_remind(self) -> Task:
        """Remind whoever answers for each."""
        return remind.reminding(self.actor)
