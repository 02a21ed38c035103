"""What is invoiced of a contract, and how much may be: its amount, or more where that is agreed.

Amounts in 分, tax included. Guards in the database count the same (20261129_money_law).
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.deals.invoice import Invoice, InvoiceState
from services.core.money import total

INVOICE: Any = Invoice.__table__


def counts(invoice: Any = INVOICE) -> Any:
    """Return what an invoice counts: a reversal that is only asked for frees nothing yet."""
    asked = sa.and_(invoice.c.state == InvoiceState.requested, invoice.c.amount < 0)
    return sa.case((asked, 0), else_=invoice.c.amount)


def invoiced(session: Session, contract_id: int, *, but: int | None = None) -> int:
    """Return what is asked for or issued on a contract less what was reversed; unscoped.

    `but` is an invoice left out.
    """
    query = sa.select(total(counts())).where(*_alive(contract_id, but))
    return int(session.execute(query).scalar_one())


def ceiling(session: Session, contract_id: int, *, but: int | None = None) -> int:
    """Return up to what a contract may be invoiced beyond its amount, 0 where nothing is; unscoped.

    What an invoice was allowed goes as far as it is reversed.
    """
    found = sa.select(sa.func.max(_ceilings())).where(
        INVOICE.c.over_ceiling.is_not(None), *_alive(contract_id, but)
    )
    return int(session.execute(found).scalar() or 0)


def of_contract(contract_id: Any) -> tuple[Any, Any]:
    """Return (invoiced, ceiling) of a contract as sub-selects; the ceiling NULL without one."""
    mine = (INVOICE.c.contract_id == contract_id, INVOICE.c.deleted_at.is_(None))
    sums = sa.select(total(counts())).where(*mine)
    most = sa.select(sa.func.max(_ceilings())).where(*mine, INVOICE.c.over_ceiling.is_not(None))
    return sums.scalar_subquery(), most.scalar_subquery()


def _alive(contract_id: int, but: int | None) -> list[Any]:
    found = [INVOICE.c.contract_id == contract_id, INVOICE.c.deleted_at.is_(None)]
    return found if but is None else [*found, INVOICE.c.id != but]


def _ceilings() -> Any:
    red = INVOICE.alias("red")
    taken = sa.select(total(red.c.amount)).where(
        red.c.reverses_id == INVOICE.c.id,
        red.c.state == InvoiceState.red,
        red.c.deleted_at.is_(None),
    )
    return INVOICE.c.over_ceiling + taken.correlate(INVOICE).scalar_subquery()
