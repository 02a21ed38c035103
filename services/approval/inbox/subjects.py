"""Whose customer a request is about and its amount: what tells two of one name apart.

Over Core tables: whoever sees a request reads customer and amount in it, also where the record
itself is out of his scope.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.core.cached import cached
from models.customers.customer import Customer
from services.approval.flow.naming import kind_of
from services.approval.flow.preview import money_text
from services.records.snapshot import REVIEWED

REQUEST: Any = ApprovalRequest.__table__


class Subject(NamedTuple):
    """The customer's name and what the record's amount is now, in 分."""

    company: str | None = None
    amount: int | None = None


@cached
def columns() -> tuple[Any, Any]:
    """Return the columns of a Subject, for a statement over the table of requests."""
    customer = _alias(Customer)
    named = sa.select(customer.c.company).where(customer.c.id == REQUEST.c.customer_id)
    amounts = []
    for noun, model in REVIEWED.items():
        if "amount" in model.__table__.c:
            one = _alias(model)
            mine = sa.select(one.c.amount).where(one.c.id == REQUEST.c.record_id)
            asked = mine.correlate(REQUEST).scalar_subquery()
            amounts.append((REQUEST.c.noun == noun, sa.type_coerce(asked, sa.BigInteger)))
    amount = sa.case(*amounts, else_=None) if amounts else sa.null()
    return named.correlate(REQUEST).scalar_subquery(), amount


@cached  # an alias copies every column of its table
def _alias(model: Any) -> Any:
    return model.__table__.alias(f"subject_{model.__tablename__}")


def told(
    session: Session, requests: Collection[int], *, kinds: bool = False
) -> dict[int, tuple[str, ...]]:
    """Return request → what stands beneath its name, with what it is (`kinds`); one statement."""
    if not requests:
        return {}
    row = REQUEST.c
    query = sa.select(*row["id", "noun", "action", "payload"], *columns())
    found: Any = session.execute(query.where(row.id.in_(list(requests)))).all()
    more = {one.id: (kind_of(one),) if kinds else () for one in found}
    return {one.id: (*beneath(one, Subject(*one[4:])), *more[one.id]) for one in found}


def beneath(request: Any, subject: Subject) -> tuple[str, ...]:
    """Return what its name does not say: the customer; the amount where its kind has none."""
    company = subject.company if request.noun != "customer" else None
    return tuple(one for one in (company, _amount(request, subject.amount)) if one)


def _amount(request: Any, now: int | None) -> str:
    """Return the amount as it is, or as it is to change; a new record's is told by its kind."""
    values = request.payload.get("values", {})
    new, old = values.get("amount"), request.payload.get("old", {}).get("amount")
    if request.action is FlowAction.create:
        return ""
    if request.action is FlowAction.change and "amount" in values:
        return "→".join("—" if one is None else money_text(one, ".2f") for one in (old, new))
    return "" if now is None else money_text(now, ".2f")
