"""What a file says of money holds together: lines, amount and plan of a record agree."""

from typing import Any

from flask_babel import lazy_gettext as _

import models as m
from services import lines
from services.importing import lining
from services.importing.plan import Planned, Values
from services.texts import yuan

Found = list[tuple[str, Any]]


def new(one: Planned) -> Found:
    """Return what does not add up in a new record, field and reason; blank amounts follow."""
    if one.model not in lining.PRICED:
        return []
    told = one.lines.get("lines") or []
    amount: int | None = one.values.get("amount")
    if told and _tells(one, told):
        amount = lining.sum_of(told)
    return _faults(one, told, amount, one.lines.get("plan") or [])


def _tells(one: Planned, told: list[Values]) -> bool:
    """Tell whether lines say the amount; an opportunity may have some without prices."""
    given = [line.get("price") is not None for line in told]
    return any(given) if one.model is m.Contract else all(given)


def _faults(one: Planned, told: list[Values], amount: int | None, plan: list[Values]) -> Found:
    given: int | None = one.values.get("amount")
    if told and given is not None and amount is not None and given != amount:
        words = _("金额 %(a)s 元与产品明细合计 %(b)s 元不符", a=yuan(given), b=yuan(amount))
        return [("amount", words)]
    if not plan or amount is None:
        return []
    planned = sum(line.get("amount") or 0 for line in lines.by_ratio(plan, amount))
    if planned == amount:
        return []
    words = _(
        "回款计划合计 %(sum)s 元，与合同金额 %(amount)s 元不符",
        sum=yuan(planned),
        amount=yuan(amount),
    )
    return [("plan", words)]


def is_own_plan(record: Any, key: str) -> bool:
    """Tell whether a contract's plan is the one we gave it: the whole amount due on signing."""
    if key != "plan" or len(record.plan) != 1:
        return False
    line = record.plan[0]
    return (line.amount, line.due_on, line.note) == (record.amount, record.signed_on, None)


def follow(one: Planned, record: Any) -> None:
    """Let the amount of a record that is there follow its new lines; blame what does not add up."""
    if one.model not in lining.PRICED or not {"lines", "amount"} & one.changes.keys():
        return
    told: list[Values] = one.changes.get("lines") or []
    amount = one.changes.get("amount", record.amount)
    if told and _tells(one, told):
        amount = lining.sum_of(told)
        if amount != record.amount:
            one.changes.setdefault("amount", amount)
    elif "amount" in one.changes and getattr(record, "lines", None):
        told = [{"subtotal": line.subtotal} for line in record.lines]
        amount = sum(line.subtotal for line in record.lines)
    for key, reason in _faults(one, told, amount, []):  # the plan is a rule of the form
        one.blame(key, "BAD_VALUE", reason)
