"""Money over instalments: first in, first out, confirmed money before what is only registered.

What confirmed money settled stays where it is; what of it has no instalment fills the oldest that
have room. A refund takes from money without an instalment first, then empties the newest lines.
Money that a refund took fills nothing later: no row says so, it follows from what both have left.
Where that leaves an instalment with more than its amount, or less than nothing, since money or a
refund was reversed, the newest that lies there gives way and is laid anew.
What a person laid by hand stays where he laid it as long as there is room. A payment corrected to
less than its parts by hand loses those of the newest instalments first, as a refund would empty
them; money that becomes a refund, or the other way round, forgets them all.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.deals.payment import Payment, PaymentAllocation, PaymentState
from models.deals.payment_plan import PaymentPlan
from services.deals.contract_sums import lock

PART: Any = PaymentAllocation.__table__
PAID: Any = Payment.__table__
PLAN: Any = PaymentPlan.__table__
RULE = {"rule": "payment"}

Parts = dict[tuple[int, int], int]  # (payment, instalment) → 分


@dataclasses.dataclass(slots=True)
class Instalments:
    """The instalments of a contract, the oldest first, with what is settled; money without one."""

    amounts: dict[int, int]
    settled: dict[int, int]
    parts: Parts
    free: int = 0

    def keep(self, payment: int, line: int, amount: int) -> None:
        """Take over what a payment settled of a line."""
        self.parts[payment, line] = self.parts.get((payment, line), 0) + amount
        self.settled[line] += amount

    def give_way(self, payment: int) -> None:
        """Take parts off lines that have more than their amount, or less than nothing."""
        for line, amount in self.amounts.items():
            part, settled = self.parts.get((payment, line), 0), self.settled[line]
            over = min(max(settled - amount, 0), max(part, 0))
            under = max(min(settled, 0), min(part, 0))
            if over or under:
                self.keep(payment, line, -over - under)

    def lay(self, payment: int, line: int, amount: int) -> None:
        """Let a payment settle a line by hand, as far as there is room (of a refund: money)."""
        room = self.amounts[line] - self.settled[line] if amount > 0 else self.settled[line]
        share = min(abs(amount), max(room, 0))
        if share:
            self.keep(payment, line, share if amount > 0 else -share)

    def lay_all(self, payment: int, amount: int, parts: Mapping[int, int]) -> None:
        """Let a payment settle lines by hand, the oldest first, as far as its amount goes."""
        sign = -1 if amount < 0 else 1
        left = abs(amount)
        for line in self.amounts:
            share = min(max(sign * parts.get(line, 0), 0), left)
            before = self.settled[line]
            self.lay(payment, line, sign * share)
            left -= abs(self.settled[line] - before)

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

    Two at once wait for each other at the contract (`lock`), whoever calls.
    `anew` are payments that have just been confirmed: what they held while they were only
    registered is forgotten. `without` are instalments that are about to go.
    """
    lock(session, contract_id)
    rows = sa.select(PLAN.c.id, PLAN.c.amount).where(PLAN.c.contract_id == contract_id)
    order = rows.order_by(PLAN.c.due_on, PLAN.c.id)
    amounts = {row.id: row.amount for row in session.execute(order) if row.id not in without}
    paid = payments_of(session, contract_id)
    had = parts_of(session, [row.id for row in paid])
    book = Instalments(amounts, dict.fromkeys(amounts, 0), {})
    confirmed = [row for row in paid if row.state is PaymentState.confirmed]
    held = {row.id for row in confirmed} - set(anew)
    for (payment, line), amount in had.items():
        if payment in held and line in amounts:
            book.keep(payment, line, amount)
    for row in reversed(confirmed):
        book.give_way(row.id)
    chosen = _by_hand(session, [row.id for row in paid])
    for group in (confirmed, [row for row in paid if row.state is PaymentState.registered]):
        for row in group:
            if row.id not in held:
                mine = {line: part for (payment, line), part in chosen.items() if payment == row.id}
                book.lay_all(row.id, row.amount, mine)
        _lay(book, group, held)
    write(session, had, book.parts, chosen)


def by_hand(session: Session, payment: Payment, parts: Mapping[int, int]) -> None:
    """Lay a payment on the instalments a person chose (分, none: as ever); all others follow.

    The caller has asked whether there is room.
    """
    clear(session, payment.id)
    values = [
        {"payment_id": payment.id, "plan_id": line, "amount": amount, "by_hand": True}
        for line, amount in parts.items()
        if amount
    ]
    if values:
        session.execute(sa.insert(PART), values, execution_options=RULE)
    relay(session, payment.contract_id)
    _forget(session, {payment.id})


