"""What is unusual but allowed: not refused, but said at every door it comes by.

Money beyond a contract, money registered twice, a day before the contract was signed.

All amounts in 分.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.payment import Payment, PaymentState
from services.core.texts import yuan
from services.deals.contract_sums import CONTRACT, PAID
from services.records.records import Said, Values

COMING = "payment.coming"  # session.info: contract → 分 that one file registers, refunds off
READ = "payment.read"  # session.info: contract → what was read of it, while a file is checked
OVER, SAME, EARLY = "OVER_CONTRACT", "SAME_PAYMENT", "BEFORE_SIGNING"
NAMED = 3  # of the payments that are the same


def said(session: Session, record: Any, values: Values) -> list[Said]:
    """Return what somebody should know before a payment is registered or changed."""
    contract_id = record.contract_id or values.get("contract_id")
    if contract_id is None or (record.id is not None and not values.keys() & {"amount", "paid_on"}):
        return []
    amount = values.get("amount", record.amount) or 0
    day = values.get("paid_on", record.paid_on)
    rows = _rows(session, contract_id)
    others = [row for row in rows if row.id is not None and row.id != record.id]
    coming = (session.info.get(COMING) or {}).get(contract_id, 0)
    paid = sum(row.paid for row in others) + coming
    over = _beyond(rows, paid + amount) if amount > 0 else 0
    found = []
    if over > 0:
        told = _("连同已登记的回款，超出合同 %(over)s 元", over=yuan(over))
        found.append(Said("amount", OVER, told, str(over)))
    same = [row.code for row in others if (row.paid_on, row.paid) == (day, amount)]
    if same and amount:
        names = "、".join(same[:NAMED])
        told = _("同一合同、同一天、同一金额的回款已登记：%(codes)s", codes=names)
        found.append(Said("amount", SAME, told, names))
    return found + early(rows[0].signed_on if rows else None, {"paid_on": values.get("paid_on")})


def early(signed_on: dt.date | None, days: Mapping[str, dt.date | None]) -> list[Said]:
    """Say which days lie before a contract was signed: field → day, None where it says nothing."""
    return [
        Said(key, EARLY, _("%(day)s 早于签订日 %(signed)s", day=day, signed=signed_on), str(day))
        for key, day in days.items()
        if day is not None and signed_on is not None and day < signed_on
    ]


def said_on_confirming(session: Session, payment: Payment) -> list[Said]:
    """Return what finance should know before it confirms a payment."""
    if payment.state is not PaymentState.registered or payment.amount <= 0:
        return []
    rows = _rows(session, payment.contract_id)
    paid = sum(row.paid for row in rows if row.state is PaymentState.confirmed)
    over = _beyond(rows, paid + payment.amount)
    told = _("确认后实收超出合同 %(over)s 元", over=yuan(over))
    return [Said("amount", OVER, told, str(over))] if over > 0 else []


def _rows(session: Session, contract_id: int) -> list[Any]:
    """Return the payments of a contract beside its amount, one row without any; unscoped."""
    read = session.info.get(READ)
    if read is not None and contract_id in read:
        found: list[Any] = read[contract_id]
        return found
    alive = sa.and_(
        PAID.c.contract_id == CONTRACT.c.id,
        PAID.c.state != PaymentState.reversed,
        PAID.c.deleted_at.is_(None),
    )
    query = (
        sa.select(
            *CONTRACT.c["amount", "signed_on"],
            *PAID.c["id", "code", "paid_on", "state"],
            PAID.c.amount.label("paid"),
        )
        .select_from(CONTRACT.outerjoin(PAID, alive))
        .where(CONTRACT.c.id == contract_id)
        .order_by(PAID.c.id)
    )
    rows = list(session.execute(query))
    if read is not None:
        read[contract_id] = rows
    return rows


def _beyond(rows: list[Any], paid: int) -> int:
    """Return what so much money is beyond a contract's amount; ≤ 0 while it is not."""
    amount = rows[0].amount if rows else None
    return 0 if amount is None else paid - int(amount)
