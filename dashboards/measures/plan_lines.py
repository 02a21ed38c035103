"""Lines of plans of contracts in force; a contract without a plan is one line."""

from typing import Any

import sqlalchemy as sa

from dashboards.core import filters
from dashboards.core.scope import CONTRACT, PLAN_LINE
from services.core.money import whole


def _of(column: Any, contracts: Any) -> filters.Where:
    """Return the condition that keeps to these contracts; None keeps all of them."""
    return [] if contracts is None else [sa.and_(column.in_(sa.select(contracts.c.contract_id)))]


def plan_lines(contracts: Any = None) -> Any:
    """Return the lines of contracts in force, made up where a contract has no plan."""
    counted = [*filters.in_force(), *_of(CONTRACT.c.id, contracts)]
    planned = (
        sa.select(
            PLAN_LINE.c.id.label("line_id"),
            PLAN_LINE.c.contract_id,
            PLAN_LINE.c.ordinal,
            PLAN_LINE.c.amount,
            PLAN_LINE.c.due_on,
            PLAN_LINE.c.owner_id,
            PLAN_LINE.c.owner_department_id,
        )
        .select_from(PLAN_LINE.join(CONTRACT, CONTRACT.c.id == PLAN_LINE.c.contract_id))
        .where(*counted)
    )
    known = sa.select(PLAN_LINE.alias().c.contract_id)
    without = sa.select(
        (-CONTRACT.c.id).label("line_id"),
        CONTRACT.c.id.label("contract_id"),
        sa.literal(1).label("ordinal"),
        whole(CONTRACT.c.amount).label("amount"),
        CONTRACT.c.signed_on.label("due_on"),
        CONTRACT.c.signer_id.label("owner_id"),
        CONTRACT.c.signer_department_id.label("owner_department_id"),
    ).where(*counted, CONTRACT.c.id.not_in(known))
    return sa.union_all(planned, without).cte()
