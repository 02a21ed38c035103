"""The rows of 客户业绩汇总表 that the database pages: its customers and its contracts."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import Select

from dashboards.core import filters
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import (
    CONTRACT,
    CUSTOMER,
    OPTION,
    USER,
    contracted,
    named,
    openable,
    removed,
)
from dashboards.core.sql import caption
from dashboards.measures import comparison
from dashboards.measures import contracts as facts
from dashboards.measures.declared import Measure, leaves
from dashboards.measures.dimensions import DIMENSIONS
from dashboards.measures.groups import ID, PagedGroups
from dashboards.measures.keyed import Ask, keyed
from services.rights.actor import Actor

# What came in or was created beside the customers of the rows stands in one row of its own.
REST = _("其他客户（本期无合同）")
HIDDEN = (facts.SIGNERS, facts.SIGNER)


def customers(actor: Actor, query: CockpitQuery, told: tuple[Measure, ...]) -> PagedGroups:
    """Return the customers who signed in the period, or all of them, and what is beside them."""
    first, *bases = comparison.asks(query, told)
    asks = [dataclasses.replace(first, measures=(*first.measures, *HIDDEN)), *bases]
    return PagedGroups(
        _own(actor, query, asks), lambda rows: _customers(actor, rows), share_of=facts.AMOUNT.key
    )


def _own(actor: Actor, query: CockpitQuery, asks: list[Ask]) -> Select[Any]:
    """Return the sums by customer; those without a contract in the period have the key 0.

    Steps stand beside each other, not in each other: SQLite's parser goes a hundred deep.
    """
    parts = {ask.label(one): one for ask in asks for one in leaves(ask.measures)}
    counted = keyed(actor, asks, {"key": DIMENSIONS["customer"].column}).cte()
    own = counted.c[facts.COUNT.key] > 0
    if query.undealt:
        shown = _undealt(actor, query)
        own = sa.or_(own, counted.c.key.in_(shown))
        nothing = [sa.cast(0, sa.BigInteger()).label(label) for label in parts]
        every = shown.subquery("undealt")
        more = sa.select(every.c.id, every.c.id, *nothing)
    keys = sa.case((own, counted.c.key), else_=0).label("own")
    stack: Any = sa.select(keys, *counted.c)
    if query.undealt:
        stack = sa.union_all(stack, more)
    stack = stack.cte()
    sums = [one.gathered(stack.c[label]).label(label) for label, one in parts.items()]
    found = sa.select(stack.c.own.label(ID), *sums).group_by(stack.c.own).cte()
    return sa.select(found).where(sa.or_(found.c[ID] != 0, *(found.c[one] != 0 for one in parts)))


def _undealt(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return which customers without a contract are shown: those whose owner now is in scope."""
    return (
        sa.select(CUSTOMER.c.id)
        .select_from(CUSTOMER.outerjoin(USER, USER.c.id == CUSTOMER.c.owner_id))
        .where(
            *filters.counted_customer(),
            *filters.narrow(actor, query, "customer"),
            *filters.search(actor, query),
        )
    )


def _customers(actor: Actor, rows: Any) -> Select[Any]:
    """Return rows of sums with their customers, and who signed: the owner where nobody did."""
    person = sa.func.coalesce(sa.func.nullif(rows.c.signer, 0), CUSTOMER.c.owner_id)
    several = rows.c.signers > 1
    people = gettext("多人") + sa.literal("(") + sa.cast(rows.c.signers, sa.String) + ")"
    beside = rows.c[ID] == 0
    return sa.select(
        rows,
        CUSTOMER.c.id.label("customer_id"),
        CUSTOMER.c.code,
        sa.case((beside, str(REST)), else_=CUSTOMER.c.company).label("company"),
        CUSTOMER.c.level,
        CUSTOMER.c.industry_id,
        caption(OPTION).label("industry"),
        sa.or_(beside, openable(actor, CUSTOMER.c.id)).label("opened"),
        removed(actor).label("removed"),
        sa.case((sa.or_(beside, several), None), else_=person).label("owner_id"),
        sa.case((beside, None), (several, people), else_=USER.c.name).label("owner"),
    ).select_from(
        rows.outerjoin(CUSTOMER, CUSTOMER.c.id == rows.c[ID])
        .outerjoin(OPTION, OPTION.c.id == CUSTOMER.c.industry_id)
        .outerjoin(USER, USER.c.id == person)
    )


def contracts(actor: Actor, query: CockpitQuery, told: tuple[Measure, ...]) -> PagedGroups:
    """Return the contracts signed in the period one by one."""
    asked = keyed(actor, comparison.asks(query, told), {ID: DIMENSIONS["contract"].column})
    one = asked.cte()
    count = sa.literal(1, sa.BigInteger).label(facts.COUNT.key)
    sums = sa.select(one, one.c[ID].label("contract_id"), count)
    return PagedGroups(sums, lambda rows: _contracts(actor, rows), share_of=facts.AMOUNT.key)


def _contracts(actor: Actor, rows: Any) -> Select[Any]:
    return sa.select(
        rows,
        *CONTRACT.c["code", "name", "signed_on"],
        CUSTOMER.c.id.label("customer_id"),
        *named(actor),
        CONTRACT.c.signer_id.label("owner_id"),
        USER.c.name.label("owner"),
    ).select_from(contracted(rows).outerjoin(USER, USER.c.id == CONTRACT.c.signer_id))
