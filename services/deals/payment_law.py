"""What must hold for a payment: one law for form, inline and bulk edit, import and confirmation.

Guards in the database stand behind it (20261126_refunds, 20261129_money_law): what is given back
came in, parts come to no more than their payment, confirmed money stays as it is. Amounts in 分.
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from models.deals.payment import Payment, PaymentState
from services.core.texts import yuan


@dataclasses.dataclass(frozen=True, slots=True)
class Paid:
    """A payment as it would be; None where it says nothing.

    `received` is what else is confirmed on its contract, less what was given back.
    """

    amount: int | None
    received: int = 0
    paid_on: dt.date | None = None
    day: dt.date | None = None
    in_force: bool = True


def faults(paid: Paid) -> dict[str, Any]:
    """Return what does not hold: field → message, {} when all is well."""
    found: dict[str, Any] = {}
    if not paid.in_force:
        found["contract_id"] = _("合同未生效或已作废，不能登记")
    if paid.amount == 0:
        found["amount"] = _("金额不能为 0")
    if paid.amount is not None and paid.amount < 0 and -paid.amount > paid.received:
        most = yuan(max(paid.received, 0))
        found["amount"] = _("退款不能超过该合同已确认的回款 %(most)s 元", most=most)
    if paid.paid_on is not None and paid.day is not None and paid.paid_on > paid.day:
        found["paid_on"] = _("回款日期不能晚于今天")
    return found


def no_receipt(payment: Payment) -> Any:
    """Return why there is no receipt for a payment, None where there is one."""
    if payment.amount <= 0:
        return _("退款不能开具收据")
    if payment.state is not PaymentState.confirmed:
        return _("回款%(state)s，已确认的回款才能开具收据", state=payment.state)
    return None


def part_faults(amount: int, parts: Mapping[int, int], room: Mapping[int, int]) -> dict[str, Any]:
    """Return what stands against parts of a payment: input → message.

    `parts`: instalment → 分, with the sign of the payment; `room`: instalment → what it can still
    take (of a refund: what can be taken from it), ≥ 0.
    """
    sign = -1 if amount < 0 else 1
    found: dict[str, Any] = {}
    for line, part in parts.items():
        if part * sign < 0:
            found[f"part-{line}"] = _("金额不能为负数")
        elif abs(part) > room.get(line, 0):
            found[f"part-{line}"] = _("这一期还可分摊 %(rest)s 元", rest=yuan(room.get(line, 0)))
    whole = sum(parts.values())
    if not found and abs(whole) > abs(amount):
        found["parts"] = _(
            "分摊合计 %(sum)s 元，超过回款金额 %(amount)s 元",
            sum=yuan(abs(whole)),
            amount=yuan(abs(amount)),
        )
    return found
