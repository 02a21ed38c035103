"""Orders and milestones: progress is computed from the weights of the steps done."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

import models as m
from services import numbers
from services.records import Call, Saver, Values, saver


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
