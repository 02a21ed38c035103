"""What of a contract can no longer be finished once it is void: said before anybody asks for it."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceState
from models.deals.payment import Payment, PaymentState
from services.core.money import total
from services.core.texts import yuan

WAITING = (
    (
        Payment.__table__,
        PaymentState.registered,
        _("有 %(n)s 笔已登记的回款未确认（共 %(sum)s 元），作废后不能再确认：请先确认或删除"),
    ),
    (
        Invoice.__table__,
        InvoiceState.requested,
        _("有 %(n)s 张申请中的发票未开具（共 %(sum)s 元），作废后不能再开：请先开具或删除"),
    ),
)


def unfinished(session: Session, contract: Contract) -> list[str]:
    """Return a sentence for what still waits: money to be confirmed, invoices to be issued."""
    told = []
    for table, state, words in WAITING:
        row: Any = session.execute(_waiting(table, state, contract.id)).one()
        if row.n:
            told.append(str(words) % {"n": row.n, "sum": yuan(int(row.sum))})
    return told


def _waiting(table: Any, state: Any, contract_id: int) -> Any:
    """Select how many wait and what they come to; what goes back is finished afterwards too."""
    columns = (sa.func.count().label("n"), total(table.c.amount).label("sum"))
    return sa.select(*columns).where(
        table.c.contract_id == contract_id,
        table.c.state == state,
        table.c.amount > 0,
        table.c.deleted_at.is_(None),
    )
