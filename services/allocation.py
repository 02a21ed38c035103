"""Money over instalments: first in, first out, confirmed money before what is only registered.

What confirmed money settled stays where it is; what of it has no instalment fills the oldest that
have room. A refund takes from money without an instalment first, then empties the newest lines.
"""

import dataclasses
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models as m

PART: Any = m.PaymentAllocation.__table__
PAID: Any = m.Payment.__table__
PLAN: Any = m.PaymentPlan.__table__
RULE = {"rule": "payment"}

Parts = dict[tuple[int, int], int]  # (payment, instalment) → 分


@dataclasses.dataclass(slots=True)
class Book:
    """The instalments of a contract, the oldest first, with what is settled; money without one."""

    amounts: dict[int, int]
    settled: dict[int, int]
    parts: Parts
    free: int = 0

    def keep(self, payment: int, line: int, amount: int) -> None:
        """Take over what a payment settled of a line."""
        self.parts[payment, line] = self.parts.get((payment, line), 0) + amount
        self.settled[line] += amount

    def fill(self, payment: int, rest: int) -> None:
        """Let money (分 > 0) fill the oldest lines that have room; what is left is free."""
        for line, amount in self.amounts.items():
            share = min(rest, max(amount - self.settled[line], 0))
            if share:
                self.keep(payment, line, share)
                rest -= share
        self.free += rest

    def take(self, payment: int, rest: int) -> None:
        """Let a refund (分 > 0) take free money, then empty the newest lines."""
        loose = min(rest, max(self.free, 0))
        self.free -= loose
        rest -= loose
        for line in reversed(self.amounts):
            share = min(rest, max(self.settled[line], 0))
            if share:
                self.keep(payment, line, -share)
                rest -= share


def relay(
    session: Session, contract_id: int, *, anew: Collection[int] = (), without: Collection[int] = ()
) -> None:
    """Write what each payment of a contract settles, as it follows from all of them; unscoped.

    `anew` are payments that have just been confirmed: what they held while they were only
    registered is forgotten. `without` are instalments that are about to go.
    """
    rows = sa.select(PLAN.c.id, PLAN.c.amount).where(PLAN.c.contract_id == contract_id)
    order = rows.order_by(PLAN.c.due_on, PLAN.c.id)
    amounts = {row.id: row.amount for row in session.execute(order) if row.id not in without}
    paid = _payments(session, contract_id)
    had = _parts(session, [row.id for row in paid])
    book = Book(amounts, dict.fromkeys(amounts, 0), {})
    confirmed = [row for row in paid if row.state is m.PaymentState.confirmed]
    held = {row.id for row in confirmed} - set(anew)
    for (payment, line), amount in had.items():
        if payment in held and line in amounts:
            book.keep(payment, line, amount)
    for group in (confirmed, [row for row in paid if row.state is m.PaymentState.registered]):
        _lay(book, group)
    _write(session, had, book.parts)


def first_confirmed(session: Session, payments: Collection[int]) -> None:
    """Let payments that came in confirmed fill instalments before what is only registered."""
    other, mine = PAID.alias(), PAID.alias()
    waits = sa.and_(
        other.c.contract_id == mine.c.contract_id,
        other.c.state == m.PaymentState.registered,
        other.c.deleted_at.is_(None),
    )
    query = sa.select(mine.c.contract_id, mine.c.id).where(sa.exists().where(waits))
    found: dict[int, list[int]] = {}
    keys = list(payments)
    for n in range(0, len(keys), 500):
        for row in session.execute(query.where(mine.c.id.in_(keys[n : n + 500]))):
            found.setdefault(row.contract_id, []).append(row.id)
    for contract_id, anew in found.items():
        relay(session, contract_id, anew=anew)


def _payments(session: Session, contract_id: int) -> list[Any]:
    query = sa.select(*PAID.c["id", "amount", "state"]).where(
        PAID.c.contract_id == contract_id,
        PAID.c.state != m.PaymentState.reversed,
        PAID.c.deleted_at.is_(None),
    )
    return list(session.execute(query.order_by(PAID.c.paid_on, PAID.c.id)))


def _parts(session: Session, payments: list[int]) -> Parts:
    query = sa.select(*PART.c["payment_id", "plan_id", "amount"])
    found: Parts = {}
    for n in range(0, len(payments), 500):
        rows = session.execute(query.where(PART.c.payment_id.in_(payments[n : n + 500])))
        found |= {(row.payment_id, row.plan_id): row.amount for row in rows}
    return found


def _lay(book: Book, payments: list[Any]) -> None:
    """Lay what payments have left: money first, then what is given back of it."""
    held: dict[int, int] = {}
    for (payment, _line), amount in book.parts.items():
        held[payment] = held.get(payment, 0) + amount
    rest = [(row.id, row.amount - held.get(row.id, 0)) for row in payments]
    for payment, amount in rest:
        if amount > 0:
            book.fill(payment, amount)
    for payment, amount in rest:
        if amount < 0:
            book.take(payment, -amount)


def _write(session: Session, had: Parts, wanted: Parts) -> None:
    wanted = {key: amount for key, amount in wanted.items() if amount}
    gone = [key for key, amount in had.items() if wanted.get(key) != amount]
    fresh = [key for key, amount in wanted.items() if had.get(key) != amount]
    for payment, line in gone:
        mine = sa.and_(PART.c.payment_id == payment, PART.c.plan_id == line)
        session.execute(sa.delete(PART).where(mine), execution_options=RULE)
    if fresh:
        values = [{"payment_id": p, "plan_id": n, "amount": wanted[p, n]} for p, n in fresh]
        session.execute(sa.insert(PART), values, execution_options=RULE)
    if gone or fresh:
        _forget(session, {payment for payment, _line in (*gone, *fresh)})


def _forget(session: Session, payments: set[int]) -> None:
    """Let records in memory read their allocations anew."""
    for record in list(session.identity_map.values()):
        key = sa.inspect(record).identity
        if isinstance(record, m.Payment) and key is not None and key[0] in payments:
            session.expire(record, ["allocations"])
