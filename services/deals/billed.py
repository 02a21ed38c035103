"""What is invoiced of a contract, and how much may be: its amount, or more where that is agreed.

Amounts in 分, tax included. Guards in the database count the same (20261129_money_law,
20261129_agreed_invoices).
"""

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.deals.invoice import Invoice, InvoiceState
from services.core.money import total

INVOICE: Any = Invoice.__table__


def counts(invoice: Any = INVOICE) -> Any:
    """Return what an invoice counts: a reversal that is only asked for frees nothing yet."""
    asked = sa.and_(invoice.c.state == InvoiceState.requested, invoice.c.amount < 0)
    return sa.case((asked, 0), else_=invoice.c.amount)


class Billed(NamedTuple):
    """What there is of a contract's invoices, in 分.

    `invoiced` is asked for or issued, `issued` alone what is issued, both less what was reversed;
    `ceiling` up to what it may be asked for beyond the contract's amount, `agreed` up to what of
    that somebody agreed to; both 0 where nothing goes beyond. A ceiling goes as far as its invoice
    is reversed.
    """

    invoiced: int = 0
    issued: int = 0
    ceiling: int = 0
    agreed: int = 0


NOTHING = Billed()


def of(session: Session, contract_id: int, *, but: int | None = None) -> Billed:
    """Return what there is of a contract's invoices; unscoped. `but` is an invoice left out."""
    query = sa.select(*_sums())
    row = session.execute(query.where(*_alive(contract_id, but))).one()
    return Billed(*(int(value or 0) for value in row))


def invoiced(session: Session, contract_id: int, *, but: int | None = None) -> int:
    """Return what is asked for or issued on a contract less what was reversed; unscoped."""
    return of(session, contract_id, but=but).invoiced


def of_contract(contract_id: Any) -> list[Any]:
    """Return the same of a contract in SQL: sub-selects labelled as the fields of `Billed`."""
    mine = (INVOICE.c.contract_id == contract_id, INVOICE.c.deleted_at.is_(None))
    return [
        sa.select(sums).where(*mine).scalar_subquery().label(key)
        for key, sums in zip(Billed._fields, _sums(), strict=True)
    ]


def _alive(contract_id: int, but: int | None) -> list[Any]:
    found = [INVOICE.c.contract_id == contract_id, INVOICE.c.deleted_at.is_(None)]
    return found if but is None else [*found, INVOICE.c.id != but]


def _sums() -> tuple[Any, ...]:
    """Return what the fields of `Billed` add up, in their order."""
    issued = sa.case((INVOICE.c.state == InvoiceState.requested, 0), else_=INVOICE.c.amount)
    most = _ceilings()
    agreed = sa.case((INVOICE.c.over_agreed_at.is_not(None), most))
    return total(counts()), total(issued), sa.func.max(most), sa.func.max(agreed)


def _ceilings() -> Any:
    red = INVOICE.alias("red")
    taken = sa.select(total(red.c.amount)).where(
        red.c.reverses_id == INVOICE.c.id,
        red.c.state == InvoiceState.red,
        red.c.deleted_at.is_(None),
    )
    return INVOICE.c.over_ceiling + taken.correlate(INVOICE).scalar_subquery()
