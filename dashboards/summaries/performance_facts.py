"""What 客户业绩汇总表 adds up: contracts signed, cash, new and closed opportunities, by a key.

The builders are shared with the tiles of the home page.
"""

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext
from sqlalchemy.sql import Select

from dashboards.core import filters
from dashboards.core.period import Period
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import (
    CONTRACT,
    CUSTOMER,
    OPPORTUNITY,
    OPTION,
    PAYMENT,
    STAMPS,
    USER,
    openable,
    removed,
)
from dashboards.core.sql import MonthOf, caption, count_if, positive, total
from models.sales.stage import StageKind
from services.deals.order import punctuality
from services.deals.order.punctuality import MEASURES as PUNCTUAL
from services.rights.actor import Actor


def collected(query: CockpitQuery, contracts: Any = None) -> Any:
    """Return a sub-select: contract → confirmed payments up to the day of `as_of`.

    `contracts`, a select of their keys, keeps it from reading the payments of all others.
    """
    kept = [] if contracts is None else [PAYMENT.c.contract_id.in_(contracts)]
    return (
        sa.select(PAYMENT.c.contract_id, total(PAYMENT.c.amount).label("paid"))
        .where(*filters.confirmed(query), *kept)
        .group_by(PAYMENT.c.contract_id)
        .subquery("collected")
    )


def punctual(actor: Actor, query: CockpitQuery, key: Any) -> Select[Any]:
    """Return of the contracts signed in the period, by key: steps judged, on time, late, days."""
    source = CONTRACT.join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id)
    found = punctuality.by(key, source, query.today)
    return found.where(*signed_where(actor, query, query.period))


def signed_where(actor: Actor, query: CockpitQuery, period: Period) -> filters.Where:
    """Return which contracts count as signed in the period."""
    return [
        *filters.in_force(),
        filters.days(CONTRACT.c.signed_on, period),
        *filters.narrow(actor, query, "contract"),
        *filters.of_contract(query, CONTRACT.c.id),
        *filters.search(actor, query, CONTRACT.c.name, code=CONTRACT.c.code),
    ]


def signed(actor: Actor, query: CockpitQuery, key: Any, period: Period) -> Select[Any]:
    """Return contracts, amount, collected, unpaid and signers by key."""
    paid = collected(query, _signed(actor, query, period))
    got = sa.func.coalesce(paid.c.paid, 0)
    return (
        sa.select(
            key.label("key"),
            sa.func.count().label("contracts"),
            total(CONTRACT.c.amount).label("amount"),
            total(got).label("collected"),
            total(positive(CONTRACT.c.amount - got)).label("unpaid"),
            sa.func.count(CONTRACT.c.signer_id.distinct()).label("signers"),
            sa.func.min(CONTRACT.c.signer_id).label("signer"),
        )
        .select_from(
            CONTRACT.join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id).outerjoin(
                paid, paid.c.contract_id == CONTRACT.c.id
            )
        )
        .where(*signed_where(actor, query, period))
        .group_by(key)
    )


def _signed(actor: Actor, query: CockpitQuery, period: Period) -> Select[Any]:
    """Return the keys of the contracts signed in the period."""
    source = CONTRACT.join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id)
    found = sa.select(CONTRACT.c.id).select_from(source)
    return found.where(*signed_where(actor, query, period))


def cash(actor: Actor, query: CockpitQuery, key: Any, period: Period) -> Select[Any]:
    """Return what was paid in the period by key, whatever contract in force it was for."""
    return (
        sa.select(key.label("key"), total(PAYMENT.c.amount).label("cash"))
        .select_from(
            PAYMENT.join(CONTRACT, CONTRACT.c.id == PAYMENT.c.contract_id).join(
                CUSTOMER, CUSTOMER.c.id == PAYMENT.c.customer_id
            )
        )
        .where(
            *filters.confirmed(query),
            filters.days(PAYMENT.c.paid_on, period),
            *filters.in_force(),
            *filters.narrow(actor, query, "payment"),
            *filters.of_contract(query, PAYMENT.c.contract_id),
            *filters.search(actor, query, CONTRACT.c.name, code=CONTRACT.c.code),
        )
        .group_by(key)
    )


def kept_and_came(actor: Actor, query: CockpitQuery, keys: tuple[Any, Any]) -> Select[Any]:
    """Return by key what contracts kept to and what was paid, in one statement.

    `keys` are the key of a contract and that of a payment.
    """
    kept = punctual(actor, query, keys[0]).subquery("kept")
    came = cash(actor, query, keys[1], query.period).subquery("came")
    none = sa.cast(0, sa.BigInteger())
    both = sa.union_all(
        sa.select(kept.c.key, *(kept.c[name] for name in PUNCTUAL), none.label("cash")),
        sa.select(came.c.key, *(none.label(name) for name in PUNCTUAL), came.c.cash),
    ).subquery("both")
    sums = (total(both.c[name]).label(name) for name in (*PUNCTUAL, "cash"))
    return sa.select(both.c.key, *sums).group_by(both.c.key)


