"""What a file says of money holds together: lines, amount and plan of a record agree."""

import collections
import datetime as dt
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.contract import IN_FORCE, Contract
from models.deals.invoice import Invoice
from models.deals.payment import Payment
from services.core.texts import yuan
from services.deals import allocation_import, billed
from services.deals.billed import Billed
from services.importing.check import line_matching
from services.importing.file.plan import Planned, Values
from services.receivables import invoice_law
from services.receivables.invoice_law import Bill
from services.records import lines

Found = list[tuple[str, Any]]


def new(one: Planned) -> Found:
    """Return what does not add up in a new record, field and reason; blank amounts follow."""
    if one.model not in line_matching.PRICED:
        return []
    told = one.lines.get("lines") or []
    amount: int | None = one.values.get("amount")
    if told and _tells(one, told):
        amount = line_matching.sum_of(told)
    return _faults(one, told, amount, one.lines.get("plan") or [])


def will_be_in_force(contract: Planned, approval: str) -> bool:
    """Tell whether a contract of the run can take money and invoices once it is there."""
    state = contract.values.get("state")
    if approval != "approved":
        return False
    return state in IN_FORCE or (state is None and contract.values.get("signed_on") is not None)


def room(session: Session, contract: Planned | int) -> tuple[int | None, Billed]:
    """Return the amount of a contract (分) and what there is of its invoices."""
    if isinstance(contract, Planned):
        said: int | None = contract.values.get("amount")
        return (
            line_matching.sum_of(contract.lines["lines"]) if tells(contract) else said
        ), billed.NOTHING
    table: Any = Contract.__table__
    whole = session.execute(sa.select(table.c.amount).where(table.c.id == contract)).scalar()
    return whole, billed.of(session, contract)


def due(session: Session, contract: Planned | int) -> collections.Counter[dt.date]:
    """Return day → what is still open (分) of the instalments of a contract that are due then."""
    if isinstance(contract, int):
        return allocation_import.open_by_day(session, contract)
    whole, _billed = room(session, contract)
    day, found = contract.values.get("signed_on"), collections.Counter[dt.date]()
    plan: list[Values] = contract.lines.get("plan") or [{"due_on": day, "amount": whole}]
    for line in lines.by_ratio(plan, whole or 0):
        if line.get("due_on") is not None:
            found[line["due_on"]] += line.get("amount") or 0
    return found


def tells(one: Planned) -> bool:
    """Tell whether the lines of a record say its amount."""
    told = one.lines.get("lines") or []
    return one.model in line_matching.PRICED and bool(told) and _tells(one, told)


def _tells(one: Planned, told: list[Values]) -> bool:
    """Tell whether lines say the amount; an opportunity may have some without prices."""
    given = [line.get("price") is not None for line in told]
    return any(given) if one.model is Contract else all(given)


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
    if one.model not in line_matching.PRICED or not {"lines", "amount"} & one.changes.keys():
        return
    told: list[Values] = one.changes.get("lines") or []
    amount = one.changes.get("amount", record.amount)
    if told and _tells(one, told):
        amount = line_matching.sum_of(told)
        if amount != record.amount:
            one.changes.setdefault("amount", amount)
    elif "amount" in one.changes and getattr(record, "lines", None):
        told = [{"subtotal": line.subtotal} for line in record.lines]
        amount = sum(line.subtotal for line in record.lines)
    for key, reason in _faults(one, told, amount, []):  # the plan is a rule of the form
        one.blame(key, "BAD_VALUE", reason)


