"""Money of a past over instalments: many payments at once, or as their file says."""

import collections
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.deals.payment import PaymentState
from services.deals.allocation import (
    PAID,
    PLAN,
    Instalments,
    Parts,
    parts_of,
    payments_of,
    relay,
    write,
)
from services.deals.contract_sums import lock
from services.records.settlement import rest_of


def fill_in_turn(session: Session, fresh: Sequence[tuple[int, int, int]]) -> None:
    """Let new confirmed money fill instalments in the order given, as `relay` after each would.

    `fresh`: (payment, contract, 分 > 0), of contracts whose payments are all confirmed money in.
    Three statements for all of them.
    """
    contracts = sorted({contract for _payment, contract, _amount in fresh})
    for contract in contracts:
        lock(session, contract)
    books = _books(session, contracts)
    wanted: Parts = {}
    for payment, contract, amount in fresh:
        book = books[contract]
        book.fill(payment, amount)
    mine = {payment for payment, _contract, _amount in fresh}
    for book in books.values():
        wanted |= {key: amount for key, amount in book.parts.items() if key[0] in mine}
    write(session, {}, wanted, ())


def _books(session: Session, contracts: list[int]) -> dict[int, Instalments]:
    """Return the instalments of contracts with what is settled of them."""
    found = {contract: Instalments({}, {}, {}) for contract in contracts}
    query = sa.select(*PLAN.c["id", "contract_id", "amount", "settled"])
    query = query.order_by(PLAN.c.due_on, PLAN.c.id)
    for n in range(0, len(contracts), 500):
        mine = PLAN.c.contract_id.in_(contracts[n : n + 500])
        for row in session.execute(query.where(mine)):
            book = found[row.contract_id]
            book.amounts[row.id], book.settled[row.id] = row.amount, row.settled
    return found


def first_confirmed(session: Session, payments: Collection[int]) -> None:
    """Let payments that came in confirmed fill instalments before what is only registered."""
    other, mine = PAID.alias(), PAID.alias()
    waits = sa.and_(
        other.c.contract_id == mine.c.contract_id,
        other.c.state == PaymentState.registered,
        other.c.deleted_at.is_(None),
    )
    query = sa.select(mine.c.contract_id, mine.c.id).where(sa.exists().where(waits))
    found: dict[int, list[int]] = {}
    keys = list(payments)
    for n in range(0, len(keys), 500):
        for row in session.execute(query.where(mine.c.id.in_(keys[n : n + 500]))):
            found.setdefault(row.contract_id, []).append(row.id)
    for contract_id, anew in sorted(found.items()):
        relay(session, contract_id, anew=anew)


def open_by_day(session: Session, contract_id: int) -> collections.Counter[dt.date]:
    """Return day → what no confirmed money settles yet (分) of the instalments due then."""
    rows = sa.select(*PLAN.c["due_on", "amount", "settled"])
    found = collections.Counter[dt.date]()
    for row in session.execute(rows.where(PLAN.c.contract_id == contract_id)):
        found[row.due_on] += max(rest_of(row), 0)
    return found


def as_said(session: Session, said: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
    """Lay confirmed payments that came together on the instalments they name, the rest as ever.

    `said`: payment → its parts, each with `due_on` and `amount` (分); none for what names nothing.
    """
    named = [key for key, parts in said.items() if parts]
    query = sa.select(PAID.c.id, PAID.c.contract_id).where(PAID.c.id.in_(named))
    for contract_id in sorted({row.contract_id for row in session.execute(query)}):
        lock(session, contract_id)
        rows = session.execute(
            sa.select(PLAN.c.id, PLAN.c.amount, PLAN.c.due_on)
            .where(PLAN.c.contract_id == contract_id)
            .order_by(PLAN.c.due_on, PLAN.c.id)
        ).all()
        paid = [row.id for row in payments_of(session, contract_id)]
        had = parts_of(session, paid)
        book = Instalments({row.id: row.amount for row in rows}, {row.id: 0 for row in rows}, {})
        for (payment, line), amount in had.items():
            if payment not in said:
                book.keep(payment, line, amount)
        for payment in (key for key in paid if key in said):
            for part in said[payment]:
                _lay_on(book, [r.id for r in rows if r.due_on == part["due_on"]], payment, part)
        write(session, had, book.parts, ())
        relay(session, contract_id)


def _lay_on(book: Instalments, lines: list[int], payment: int, part: Mapping[str, Any]) -> None:
    """Lay a part on the lines of its day; what finds no room is left to follow."""
    rest = part["amount"]
    for line in lines:
        share = min(rest, max(book.amounts[line] - book.settled[line], 0))
        if share:
            book.keep(payment, line, share)
            rest -= share
