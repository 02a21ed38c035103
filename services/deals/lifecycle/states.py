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
from models.core.setting import Setting
from models.deals.contract import Contract, ContractState
from models.deals.delivery_note import DeliveryNote
from models.deals.invoice import Invoice
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.deals.payment import Payment, PaymentState
from services.core import clock
from services.core.days import today
from services.core.errors import Forbidden, Invalid, Locked
from services.core.money import total
from services.core.settings import get_setting
from services.deals.lifecycle import touched
from services.deals.order import shipping
from services.deals.order.milestones import progress
from services.deals.progress import ContractFigures, figures
from services.rights import gate
from services.rights.access import unscoped
from services.rights.actor import may
from services.rights.call import Call

RULE, WHOLE, INVOICED = "fulfilment", 10_000, "contract.done_invoiced"
TOUCHED = "fulfilment_touched"
# What of a row makes it say something else of its contract; of a contract itself its amount alone.
SAYS = frozenset({"amount", "state", "contract_id", "deleted_at", "weight"})
PIECES = 20  # of notes, that one sweep takes
LONGEST = 200
PIECE = 200  # contracts whose figures are read together


def install(factory: Any) -> None:
    """Let a session factory watch its flushes; a second call changes nothing."""
    for name, hook in (("after_flush", note), ("before_commit", settle_touched)):
        if not sa.event.contains(factory, name, hook):
            sa.event.listen(factory, name, hook)


def note(session: Session, _context: UOWTransaction) -> None:
    """Note the contracts and orders whose money or steps a flush wrote (`after_flush`)."""
    contracts, orders, lines, notes = session.info.setdefault(TOUCHED, (set(), set(), set(), set()))
    for row in (*session.new, *session.dirty, *session.deleted):
        if (told := shipping.told_by(row)) is not None:
            lines.add(told)
        if isinstance(row, DeliveryNote):
            notes.add(row.order_id)
        elif isinstance(row, Setting) and row.key == INVOICED:
            touched.every(session)
        elif _says_else(session, row):
            if isinstance(row, OrderMilestone):
                orders.add((row.order_id, _went_back(row)))
            else:
                contracts.add(row.id if isinstance(row, Contract) else row.contract_id)


def _says_else(session: Session, row: Any) -> bool:
    """Tell whether a flushed row says something else of how its contract stands."""
    if not isinstance(row, Payment | Invoice | Order | OrderMilestone | Contract):
        return False
    told: Any = sa.inspect(row)
    keys = {"amount"} if isinstance(row, Contract) else SAYS & set(told.attrs.keys())
    changed = any(told.attrs[key].history.has_changes() for key in keys)
    return changed or row in session.deleted


def _went_back(step: OrderMilestone) -> bool:
    """Tell whether a step that was done no longer is."""
    return MilestoneState.done in sa.inspect(step).attrs.state.history.deleted


def settle_touched(session: Session) -> None:
    """Settle what the transaction touched before it commits (`before_commit`)."""
    session.flush()
    while any(found := session.info.pop(TOUCHED, ())):
        contracts, orders, lines, notes = found
        shipping.say(session, lines | (shipping.of_orders(session, notes) if notes else set()))
        with unscoped(session, "approval"), gate.rule(session, RULE):
            contracts |= _settle_orders(session, orders)
            session.flush()
            settle(session, contracts)


def _settle_orders(session: Session, stepped: set[tuple[int, bool]]) -> set[int]:
    """Finish orders whose steps are done, open those of which one went back; return contracts.

    One that somebody finished with steps open stays finished.
    """
    found, keys = set(), {key for key, _back in stepped}
    for order in session.scalars(sa.select(Order).where(Order.id.in_(keys))) if keys else ():
        session.refresh(order, ["milestones"])
        found.add(order.contract_id)
        whole = progress(order) == WHOLE
        if whole and order.milestones and order.state is OrderState.open:
            order.state = OrderState.done
        elif not whole and order.state is OrderState.done and (order.id, True) in stepped:
            order.state = OrderState.open
    return found


def settle(session: Session, keys: Iterable[int]) -> int:
    """Move contracts to 履行完毕 or back under the caller's rule. Returns how many moved.

    What somebody closed by hand, and what was closed before there was a date of it, stays closed.
    """
    day, moved, wanted = today(clock.of(session)), 0, sorted(keys)
    strict = bool(get_setting(session, INVOICED))
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

    Only those are read that were touched since; what is found is judged as everywhere. A contract
    that a person put back in force stays so until something happens to it.
    """
    moved = 0
    for _piece in range(PIECES):
        notes = touched.some(session)
        if not notes:
            break
        moved += _settle_some(session, set(notes.values()))
        touched.strike(session, list(notes))
    return moved


def _settle_some(session: Session, keys: set[int]) -> int:
    """Judge those of some contracts that could move: what is not paid is not finished."""
    paid = (
        sa.select(total(Payment.amount))
        .where(Payment.contract_id == Contract.id, Payment.state == PaymentState.confirmed)
        .correlate(Contract)
        .scalar_subquery()
    )
    running = sa.and_(Contract.state == ContractState.active, paid >= Contract.amount)
    query = sa.select(Contract.id).where(
        Contract.id.in_(keys), sa.or_(running, Contract.state == ContractState.done)
    )
    with gate.rule(session, RULE):
        return settle(session, session.scalars(query).all())


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
    touched.forget(call.session, contract.id)


def _demand(call: Call, contract: Contract, state: ContractState) -> None:
    if not may(call.by, "contract:finish"):
        raise Forbidden
    if contract.state is not state:
        raise Locked(_("合同状态已变化，请刷新后重试"))