class Till:
    """What a run knows of the money of its contracts that the form's rules cannot know."""

    def __init__(self, session: Session) -> None:
        """Start with what is there."""
        self.session = session
        self.paid: collections.Counter[Planned] = collections.Counter()  # 分 on contracts to come
        self.due: dict[Planned | int, collections.Counter[dt.date]] = {}  # 分 still open
        self.room: dict[Planned | int, tuple[int | None, Billed]] = {}  # amount (分) and invoices

    def against(self, one: Planned, approval: str) -> Iterator[tuple[str, str, Any]]:
        """Yield what stands against a payment or invoice; others stand beside it in the run."""
        contract, amount = one.values.get("contract_id"), one.values.get("amount")
        if not isinstance(contract, Planned | int) or one.model not in {Payment, Invoice}:
            return
        if isinstance(contract, Planned) and not will_be_in_force(contract, approval):
            yield "contract_id", "BAD_VALUE", _("合同未生效或已作废，不能登记")
        elif one.model is Invoice and amount is not None:
            yield from self._invoice(one, contract)
        elif one.lines.get("allocations"):
            yield from self._shares(one, contract)
        elif isinstance(contract, Planned) and (amount or 0) < -self.paid[contract]:
            most = yuan(max(self.paid[contract], 0))
            words = _("退款不能超过该合同已确认的回款 %(most)s 元", most=most)
            yield "amount", "BAD_VALUE", words

    def _invoice(self, one: Planned, contract: Planned | int) -> Iterator[tuple[str, str, Any]]:
        """Ask the law of invoices, beside the others of the run."""
        if contract not in self.room:
            self.room[contract] = room(self.session, contract)
        whole, others = self.room[contract]
        bill = _bill(one, whole, others)
        if bill.amount < -others.invoiced:
            words = _("红冲不能超过已开票的 %(sum)s 元", sum=yuan(others.invoiced))
            yield "amount", "BAD_VALUE", words
            return
        for key, reason in invoice_law.within(bill).items():
            yield key, "BAD_VALUE", reason

    def _shares(self, one: Planned, contract: Planned | int) -> Iterator[tuple[str, str, Any]]:
        """Lay the parts of a payment on the days of its contract's instalments."""
        if contract not in self.due:
            self.due[contract] = due(self.session, contract)
        rest, parts = self.due[contract], one.lines["allocations"]
        whole = sum(part.get("amount") or 0 for part in parts)
        if whole > (one.values.get("amount") or 0):
            yield "allocations", "BAD_VALUE", _("分摊合计超过回款金额")
        for part in parts:
            day, amount = part.get("due_on"), part.get("amount") or 0
            if day is not None and rest[day] < amount:
                words = {"day": day, "rest": yuan(rest[day])}
                told = _("%(day)s 应收的期次还可分摊 %(rest)s 元", **words)
                yield "allocations", "BAD_VALUE", told
            elif day is not None:
                rest[day] -= amount

    def bring(self, one: Planned) -> None:
        """Let what follows in the run lean on the money of a record that comes in."""
        contract, amount = one.values.get("contract_id"), one.values.get("amount") or 0
        if one.model is Payment and isinstance(contract, Planned):
            self.paid[contract] += amount
        if one.model is Invoice and contract in self.room:
            whole, others = self.room[contract]
            self.room[contract] = (whole, _beside(_bill(one, whole, others), others))


def _bill(one: Planned, whole: int | None, others: Billed) -> Bill:
    """Return an invoice of a file beside what there is; its contract may have no key yet."""
    told = one.values
    issuing = bool(told.get("number") and told.get("issued_on"))
    return Bill(
        amount=told.get("amount") or 0,
        contract_id=0,
        day=dt.date.max,
        whole=whole,
        others=others,
        issuing=issuing,
        reasoned=bool(told.get("over_reason")),
    )


def _beside(bill: Bill, others: Billed) -> Billed:
    """Return what there is once an invoice came in."""
    ceiling = others.ceiling
    if bill.reasoned and bill.unagreed:
        ceiling = max(ceiling, others.invoiced + bill.amount)
    return Billed(
        others.invoiced + bill.amount,
        others.issued + (bill.amount if bill.issuing else 0),
        ceiling,
        others.agreed,
    )
