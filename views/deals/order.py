"""订单 and 订单节点: the step line, on which steps are ticked, dated, annotated, given files."""

from types import MappingProxyType
from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext

from models.deals.delivery_note import DeliveryLine, DeliveryNote
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.deals.paper_template import PaperKind
from models.delivery.attachment import Attachment
from services.core import texts
from services.core.days import today
from services.core.errors import Invalid
from services.deals.order import deliveries, goods, milestones
from services.receivables.measures import OF_ORDER
from services.records import records
from services.rights.actor import may
from services.rights.gate import may_write
from views.core.base import CrmView
from views.deals.measured import MeasuredColumns, columns, numbers
from views.deals.paper import offered
from views.enquiry.links import LinkDoors
from views.form import forms
from views.form.entry import seen
from views.grid.tables import short_table
from views.render.files import FileDoors
from views.web.headers import is_local

PARTS = {"planned_on", "moved_because", "done_on", "note", "assignee_id"}
VERBS: dict[str, dict[str, Any]] = {
    "done": {"state": MilestoneState.done},
    "undo": {"state": MilestoneState.planned, "done_on": None},
    "skip": {"state": MilestoneState.skipped, "done_on": None},
    "save": {},
}


def step_line(view: Any, steps: list[OrderMilestone]) -> dict[str, Any]:
    """Return what the step line of a page shows: steps, today, which may be changed, their files.

    A constant number of statements whatever the number of steps.
    """
    keys = [step.id for step in steps]
    row = Attachment
    files: dict[int, list[Attachment]] = {}
    if keys:
        query = sa.select(row).where(row.noun == "milestone", row.record_id.in_(keys))
        for one in view.session.scalars(query.order_by(row.id)):
            files.setdefault(one.record_id, []).append(one)
    return {
        "steps": steps,
        "day": today(view.now()),
        "more": may(view.actor, "milestone:create"),
        "open": {step.id for step in steps if may_write(view.actor, "edit", step)},
        "files": files,
    }


class OrderView(LinkDoors, MeasuredColumns):
    """订单: made by the approval of a contract, moved by its milestones."""

    can_create = can_delete = False
    details_template = "admin/model/order.html"
    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | LinkDoors.link_doors
    grid_order: ClassVar[Any] = (
        *("code", "contract_id", "customer_id", "state", "deliver_on", "steps", "progress"),
        *("days", "invoiced", "paid", "overdue"),
    )
    extra_columns: ClassVar[Any] = columns(OF_ORDER)
    numeric = numbers(OF_ORDER)

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return the deliveries."""
        return [
            short_table(
                self,
                DeliveryNote,
                {"order_id": record.id},
                "code delivered_on carrier tracking",
                order="-delivered_on",
                add=record.state is not OrderState.cancelled,
            )
        ]

    plain = staticmethod(goods.plain)

    def goods(self, record: Any) -> list[goods.GoodsStanding]:
        """Return what the contract sells and what of it went out."""
        return goods.standings(self.session, record.contract_id)

    def line(self, record: Any) -> dict[str, Any]:
        """Return the step line of an order."""
        return step_line(self, record.milestones)


class DeliveryNoteView(FileDoors, CrmView):
    """发货单: begins with what is still to be sent of its order."""

    column_default_sort = ("delivered_on", True)

    def begun(self) -> dict[str, str]:
        """Begin with what is still to be sent of the order the form was opened for."""
        key = texts.key(request.args.get("order_id"))
        order = self.session.scalar(sa.select(Order).where(Order.id == key)) if key else None
        if order is None:
            return {}
        return forms.texts_given(DeliveryNote, deliveries.begun(self.session, order))

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer the paper that goes along."""
        found: dict[str, Any] = super().buttons(record)
        return found | {"papers": offered(self.actor, PaperKind.delivery, record.id)}

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return what went out."""
        mine = {"deliverynote_id": record.id}
        return [short_table(self, DeliveryLine, mine, "product_id quantity", most=100)]


class MilestoneView(FileDoors, CrmView):
    """订单节点."""

    column_default_sort = ("planned_on", False)
    can_delete = False
    column_formatters = MappingProxyType({"name": lambda _view, _context, row, _key: str(row)})
    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | {"step_view": "edit"}

    @expose("/step/", methods=("POST",))
    def step_view(self) -> Any:
        """Change a step from a step line and go back there."""
        step = self.get_one(request.form.get("id"))
        verb = VERBS.get(request.form.get("verb", "save"))
        if verb is None:
            raise Invalid({"verb": gettext("没有这个操作")})
        told = PARTS & set(request.form)
        values, wrong = forms.read(self.session, OrderMilestone, request.form, only=told)
        if verb.get("state") is MilestoneState.done and values.get("done_on") is None:
            values.pop("done_on", None)
        values |= verb
        if wrong:
            raise Invalid(wrong)
        along = request.form.get("along") == "1"
        said = records.warnings(self.call(), step, values)
        milestones.move(self.call(), step, values, seen=seen(), along=along)
        flash(gettext("已更新节点「%(name)s」", name=str(step)), "success")
        for one in said:
            flash(str(one.message), "warning")
        back = request.form.get("next", "")
        order = url_for("order.details_view", id=step.order_id)
        return redirect(back if is_local(back) else order, code=303)
