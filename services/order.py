"""Orders and milestones: progress is computed from the weights of the steps done."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

import models as m
from services import numbers
from services.records import Call, Saver, Values, saver

MILESTONES = ("合同生效", "备货生产", "出厂检验", "发货", "安装验收")
DELIVERY_DAYS = 30  # without a delivery date the last milestone is planned this far ahead


def steps(day: dt.date, deliver_on: dt.date | None) -> list[tuple[str, dt.date]]:
    """Return (name, planned day) of the milestones an order of this day starts with."""
    last = deliver_on or day + dt.timedelta(days=DELIVERY_DAYS)
    gap = max((last - day).days, 0) / (len(MILESTONES) - 1)
    return [(name, day + dt.timedelta(days=round(gap * n))) for n, name in enumerate(MILESTONES)]


@saver(m.Order)
class OrderSaver(Saver):
    """The rules of an order: it belongs to an approved contract, for ever to the same."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Check the contract; the form offers none, a file names one. A void one opens nothing."""
        if "contract_id" not in values:
            void = record.id is not None and record.contract.state is m.ContractState.void
            opens = values.get("state") is m.OrderState.open
            return {"state": _("合同已作废，订单不能重新打开")} if void and opens else {}
        if record.id is not None:
            return {"contract_id": _("订单所属的合同不能更换")}
        contract = call.session.scalar(
            sa.select(m.Contract).where(m.Contract.id == values["contract_id"])
        )
        void = contract is not None and contract.state is m.ContractState.void
        if contract is None or contract.approval is not m.Approval.approved or void:
            return {"contract_id": _("合同未通过审批或已作废，不能有订单")}
        return {}


@saver(m.OrderMilestone)
class MilestoneSaver(Saver):
    """The rules of a step."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Done steps have a date that is not in the future; weights are not negative."""
        errors: dict[str, Any] = {}
        done_on = values.get("done_on")
        if done_on and done_on > numbers.today(call.now):
            errors["done_on"] = _("完成日期不能晚于今天")
        if (values.get("weight") or 0) < 0:
            errors["weight"] = _("权重不能为负数")
        del record
        return errors

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """State and date agree: done without a date means today, a date means done."""
        if record.state is m.MilestoneState.done and record.done_on is None:
            record.done_on = numbers.today(call.now)
        elif "done_on" in values and record.done_on is not None:
            record.state = m.MilestoneState.done
        elif record.state is not m.MilestoneState.done:
            record.done_on = None


def progress(order: m.Order) -> int:
    """Return 交付% of an order: weight of done steps over weight of all that were not skipped."""
    steps = [s for s in order.milestones if s.state is not m.MilestoneState.skipped]
    whole = sum(s.weight for s in steps)
    done = sum(s.weight for s in steps if s.state is m.MilestoneState.done)
    return round(100 * done / whole) if whole else 0
