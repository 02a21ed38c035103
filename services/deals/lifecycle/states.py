"""A contract's state moves by what happened: 履行完毕 when delivered, invoiced and paid, and back.

`install` lets a session note whose money and steps a flush wrote and settle them before it commits,
whatever the door. What statements write past the unit of work the worker finds (`sweep`).
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session, UOWTransaction

from models.core.mixins import Approval
from models.deals.contract import Contract, ContractState
from models.deals.invoice import Invoice, InvoiceState
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.deals.payment import Payment, PaymentState
from services.core import clock
from services.core.days import today
from services.core.errors import Forbidden, Invalid, Locked
from services.core.money import total
from services.core.settings import get_setting
from services.deals.order.milestones import progress
from services.deals.progress import ContractFigures, figures
from services.rights import gate
from services.rights.access import unscoped
from services.rights.actor import may
from services.rights.call import Call

RULE, WHOLE = "fulfilment", 10_000
TOUCHED = "fulfilment_touched"
LONGEST = 200
PIECE = 200  # contracts whose figures are read together


def install(factory: Any) -> None:
    """Let a session factory watch its flushes; a second call changes nothing."""
    for name, hook in (("after_flush", note), ("before_commit", settle_touched)):
        if not sa.event.contains(factory, name, hook):
            sa.event.listen(factory, name, hook)


def note(session: Session, _context: UOWTransaction) -> None:
    """Note the contracts and orders whose money or steps a flush wrote (`after_flush`)."""
    found = session.info.setdefault(TOUCHED, (set(), set()))
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Payment | Invoice | Order):
            found[0].add(row.contract_id)
        elif isinstance(row, Contract) and sa.inspect(row).attrs.amount.history.has_changes():
            found[0].add(row.id)
        elif isinstance(row, OrderMilestone):
            found[1].add((row.order_id, _went_back(row)))


def _went_back(step: OrderMilestone) -> bool:
    """Tell whether a step that was done no longer is."""
    return MilestoneState.done in sa.inspect(step).attrs.state.history.deleted


def settle_touched(session: Session) -> None:
    """Settle what the transaction touched before it commits (`before_commit`)."""
    session.flush()
    while any(found := session.info.pop(TOUCHED, ())):
        contracts, orders = found
        with unscoped(session, "approval"), gate.rule(session, RULE):
            contracts |= _settle_orders(session, orders)
            session.flush()
            settle(session, contracts)


def _settle_orders(session: Session, touched: set[tuple[int, bool]]) -> set[int]:
    """Finish orders whose steps are done, open those of which one went back; return contracts.

    One that somebody finished with steps open stays finished.
    """
    found, keys = set(), {key for key, _back in touched}
    for order in session.scalars(sa.select(Order).where(Order.id.in_(keys))) if keys else ():
        session.refresh(order, ["milestones"])
        found.add(order.contract_id)
        whole = progress(order) == WHOLE
        if whole and order.milestones and order.state is OrderState.open:
            order.state = OrderState.done
        elif not whole and order.state is OrderState.done and (order.id, True) in touched:
            order.state = OrderState.open
    return found


def settle(session: Session, keys: Iterable[int]) -> int:
    """Move contracts to 履行完毕 or back under the caller's rule. Returns how many moved.

    What somebody closed by hand, and what was closed before there was a date of it, stays closed.
    """
    day, moved, wanted = today(clock.of(session)), 0, sorted(keys)
    strict = bool(get_setting(session, "contract.done_invoiced"))
    for n in range(0, len(wanted), PIECE):
        query = sa.select(Contract).where(
            Contract.id.in_(wanted[n : n + PIECE]),
            Contract.approval == Approval.approved,
            sa.or_(
                Contract.state == ContractState.active,
                sa.and_(Contract.done_on.is_not(None), Contract.done_note.is_(None)),
            ),
            Contract.state != ContractState.void,
        )
        rows = session.scalars(query).all()
        known = figures(session, rows, day=day, system="approval")
        for row in rows:
            moved += _move(row, day, whole=fulfilled(known[row.id], invoiced=strict))
    return moved


def _move(contract: Contract, day: Any, *, whole: bool) -> int:
    if whole == (contract.state is ContractState.done):
        return 0
    contract.state = ContractState.done if whole else ContractState.active
    contract.done_on = day if whole else None
    return 1


def fulfilled(found: ContractFigures, *, invoiced: bool) -> bool:
    """Tell whether a contract is delivered, paid and, where that is agreed, invoiced in full."""
    if not found.amount or found.delivery < WHOLE or found.paid < found.amount:
        return False
    return found.invoiced >= found.amount or not invoiced


def sweep(session: Session) -> int:
    """Settle the contracts whose state and money disagree; for what statements wrote. Return moves.

    One statement finds them, whatever their number; what it finds is judged as everywhere.
    """
    paid = _sum(Payment, Payment.state == PaymentState.confirmed)
    billed = _sum(Invoice, Invoice.state.in_((InvoiceState.issued, InvoiceState.red)))
    short = paid < Contract.amount
    if get_setting(session, "contract.done_invoiced"):
        short = sa.or_(short, billed < Contract.amount)
    closed = sa.and_(Contract.done_on.is_not(None), Contract.done_note.is_(None))
    query = sa.select(Contract.id).where(
        Contract.amount > 0,
        sa.or_(
            sa.and_(Contract.state == ContractState.active, paid >= Contract.amount),
            sa.and_(Contract.state == ContractState.done, closed, short),
        ),
    )
    with gate.rule(session, RULE):
        return settle(session, session.scalars(query).all())


def _sum(model: Any, counts: Any) -> Any:
    rows = sa.select(total(model.amount)).where(model.contract_id == Contract.id, counts)
    return rows.correlate(Contract).scalar_subquery()


def may_close(call: Call, contract: Contract) -> bool:
    """Tell whether this person may close or reopen a contract by hand as it stands."""
    moved = contract.state in {ContractState.active, ContractState.done}
    return moved and may(call.by, "contract:finish")


def finish(call: Call, contract: Contract, reason: str | None) -> None:
    """Close a running contract by hand, with the reason. Raises Forbidden, Locked, Invalid."""
    _demand(call, contract, ContractState.active)
    if not (reason or "").strip():
        raise Invalid({"reason": _("请填写结案说明")})
    with gate.rule(call.session, RULE):
        contract.state, contract.done_on = ContractState.done, today(call.now)
        contract.done_note = (reason or "").strip()[:LONGEST]


def reopen(call: Call, contract: Contract) -> None:
    """Let a closed contract run again. Raises Forbidden, Locked.

    One that is delivered, invoiced and paid is closed again by the next thing that happens to it.
    """
    _demand(call, contract, ContractState.done)
    with gate.rule(call.session, RULE):
        contract.state, contract.done_on, contract.done_note = ContractState.active, None, None


def _demand(call: Call, contract: Contract, state: ContractState) -> None:
    if not may(call.by, "contract:finish"):
        raise Forbidden
    if contract.state is not state:
        raise Locked(_("合同状态已变化，请刷新后重试"))