def opportunities(actor: Actor, query: CockpitQuery, key: Any, *, closed: bool) -> Select[Any]:
    """Return opportunities created in the period, or won and closed in it, by key."""
    when = (
        filters.days(OPPORTUNITY.c.closed_on, query.period)
        if closed
        else filters.instants(OPPORTUNITY.c.created_at, query.period)
    )
    won = count_if(OPPORTUNITY.c.state == StageKind.won).label("won")
    counts = (
        [won, sa.func.count().label("closed")] if closed else [sa.func.count().label("created")]
    )
    return (
        sa.select(key.label("key"), *counts)
        .select_from(OPPORTUNITY.join(CUSTOMER, CUSTOMER.c.id == OPPORTUNITY.c.customer_id))
        .where(
            *filters.counted_opportunity(),
            when,
            *filters.narrow(actor, query, "closed" if closed else "created"),
            *filters.led_to(query),
            *filters.search(actor, query, OPPORTUNITY.c.name, code=OPPORTUNITY.c.code),
        )
        .group_by(key)
    )


def key_of(by: str, noun: str, day: Any) -> Any:
    """Return the column of a grain for rows with this stamp and this date."""
    stamp = STAMPS[noun]
    return {
        "customer": CUSTOMER.c.id,
        "owner": stamp.owner,
        "department": stamp.department,
        "industry": CUSTOMER.c.industry_id,
        "level": CUSTOMER.c.level,
        "source": CUSTOMER.c.source_id,
        "month": MonthOf(day),
    }[by]


def customers(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the customers who signed in the period, or all of them, amounts in 分."""
    found = signed(actor, query, CUSTOMER.c.id, query.period).subquery("signed")
    joined = CUSTOMER.join(found, found.c.key == CUSTOMER.c.id, isouter=query.undealt)
    several = sa.func.coalesce(found.c.signer, CUSTOMER.c.owner_id)
    statement = sa.select(
        CUSTOMER.c.id.label("key"),
        CUSTOMER.c.id.label("customer_id"),
        CUSTOMER.c.code,
        CUSTOMER.c.company,
        CUSTOMER.c.level,
        CUSTOMER.c.industry_id,
        caption(OPTION).label("industry"),
        openable(actor, CUSTOMER.c.id).label("opened"),
        removed(actor).label("removed"),
        found.c.contracts,
        found.c.amount,
        found.c.collected,
        found.c.unpaid,
        sa.case((found.c.signers > 1, None), else_=several).label("owner_id"),
        sa.case(
            (
                found.c.signers > 1,
                gettext("多人") + sa.literal("(") + sa.cast(found.c.signers, sa.String) + ")",
            ),
            else_=USER.c.name,
        ).label("owner"),
    ).select_from(
        joined.outerjoin(OPTION, OPTION.c.id == CUSTOMER.c.industry_id).outerjoin(
            USER, USER.c.id == several
        )
    )
    if not query.undealt:
        return statement
    return statement.where(sa.or_(found.c.key.is_not(None), sa.and_(*_undealt(actor, query))))


def _undealt(actor: Actor, query: CockpitQuery) -> filters.Where:
    """Return which customers without a contract are shown: those whose owner now is in scope."""
    return [
        *filters.counted_customer(),
        *filters.narrow(actor, query, "customer"),
        *filters.search(actor, query),
    ]


def contracts(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the contracts signed in the period one by one, amounts in 分."""
    paid = collected(query, _signed(actor, query, query.period))
    got = sa.func.coalesce(paid.c.paid, 0)
    return (
        sa.select(
            CONTRACT.c.id.label("key"),
            CONTRACT.c.id.label("contract_id"),
            CONTRACT.c.code,
            CONTRACT.c.name,
            CONTRACT.c.signed_on,
            CUSTOMER.c.id.label("customer_id"),
            CUSTOMER.c.company,
            openable(actor, CUSTOMER.c.id).label("opened"),
            removed(actor).label("removed"),
            CONTRACT.c.signer_id.label("owner_id"),
            USER.c.name.label("owner"),
            CONTRACT.c.amount,
            got.label("collected"),
            positive(CONTRACT.c.amount - got).label("unpaid"),
        )
        .select_from(
            CONTRACT.join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id)
            .outerjoin(paid, paid.c.contract_id == CONTRACT.c.id)
            .outerjoin(USER, USER.c.id == CONTRACT.c.signer_id)
        )
        .where(*signed_where(actor, query, query.period))
    )
