"""Orders and milestones: progress is computed from the weights of the steps done."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.core.mixins import Approval
from models.deals.contract import Contract, ContractState
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from services.core.days import YEARS, today
from services.core.errors import Invalid
from services.deals import overpayment
from services.deals.progress import ContractFigures
from services.records.records import Said, Saver, Values, given, saver, update
from services.rights.call import Call


@saver(Order)
class OrderSaver(Saver):
    """The rules of an order: it belongs to an approved contract, for ever to the same."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Check the contract; the form offers none, a file names one. A void one opens nothing."""
        if "contract_id" not in values:
            void = record.id is not None and record.contract.state is ContractState.void
            opens = values.get("state") is OrderState.open
            return {"state": _("合同已作废，订单不能重新打开")} if void and opens else {}
        if record.id is not None:
            return {"contract_id": _("订单所属的合同不能更换")}
        contract = call.session.scalar(
            sa.select(Contract).where(Contract.id == values["contract_id"])
        )
        void = contract is not None and contract.state is ContractState.void
        if contract is None or contract.approval is not Approval.approved or void:
            return {"contract_id": _("合同未通过审批或已作废，不能有订单")}
        return {}


@saver(OrderMilestone)
class MilestoneSaver(Saver):
    """The rules of a step."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Steps stay with their order; done ones have a day that has come; weights are ≥ 0."""
        errors: dict[str, Any] = {}
        done_on = values.get("done_on")
        if done_on and done_on > today(call.now):
            errors["done_on"] = _("完成日期不能晚于今天")
        order_id = given(record, values, "order_id")
        if record.id is not None and order_id != record.order_id:
            errors["order_id"] = _("节点所属的订单不能更换")
        order = call.session.get(Order, order_id) if order_id is not None else None
        if order is not None and order.contract.state is ContractState.void:
            errors["state"] = _("合同已作废，节点不能再改")
        if (values.get("weight") or 0) < 0:
            errors["weight"] = _("权重不能为负数")
        return errors

    def warn(self, call: Call, record: Any, values: Values) -> list[Said]:
        """Say when a step was done before the contract was signed."""
        order_id = given(record, values, "order_id")
        order = call.session.get(Order, order_id) if order_id is not None else None
        if order is None or values.get("done_on") is None:
            return []
        return overpayment.early(order.contract.signed_on, {"done_on": values["done_on"]})

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """State and date agree: done without a date means today, a date means done.

        A day that is moved keeps the one that was agreed.
        """
        before = sa.inspect(record).attrs.planned_on.history.deleted
        if before and before[0] is not None and record.agreed_on is None:
            record.agreed_on = before[0]
        elif record.agreed_on is not None and record.agreed_on == record.planned_on:
            record.agreed_on = record.moved_because = None
        if values.keys() & {"state", "done_on"}:
            record.by_deliveries = False  # a person's word stays, whatever is delivered
        if record.state is MilestoneState.done and record.done_on is None:
            record.done_on = today(call.now)
        elif "done_on" in values and record.done_on is not None:
            record.state = MilestoneState.done
        elif record.state is not MilestoneState.done:
            record.done_on = None


def move(
    call: Call, step: OrderMilestone, values: Values, *, seen: int | None, along: bool = False
) -> None:
    """Change a step from the step line; `along` moves the open steps after it by as many days.

    One that was moved before for a reason of its own keeps it; the others get that of this move.
    Raises Invalid, Stale, Locked, Forbidden, as for every other door.
    """
    before = step.planned_on
    update(call, step, values, seen=seen)
    if not along or before is None or step.planned_on is None or step.planned_on == before:
        return
    by = step.planned_on - before
    for one in later(call, step):
        if one.planned_on is not None:
            told = {"planned_on": _moved(one, one.planned_on + by)}
            reason = one.moved_because or values.get("moved_because")
            update(call, one, told | {"moved_because": reason}, seen=None)


def _moved(step: OrderMilestone, day: dt.date) -> dt.date:
    """Return the new day of a step that moves along. Raises Invalid where no form would take it."""
    if day.year in YEARS:
        return day
    words = _("「%(step)s」会顺延到 %(day)s，请核对年份", step=str(step), day=day)
    raise Invalid({"planned_on": words})


def later(call: Call, step: OrderMilestone) -> list[OrderMilestone]:
    """Return the steps of the same order after this one that are still planned."""
    row = OrderMilestone
    query = sa.select(row).where(
        row.order_id == step.order_id,
        row.ordinal > step.ordinal,
        row.state == MilestoneState.planned,
    )
    return list(call.session.scalars(query.order_by(row.ordinal, row.id)))


def progress(order: Order) -> int:
    """Return 交付% of an order in basis points, as its contract counts it.

    Weight of done steps over weight of all that were not skipped; one without steps is delivered
    when it is done.
    """
    bare = [] if order.milestones else [order.state is OrderState.done]
    return ContractFigures(steps=list(order.milestones), bare=bare).delivery
