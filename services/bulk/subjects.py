"""What is said beside the names of records one is asked about once more: customer and amount."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.types import Money
from models.customers.customer import Customer
from services.core.texts import yuan

CUSTOMER: Any = Customer.__table__.alias("named_customer")


def told(session: Session, model: type[Any], keys: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Return key → customer and amount in 元, of those that are seen and have them; one statement.

    The customer's name stands on a Core table: whoever sees a record reads whose it is.
    """
    columns = model.__table__.c
    if "customer_id" not in columns or not keys:
        return {}
    has = "amount" in columns and isinstance(columns.amount.type, Money)
    amount = model.amount if has else sa.null()
    query = sa.select(model.id, CUSTOMER.c.company, amount)
    query = query.outerjoin(CUSTOMER, CUSTOMER.c.id == model.customer_id)
    found = session.execute(query.where(model.id.in_(list(keys))))
    return {key: (*_some(company), *_money(fen)) for key, company, fen in found}


def _some(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()


def _money(fen: int | None) -> tuple[str, ...]:
    return () if fen is None else (yuan(fen),)
