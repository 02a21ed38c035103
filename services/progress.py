"""Where orders and contracts stand: 交付%, 开票%, 回款%, instalments and what is overdue.

Nothing of it is stored: a day later the same rows say something else.
"""

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services.allocation import Book
from services.money import total

Ask = Callable[..., Any]
AGES: tuple[tuple[int, Any], ...] = (
    (0, _("未到期")),
    (30, _("逾期 1–30 天")),
    (60, _("逾期 31–60 天")),
    (90, _("逾期 61–90 天")),
)
OLDEST = _("逾期 90 天以上")


@dataclasses.dataclass(frozen=True, slots=True)
class Instalment:
    """A line of the payment plan with what confirmed payments settled of it, in 分."""

    line: m.PaymentPlan
    settled: int
    state: m.PlanState
    days: int  # overdue, 0 when it is not

    @property
    def open(self) -> int:
        """Return what is still to be paid, in 分."""
        return max(self.line.amount - self.settled, 0)


@dataclasses.dataclass(slots=True)
class Figures:
    """What a contract came to; amounts in 分, percentages of the contract's amount."""

    amount: int = 0
    invoiced: int = 0
    paid: int = 0
    steps: list[m.OrderMilestone] = dataclasses.field(default_factory=list)
    plan: list[Instalment] = dataclasses.field(default_factory=list)

    @property
    def delivery(self) -> int:
        """Return 交付%: weight of the done milestones over that of all that were not skipped."""
        steps = [s for s in self.steps if s.state is not m.MilestoneState.skipped]
        done = sum(s.weight for s in steps if s.state is m.MilestoneState.done)
        return _percent(done, sum(s.weight for s in steps))

    @property
    def invoicing(self) -> int:
        """Return 开票%."""
        return _percent(self.invoiced, self.amount)

    @property
    def collection(self) -> int:
        """Return 回款%."""
        return _percent(self.paid, self.amount)

    @property
    def unallocated(self) -> int:
        """Return what was paid (分) and settles no instalment; the cockpit's 未分摊 is the same."""
        return max(self.paid - sum(one.settled for one in self.plan), 0)

    @property
    def beyond(self) -> int:
        """Return by how much (分) more was paid than the contract is worth."""
        return max(self.paid - self.amount, 0)

    @property
    def settled(self) -> int:
        """Return how many instalments are paid."""
        return sum(one.state is m.PlanState.done for one in self.plan)

    @property
    def overdue(self) -> list[Instalment]:
        """Return the overdue instalments, the oldest first."""
        late = [one for one in self.plan if one.state is m.PlanState.overdue]
        return sorted(late, key=lambda one: -one.days)

    @property
    def ages(self) -> list[tuple[Any, int]]:
        """Return (caption, open 分) by age; nothing for a void contract."""
        sums = [0] * (len(AGES) + 1)
        for one in self.plan:
            if one.state is not m.PlanState.void:
                place = next(
                    (n for n, (most, _c) in enumerate(AGES) if one.days <= most), len(AGES)
                )
                sums[place] += one.open
        return list(zip([*(c for _m, c in AGES), OLDEST], sums, strict=True))


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


def figures(
    session: Session, contracts: Iterable[m.Contract], *, day: dt.date, system: str | None = None
) -> dict[int, Figures]:
    """Return contract key → Figures, two statements whatever the number of contracts.

    `system` names the system query where nobody is logged in.
    """
    ask = functools.partial(session.execute, execution_options={"system": system} if system else {})
    known = {contract.id: contract for contract in contracts}
    found = {key: Figures(amount=c.amount or 0) for key, c in known.items()}
    if not known:
        return found
    _deliveries(ask, found)
    lines: dict[int, list[tuple[m.PaymentPlan, int]]] = {}
    for key, invoiced, paid, line, settled in _money(ask, known):
        one = found[key]
        one.invoiced, one.paid = invoiced, paid
        if line is not None:
            lines.setdefault(key, []).append((line, settled))
    for key, told in lines.items():
        one, shares = found[key], _shares(found[key].paid, told)
        for line, _direct in told:
            state = plan_state(known[key], line, shares[line.id], day)
            late = (day - line.due_on).days if state is m.PlanState.overdue else 0
            one.plan.append(Instalment(line, shares[line.id], state, late))
    return found


def _shares(paid: int, lines: list[tuple[m.PaymentPlan, int]]) -> dict[int, int]:
    """Return what is settled of each instalment, as the cockpit counts it.

    Allocations come first, confirmed money without a line fills the oldest lines, a refund without
    one empties the newest (dashboards/instalments.py).
    """
    book = Book(
        {line.id: line.amount for line in sorted((ln for ln, _s in lines), key=_due)},
        {line.id: settled for line, settled in lines},
        {},
    )
    rest = paid - sum(settled for _line, settled in lines)
    if rest > 0:
        book.fill(0, rest)
    elif rest < 0:
        book.take(0, -rest)
    return book.settled


def _due(line: m.PaymentPlan) -> tuple[dt.date, int]:
    return line.due_on, line.id


def _deliveries(ask: Ask, found: dict[int, Figures]) -> None:
    step = m.OrderMilestone
    rows = ask(
        sa.select(m.Order.contract_id, step)
        .join(m.Order, m.Order.id == step.order_id)
        .where(m.Order.contract_id.in_(found), m.Order.state != m.OrderState.cancelled)
        .order_by(m.Order.id, step.ordinal, step.id)
    )
    for key, one in rows:
        found[key].steps.append(one)


def _sum(model: type[Any], counts: Any) -> Any:
    query = sa.select(total(model.amount))
    return query.where(model.contract_id == m.Contract.id, counts).scalar_subquery()


def _money(ask: Ask, keys: Any) -> Any:
    """Return (contract, invoiced, paid, instalment or None, settled of it) in one statement, 分."""
    part, line, invoice, payment = m.PaymentAllocation, m.PaymentPlan, m.Invoice, m.Payment
    settled = (
        sa.select(part.plan_id, total(part.amount).label("amount"))
        .join(payment, payment.id == part.payment_id)
        .where(payment.state == m.PaymentState.confirmed, payment.contract_id.in_(keys))
        .group_by(part.plan_id)
        .subquery()
    )
    billed = (m.InvoiceState.issued, m.InvoiceState.red)
    return ask(
        sa.select(
            m.Contract.id,
            _sum(invoice, invoice.state.in_(billed)),
            _sum(payment, payment.state == m.PaymentState.confirmed),
            line,
            sa.func.coalesce(settled.c.amount, 0),
        )
        .outerjoin(line, line.contract_id == m.Contract.id)
        .outerjoin(settled, settled.c.plan_id == line.id)
        .where(m.Contract.id.in_(keys))
        .order_by(m.Contract.id, line.ordinal)
    )


def plan_state(
    contract: m.Contract, line: m.PaymentPlan, settled: int, day: dt.date
) -> m.PlanState:
    """Return the computed state of an instalment; due today is not overdue."""
    if contract.state is m.ContractState.void:
        return m.PlanState.void
    if settled >= line.amount:
        return m.PlanState.done
    # Only a contract in force asks for money.
    if line.due_on < day and contract.state in m.IN_FORCE:
        return m.PlanState.overdue
    return m.PlanState.partial if settled else m.PlanState.upcoming
