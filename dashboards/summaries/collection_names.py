"""The rows of 回款汇总表 with the names that they go by."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from dashboards.core.names import label
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, CUSTOMER, PAYMENT, USER, contracted, named
from dashboards.measures import comparison, lines
from dashboards.measures.declared import Key, Measure
from dashboards.measures.dimensions import DIMENSIONS
from dashboards.measures.groups import ID, PagedGroups
from dashboards.measures.keyed import keyed
from dashboards.measures.payments import CASH, JOINED, where
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


def groups(actor: Actor, query: CockpitQuery, measures: tuple[Measure, ...]) -> PagedGroups | None:
    """Return the rows of a grain that has many."""
    if query.by == "payment":
        return PagedGroups(_payments(actor, query), lambda rows: _paid(actor, rows), finish=_people)
    if query.by not in {"customer", "contract", "plan"}:
        return None
    told = lines.MEASURES if query.by == "plan" else measures
    return _of(actor, query, told, query.by)


def paid(actor: Actor, query: CockpitQuery) -> PagedGroups:
    """Return what came in by contract."""
    return _of(actor, query, (CASH,), "contract")


def _of(actor: Actor, query: CockpitQuery, told: tuple[Measure, ...], by: str) -> PagedGroups:
    counted = keyed(actor, comparison.asks(query, told), KEYS[by]).cte()
    sums = sa.select(counted, counted.c[next(iter(KEYS[by]))].label(ID))
    found = PagedGroups(sums, lambda rows: _named(actor, rows, by))
    return dataclasses.replace(found, finish=_people) if by == "plan" else found


def _named(actor: Actor, rows: Any, by: str) -> Select[Any]:
    """Return rows of sums with customer, and contract where they have one."""
    if by == "customer":
        source = rows.join(CUSTOMER, CUSTOMER.c.id == rows.c.customer_id)
        return sa.select(rows, *named(actor), CUSTOMER.c.code).select_from(source)
    source, called = contracted(rows), [*named(actor), *CONTRACT.c["code", "name"]]
    if by == "plan":
        source = source.outerjoin(USER, USER.c.id == rows.c.owner_id)
        called.append(USER.c.name.label("owner"))
    return sa.select(rows, *called).select_from(source)


def _people(_session: Session, data: pd.DataFrame) -> pd.DataFrame:
    """Call what has no owner so."""
    data["owner"] = [label(key, {key: name}) for key, name in _pairs(data)]
    return data


def _pairs(data: pd.DataFrame) -> Any:
    return zip(data["owner_id"], data["owner"], strict=True)


def _payments(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the payments that came in in the period one by one, amounts in 分."""
    return (
        sa.select(
            PAYMENT.c.id.label(ID),
            *PAYMENT.c["code", "paid_on", "contract_id", "customer_id", "owner_id"],
            PAYMENT.c.amount.label(CASH.key),
        )
        .select_from(JOINED)
        .where(*where(actor, query))
    )


def _paid(actor: Actor, rows: Any) -> Select[Any]:
    return sa.select(
        rows,
        rows.c[ID].label("payment_id"),
        CONTRACT.c.code.label("contract"),
        *named(actor),
        USER.c.name.label("owner"),
    ).select_from(contracted(rows).outerjoin(USER, USER.c.id == rows.c.owner_id))
