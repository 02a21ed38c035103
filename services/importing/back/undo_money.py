"""Money of an import that goes: what it leaves behind stands as if it had never come."""

from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.invoice import Invoice, InvoiceState
from models.deals.payment import Payment, PaymentState
from models.importing.import_job import ImportRow
from services.core.money import total
from services.importing.check.finding import chunks

PAID: Any = Payment.__table__
BILL: Any = Invoice.__table__
REFUNDED = _("：撤销后该合同的退款会比已确认的回款多，请先冲销退款")
ISSUED = _("已开具，不能改回申请；请红冲")
COUNTS = sa.and_(PAID.c.state == PaymentState.confirmed, PAID.c.deleted_at.is_(None))


def against(
    session: Session, rows: Collection[ImportRow], staying: Collection[int]
) -> Iterator[tuple[ImportRow, Any]]:
    """Yield payments that refunds lean on which do not go with them.

    `staying` are the keys of rows that stay; other rows of their jobs go in their turn.
    """
    mine = {row.record_id: row for row in rows if row.noun == Payment.__noun__ and row.fresh}
    going = {key: row for key, row in mine.items() if row.id not in staying}
    paid = _paid(session, going)
    left = _rest(session, {one.contract_id for one in paid})
    for one in paid:
        left[one.contract_id] -= one.amount
    short = {key for key, rest in left.items() if rest < 0}
    if short:
        for contract_id, amount in _in_turn(session, rows, set(mine), short):
            left[contract_id] -= amount
    for one in paid:
        if one.amount > 0 and left[one.contract_id] < 0:
            yield going[one.id], REFUNDED


def issued(session: Session, rows: Collection[ImportRow]) -> Iterator[ImportRow]:
    """Yield the changes by which invoices were issued: what is issued stays as it is."""
    mine = {row.record_id: row for row in rows if row.noun == Invoice.__noun__ and not row.fresh}
    for part in chunks(sorted(mine)):
        query = sa.select(BILL.c.id).where(
            BILL.c.id.in_(part), BILL.c.state != InvoiceState.requested
        )
        yield from (mine[key] for key in session.execute(query).scalars())


def _paid(session: Session, keys: Collection[int]) -> list[Any]:
    query = sa.select(*PAID.c["id", "contract_id", "amount"]).where(COUNTS)
    found: list[Any] = []
    for part in chunks(sorted(keys)):
        found += session.execute(query.where(PAID.c.id.in_(part))).all()
    return found


def _rest(session: Session, contracts: set[int]) -> dict[int, int]:
    """Return contract → what is confirmed on it, in 分."""
    query = sa.select(PAID.c.contract_id, total(PAID.c.amount)).where(COUNTS)
    found: dict[int, int] = {}
    for part in chunks(sorted(contracts)):
        mine = query.where(PAID.c.contract_id.in_(part)).group_by(PAID.c.contract_id)
        found |= dict(session.execute(mine).all())
    return found


def _in_turn(
    session: Session, rows: Collection[ImportRow], asked: set[int], contracts: set[int]
) -> Iterator[tuple[int, int]]:
    """Yield (contract, 分) of the payments that go with another piece of the same undo."""
    table: Any = ImportRow.__table__
    same = sa.and_(table.c.noun == Payment.__noun__, table.c.record_id == PAID.c.id)
    turn = sa.and_(table.c.fresh, table.c.seen_version > 0)
    query = sa.select(*PAID.c["id", "contract_id", "amount"]).join(table, same)
    query = query.where(COUNTS, turn, table.c.job_id.in_({row.job_id for row in rows}))
    for part in chunks(sorted(contracts)):
        for one in session.execute(query.where(PAID.c.contract_id.in_(part))):
            if one.id not in asked:
                yield one.contract_id, one.amount
