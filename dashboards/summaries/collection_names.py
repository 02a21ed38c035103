"""The rows of 回款汇总表 with the names that they go by."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import Select

from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, CUSTOMER, PAYMENT, openable, removed
from dashboards.measures import comparison, lines
from dashboards.measures.declared import Key, Measure
from dashboards.measures.dimensions import DIMENSIONS
from dashboards.measures.keyed import keyed
from dashboards.measures.payments import JOINED, where
from services.rights.actor import Actor

OWNER, CUSTOMER_ID = DIMENSIONS["owner"].column, DIMENSIONS["customer"].column
CONTRACT_ID = DIMENSIONS["contract"].column
KEYS: dict[str, dict[str, Key]] = {
    "month": {"month": DIMENSIONS["month"].column, "owner_id": OWNER},
    "owner": {"owner_id": OWNER},
    "department": {"department_id": DIMENSIONS["department"].column},
    "customer": {"customer_id": CUSTOMER_ID},
    "contract": {"contract_id": CONTRACT_ID, "customer_id": CUSTOMER_ID},
    "plan": {
        "line_id": lines.line("line_id"),
        "contract_id": CONTRACT_ID,
        "customer_id": CUSTOMER_ID,
        "ordinal": lines.line("ordinal"),
        "due_on": lines.line("due_on"),
        "owner_id": OWNER,
    },
}


def named(actor: Actor, query: CockpitQuery, measures: tuple[Measure, ...]) -> Select[Any]:
    """Return the rows of a grain, with customer and contract where the grain has them."""
    told = lines.MEASURES if query.by == "plan" else measures
    grouped = keyed(actor, comparison.asks(query, told), KEYS[query.by])
    if query.by not in {"customer", "contract", "plan"}:
        return grouped
    row = grouped.subquery("grouped")
    source = row.join(CUSTOMER, CUSTOMER.c.id == row.c.customer_id)
    extra: list[Any] = [
        CUSTOMER.c.company,
        openable(actor, CUSTOMER.c.id).label("opened"),
        removed(actor).label("removed"),
    ]
    if query.by == "customer":
        extra.append(CUSTOMER.c.code)
    else:
        source = source.join(CONTRACT, CONTRACT.c.id == row.c.contract_id)
        extra += [CONTRACT.c.code, CONTRACT.c.name]
    return sa.select(row, *extra).select_from(source)


def payments(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the payments that came in in the period one by one, amounts in 分."""
    return (
        sa.select(
            PAYMENT.c.id.label("payment_id"),
            *PAYMENT.c["code", "paid_on", "contract_id", "customer_id", "owner_id"],
            PAYMENT.c.amount.label("cash"),
            CONTRACT.c.code.label("contract"),
            CUSTOMER.c.company,
            openable(actor, CUSTOMER.c.id).label("opened"),
            removed(actor).label("removed"),
        )
        .select_from(JOINED)
        .where(*where(actor, query))
    )
