"""Names of the rows of 客户业绩汇总表: its customers and its contracts, one row each."""

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext
from sqlalchemy.sql import Select

from dashboards.core import filters
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, CUSTOMER, OPTION, USER, openable, removed
from dashboards.core.sql import caption
from dashboards.measures import contracts as facts
from services.rights.actor import Actor


def _signers(actor: Actor, query: CockpitQuery) -> Any:
    """Return by customer how many people signed, and the one where it is one."""
    return (
        sa.select(
            CUSTOMER.c.id.label("key"),
            sa.func.count(CONTRACT.c.signer_id.distinct()).label("signers"),
            sa.func.min(CONTRACT.c.signer_id).label("signer"),
        )
        .select_from(facts.SIGNED)
        .where(*facts.where(actor, query))
        .group_by(CUSTOMER.c.id)
        .subquery("signed")
    )


def customers(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the customers who signed in the period, or all of them."""
    found = _signers(actor, query)
    joined = CUSTOMER.join(found, found.c.key == CUSTOMER.c.id, isouter=query.undealt)
    several = sa.func.coalesce(found.c.signer, CUSTOMER.c.owner_id)
    people = gettext("多人") + sa.literal("(") + sa.cast(found.c.signers, sa.String) + ")"
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
        sa.case((found.c.signers > 1, None), else_=several).label("owner_id"),
        sa.case((found.c.signers > 1, people), else_=USER.c.name).label("owner"),
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
    """Return the contracts signed in the period one by one."""
    return (
        sa.select(
            CONTRACT.c.id.label("key"),
            CONTRACT.c.id.label("contract_id"),
            *CONTRACT.c["code", "name", "signed_on"],
            CUSTOMER.c.id.label("customer_id"),
            CUSTOMER.c.company,
            openable(actor, CUSTOMER.c.id).label("opened"),
            removed(actor).label("removed"),
            CONTRACT.c.signer_id.label("owner_id"),
            USER.c.name.label("owner"),
        )
        .select_from(facts.SIGNED.outerjoin(USER, USER.c.id == CONTRACT.c.signer_id))
        .where(*facts.where(actor, query))
    )