def clear(session: Session, *payments: int) -> None:
    """Take away what payments settle; the caller lays the others anew."""
    mine = PART.c.payment_id.in_(payments)
    session.execute(sa.delete(PART).where(mine), execution_options=RULE)


def gone(session: Session, payments: Sequence[int]) -> None:
    """What deleted payments settled is open again, for what else came in on their contracts."""
    other, touched = PAID.alias(), set[int]()
    more = sa.exists().where(
        other.c.contract_id == PAID.c.contract_id, other.c.deleted_at.is_(None)
    )
    query = sa.select(PAID.c.contract_id).where(more).distinct()
    for n in range(0, len(payments), 500):
        part = payments[n : n + 500]
        clear(session, *part)
        touched |= set(session.execute(query.where(PAID.c.id.in_(part))).scalars())
    for contract_id in sorted(touched):
        relay(session, contract_id)


def payments_of(session: Session, contract_id: int) -> list[Any]:
    """Return the payments of a contract that are not reversed, in the order of their days."""
    query = sa.select(*PAID.c["id", "amount", "state"]).where(
        PAID.c.contract_id == contract_id,
        PAID.c.state != PaymentState.reversed,
        PAID.c.deleted_at.is_(None),
    )
    return list(session.execute(query.order_by(PAID.c.paid_on, PAID.c.id)))


def parts_of(session: Session, payments: list[int]) -> Parts:
    """Return what payments settle as it is written."""
    query = sa.select(*PART.c["payment_id", "plan_id", "amount"])
    found: Parts = {}
    for n in range(0, len(payments), 500):
        rows = session.execute(query.where(PART.c.payment_id.in_(payments[n : n + 500])))
        found |= {(row.payment_id, row.plan_id): row.amount for row in rows}
    return found


def _by_hand(session: Session, payments: list[int]) -> Parts:
    """Return what people laid by hand of payments that are laid anew."""
    query = sa.select(*PART.c["payment_id", "plan_id", "amount"]).where(PART.c.by_hand)
    rows = session.execute(query.where(PART.c.payment_id.in_(payments))) if payments else ()
    return {(row.payment_id, row.plan_id): row.amount for row in rows}


def _lay(book: Instalments, payments: list[Any], held: Collection[int]) -> None:
    """Lay what payments have left: money first, then what is given back of it."""
    rest = {row.id: row.amount for row in payments}
    for (payment, _line), amount in book.parts.items():
        if payment in rest:
            rest[payment] -= amount
    _spent(rest, held)
    for payment, amount in rest.items():
        if amount > 0:
            book.fill(payment, amount)
    for payment, amount in rest.items():
        if amount < 0:
            book.take(payment, -amount)


def _spent(rest: dict[int, int], held: Collection[int]) -> None:
    """Take out of `rest` the money without an instalment that refunds took at an earlier time."""
    own = {payment: amount for payment, amount in rest.items() if payment in held}
    money = sum(amount for amount in own.values() if amount > 0)
    back = -sum(amount for amount in own.values() if amount < 0)
    for sign in (1, -1):
        left = min(money, back)
        for payment, amount in own.items():
            share = min(max(sign * amount, 0), left)
            rest[payment] -= sign * share
            left -= share


def write(session: Session, had: Parts, wanted: Parts, hand: Collection[tuple[int, int]]) -> None:
    """Write what payments settle; what is in `hand` stays what a person laid."""
    wanted = {key: amount for key, amount in wanted.items() if amount}
    gone = [key for key, amount in had.items() if wanted.get(key) != amount]
    fresh = [key for key, amount in wanted.items() if had.get(key) != amount]
    for payment, line in gone:
        mine = sa.and_(PART.c.payment_id == payment, PART.c.plan_id == line)
        session.execute(sa.delete(PART).where(mine), execution_options=RULE)
    if fresh:
        values = [
            {"payment_id": p, "plan_id": n, "amount": wanted[p, n], "by_hand": (p, n) in hand}
            for p, n in fresh
        ]
        session.execute(sa.insert(PART), values, execution_options=RULE)
    _forget(session, {payment for payment, _line in (*gone, *fresh)})


def _forget(session: Session, payments: set[int]) -> None:
    """Let records in memory read anew what payments settle."""
    for record in list(session.identity_map.values()):
        key = sa.inspect(record).identity
        if isinstance(record, Payment) and key is not None and key[0] in payments:
            session.expire(record, ["allocations"])
        elif isinstance(record, PaymentPlan) and key is not None:
            session.expire(record, ["settled"])
