"""What must hold for an invoice: one law for form, inline and bulk edit, import and issue.

Guards in the database stand behind it (migration 20261129_money_law). All amounts in 分.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _

from services.core.texts import yuan
from services.deals.billed import Billed

WHOLE = 10_000  # basis points
Faults = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Original:
    """The invoice that another takes back: `left` is what of it nobody took back yet."""

    contract_id: int
    issued: bool
    issued_on: dt.date | None
    left: int


@dataclasses.dataclass(frozen=True, slots=True)
class Bill:
    """An invoice as it would be, beside what its contract has.

    `others` is what else there is of invoices, None where nothing that counts is moved; `agreed`
    up to what the contract may be invoiced because somebody agreed to this one, 0 where nobody
    did; `reverses` tells whether it names an original at all.
    """

    amount: int
    contract_id: int
    day: dt.date
    whole: int | None = None
    others: Billed | None = None
    agreed: int = 0
    net: int | None = None
    tax: int | None = None
    issued_on: dt.date | None = None
    issuing: bool = False
    reasoned: bool = False
    reverses: bool = False
    original: Original | None = None

    @property
    def billed(self) -> int:
        """Return what else is asked for or issued."""
        return self.others.invoiced if self.others else 0

    @property
    def most(self) -> int:
        """Return up to what may be asked for: the amount, or what others have a reason for."""
        return max(self.whole or 0, self.others.ceiling if self.others else 0)

    @property
    def beyond(self) -> int:
        """Return by how much more would be asked for than may be."""
        return self._over(self.billed, self.most)

    @property
    def unagreed(self) -> int:
        """Return by how much more would be asked for than anybody agreed to for others."""
        return self._over(self.billed, self.allowed)

    @property
    def allowed(self) -> int:
        """Return up to what may be issued: the amount, or what was agreed to for others."""
        return max(self.whole or 0, self.others.agreed if self.others else 0)

    @property
    def unissuable(self) -> int:
        """Return by how much issuing it goes beyond what was agreed to.

        What is issued stays within that; what others only ask for must find its room too, unless
        this one itself was agreed to.
        """
        if self.others is None:
            return 0
        issued = self._over(self.others.issued, max(self.allowed, self.agreed))
        return issued if self.agreed else max(issued, self.beyond)

    def _over(self, others: int, most: int) -> int:
        if self.whole is None or self.amount <= 0:
            return 0
        return max(others + self.amount - most, 0)


def faults(bill: Bill) -> Faults:
    """Return what does not hold: field → message, {} when all is well."""
    found: Faults = {}
    for law in LAWS:
        found = law(bill) | found
    return found


def within(bill: Bill) -> Faults:
    """Return what stands against the amount alone: it is 0, or more than may be invoiced."""
    return _amount(bill) | _within(bill)


def _amount(bill: Bill) -> Faults:
    if bill.amount == 0:
        return {"amount": _("金额不能为 0")}
    bare = bill.amount < 0 and not bill.reverses
    if bare and bill.others is not None and bill.billed + bill.amount < 0:
        words = _("红冲不能超过已开票的 %(sum)s 元", sum=yuan(max(bill.billed, 0)))
        return {"amount": words}
    return {}


def _within(bill: Bill) -> Faults:
    if bill.beyond and not bill.reasoned:
        return {
            "amount": _(
                "超出合同金额：合同 %(whole)s 元，已开和申请中 %(billed)s 元，还可开 %(left)s 元",
                whole=yuan(bill.most),
                billed=yuan(bill.billed),
                left=yuan(max(bill.most - bill.billed, 0)),
            )
        }
    over = bill.unissuable if bill.issuing else 0
    if over and not bill.reasoned:
        words = _("超出合同金额 %(over)s 元，请填写理由，经批准后才能开具", over=yuan(over))
        return {"over_reason": words}
    if over:
        return {"number": _("超出合同金额 %(over)s 元，须先经批准才能开具", over=yuan(over))}
    return {}


def _reversal(bill: Bill) -> Faults:
    if not bill.reverses:
        return {}
    if bill.original is None or not bill.original.issued:
        return {"reverses_id": _("只能红冲已开具的发票")}
    if bill.original.contract_id != bill.contract_id:
        return {"reverses_id": _("红冲的发票属于另一份合同")}
    if bill.amount > 0:
        return {"amount": _("红冲的金额须为负数")}
    if -bill.amount > bill.original.left:
        words = _("原发票还可红冲 %(left)s 元", left=yuan(bill.original.left))
        return {"amount": words}
    return {}


def _parts(bill: Bill) -> Faults:
    if bill.net is None or bill.tax is None:
        return {}
    if bill.net + bill.tax != bill.amount:
        return {
            "net_amount": _(
                "不含税 %(net)s 元加税额 %(tax)s 元不等于金额 %(amount)s 元",
                net=yuan(bill.net),
                tax=yuan(bill.tax),
                amount=yuan(bill.amount),
            )
        }
    sign = -1 if bill.amount < 0 else 1
    if bill.tax * sign < 0 or bill.net * sign < 0:
        return {"tax_amount": _("税额不能超过金额，正负须与金额一致")}
    return {}


def _dates(bill: Bill) -> Faults:
    if bill.issued_on is None:
        return {}
    if bill.issued_on > bill.day:
        return {"issued_on": _("开票日期不能晚于今天")}
    first = bill.original.issued_on if bill.original else None
    if first is not None and bill.issued_on < first:
        return {"issued_on": _("红冲日期不能早于原发票的 %(day)s", day=first)}
    return {}


LAWS: tuple[Callable[[Bill], Faults], ...] = (_amount, _within, _reversal, _parts, _dates)


def split(amount: int, rate_bp: int) -> tuple[int, int]:
    """Return (net, tax) of an amount that has the tax in it; halves are rounded away from 0."""
    whole = WHOLE + rate_bp
    net = (2 * abs(amount) * WHOLE + whole) // (2 * whole)
    net = -net if amount < 0 else net
    return net, amount - net
