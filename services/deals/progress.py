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

from models.deals.contract import IN_FORCE, Contract, ContractState
from models.deals.invoice import Invoice, InvoiceState
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from models.deals.payment_plan import PaymentPlan, PlanState
from services.core.money import total
from services.records.settlement import is_paid

Ask = Callable[..., Any]
AGES: tuple[tuple[int, Any], ...] = (
    (0, _("未到期")),
    (30, _("逾期 1–30 天")),
    (60, _("逾期 31–60 天")),
    (90, _("逾期 61–90 天")),
    (180, _("逾期 91–180 天")),
)
OLDEST = _("逾期 180 天以上")


@dataclasses.dataclass(frozen=True, slots=True)
class Instalment:
    """A line of the payment plan and what payments settled of it, in 分."""

    line: PaymentPlan
    settled: int
    registered: int  # of payments that nobody has confirmed yet
    state: PlanState
    days: int  # overdue, 0 when it is not

    @property
    def open(self) -> int:
        """Return what is still to be paid, in 分."""
        return max(self.line.amount - self.settled, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Late:
    """What of one axis is overdue: how many steps or instalments, since how long, how much (分)."""

    count: int = 0
    days: int = 0
    amount: int = 0


@dataclasses.dataclass(slots=True)
class ContractFigures:
    """What a contract came to; amounts in 分, shares in basis points (`points`), cut."""

    amount: int = 0
    invoiced: int = 0
    paid: int = 0
    steps: list[OrderMilestone] = dataclasses.field(default_factory=list)
    orders: list[Order] = dataclasses.field(default_factory=list)  # those not cancelled
    bare: list[bool] = dataclasses.field(default_factory=list)  # orders without steps: done or not
    plan: list[Instalment] = dataclasses.field(default_factory=list)
    day: dt.date | None = None  # the day it is read for; None where nothing can be overdue

    @property
    def late_delivery(self) -> Late:
        """Return the steps that are late; due today is not overdue."""
        day = self.day
        late = [(one.planned_on, 0) for one in self.steps if day and one.is_late(day)]
        return _late(late, day)

    @property
    def late_invoicing(self) -> Late:
        """Return the instalments that are due and not invoiced; invoices cover the oldest first."""
        rest, bare = self.invoiced, []
        for one in sorted(self.plan, key=lambda one: _due(one.line)):
            covered = min(max(rest, 0), one.line.amount)
            rest -= covered
            if one.line.amount > covered:
                bare.append((one.line.due_on, one.line.amount - covered))
        return _late(bare, self.day)

    @property
    def late_collection(self) -> Late:
        """Return the instalments that are overdue."""
        return _late([(one.line.due_on, one.open) for one in self.overdue], self.day)

    @property
    def delivery(self) -> int:
        """Return 交付% in basis points: weight of the done steps over that of all not skipped.

        An order without steps counts as one, done when the order is.
        """
        steps = [s for s in self.steps if s.state is not MilestoneState.skipped]
        done = sum(s.weight for s in steps if s.state is MilestoneState.done) + sum(self.bare)
        return points(done, sum(s.weight for s in steps) + len(self.bare))

    @property
    def invoicing(self) -> int:
        """Return 开票% in basis points."""
        return points(self.invoiced, self.amount)

    @property
    def collection(self) -> int:
        """Return 回款% in basis points."""
        return points(self.paid, self.amount)

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
        return sum(one.state is PlanState.done for one in self.plan)

    @property
    def overdue(self) -> list[Instalment]:
        """Return the overdue instalments, the oldest first."""
        late = [one for one in self.plan if one.state is PlanState.overdue]
        return sorted(late, key=lambda one: -one.days)

    @property
    def ages(self) -> list[tuple[Any, int]]:
        """Return (caption, open 分) by age; nothing for a void contract."""
        sums = [0] * (len(AGES) + 1)
        for one in self.plan:
            if one.state is not PlanState.void:
                fits = (n for n, (most, _c) in enumerate(AGES) if one.days <= most)
                sums[next(fits, len(AGES))] += one.open
        return list(zip([*(c for _m, c in AGES), OLDEST], sums, strict=True))


def _late(parts: Iterable[tuple[dt.date | None, int]], day: dt.date | None) -> Late:
    late = [(due, amount) for due, amount in parts if day and due and due < day]
    if day is None or not late:
        return Late()
    days = (day - min(due for due, _amount in late)).days
    return Late(len(late), days, sum(amount for _due_on, amount in late))


def points(part: int, whole: int) -> int:
    """Return a share in basis points, cut: 99.996 % is 9999, all of it alone is 10000."""
    if not whole:
        return 0
    found = 10_000 * abs(part) // whole
    return found if part >= 0 else -found


def figures(
    session: Session, contracts: Iterable[Contract], *, day: dt.date, system: str | None = None
) -> dict[int, ContractFigures]:
    """Return contract key → Figures, two statements whatever the number of contracts.

    `system` names the system query where nobody is logged in.
    """
    ask = functools.partial(session.execute, execution_options={"system": system} if system else {})
    known = {contract.id: contract for contract in contracts}
    found = {
        key: ContractFigures(amount=c.amount or 0, day=day if c.state in IN_FORCE else None)
        for key, c in known.items()
    }
    if not known:
        return found
    _deliveries(ask, found)
    for key, invoiced, paid, registered, line in _money(ask, known):
        one = found[key]
        one.invoiced, one.paid = invoiced, paid
        if line is not None:
            state = plan_state(known[key], line, day)
            late = (day - line.due_on).days if state is PlanState.overdue else 0
            one.plan.append(Instalment(line, line.settled, registered, state, late))
    return found


def _due(line: PaymentPlan) -> tuple[dt.date, int]:
    return line.due_on, line.id


def _deliveries(ask: Ask, found: dict[int, ContractFigures]) -> None:
    step = OrderMilestone
    rows = ask(
        sa.select(Order, step)
        .outerjoin(step, Order.id == step.order_id)
        .where(Order.contract_id.in_(found), Order.state != OrderState.cancelled)
        .order_by(Order.id, step.ordinal, step.id)
    )
    for order, one in rows:
        figure = found[order.contract_id]
        if order not in figure.orders:
            figure.orders.append(order)
        if one is None:
            figure.bare.append(order.state is OrderState.done)
        else:
            figure.steps.append(one)


def _sum(model: type[Any], counts: Any) -> Any:
    query = sa.select(total(model.amount))
    return query.where(model.contract_id == Contract.id, counts).scalar_subquery()


def _money(ask: Ask, keys: Any) -> Any:
    """Return (contract, invoiced, paid, registered, instalment or None) in one statement, 分."""
    line, invoice, payment = PaymentPlan, Invoice, Payment
    part = PaymentAllocation
    # The state stands in the sum: PostgreSQL without statistics would read all that are registered.
    waits = sa.case((payment.state == PaymentState.registered, part.amount), else_=0)
    registered = sa.select(total(waits)).join(payment, payment.id == part.payment_id)
    registered = registered.where(part.plan_id == line.id)
    billed = (InvoiceState.issued, InvoiceState.red)
    return ask(
        sa.select(
            Contract.id,
            _sum(invoice, invoice.state.in_(billed)),
            _sum(payment, payment.state == PaymentState.confirmed),
            registered.correlate(line).scalar_subquery(),
            line,
        )
        .outerjoin(line, line.contract_id == Contract.id)
        .where(Contract.id.in_(keys))
        .order_by(Contract.id, line.ordinal)
    )


def plan_state(contract: Contract, line: PaymentPlan, day: dt.date) -> PlanState:
    """Return the computed state of an instalment; due today is not overdue."""
    if contract.state is ContractState.void:
        return PlanState.void
    if is_paid(line):
        return PlanState.done
    # Only a contract in force asks for money.
    if line.due_on < day and contract.state in IN_FORCE:
        return PlanState.overdue
    return PlanState.partial if line.settled else PlanState.upcoming
