"""Who counts what: a row counts for a viewer when its stamped owner lies in his data scope.

A signs 100 and hands the customer over, B signs 50: A sees 100, B sees 50. The predicate goes into
every statement of the cockpit: rows, totals, counts, charts, filter choices, exports.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

import models as m
from services.access import visible_customers
from services.actor import Actor

CUSTOMER = m.Customer.__table__
OPPORTUNITY = m.Opportunity.__table__
CONTRACT = m.Contract.__table__
PAYMENT = m.Payment.__table__
PLAN_LINE = m.PaymentPlan.__table__
ALLOCATION = m.PaymentAllocation.__table__
FOLLOW_UP = m.FollowUp.__table__
PLAN = m.FollowUpPlan.__table__
USER = m.User.__table__
DEPARTMENT = m.Department.__table__
STAGE = m.Stage.__table__
OPTION = m.DictionaryOption.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class Stamp:
    """The owner and the department a row had at the time; each measure names its stamp."""

    owner: Any
    department: Any


STAMPS = {
    "opportunity": Stamp(
        sa.func.coalesce(OPPORTUNITY.c.closing_owner_id, OPPORTUNITY.c.created_owner_id),
        sa.func.coalesce(OPPORTUNITY.c.closing_department_id, OPPORTUNITY.c.created_department_id),
    ),
    "contract": Stamp(CONTRACT.c.signer_id, CONTRACT.c.signer_department_id),
    "payment": Stamp(PAYMENT.c.owner_id, PAYMENT.c.owner_department_id),
    "plan_line": Stamp(PLAN_LINE.c.owner_id, PLAN_LINE.c.owner_department_id),
    "follow_up": Stamp(FOLLOW_UP.c.owner_id, FOLLOW_UP.c.owner_department_id),
    # Summary 6 uses who answers for the customer now; USER has to be joined for the department.
    "customer": Stamp(CUSTOMER.c.owner_id, USER.c.department_id),
}


def in_scope(actor: Actor, stamp: Stamp) -> ColumnElement[bool]:
    """Return the cockpit's scope predicate on a stamp."""
    if actor.system or actor.scope is m.Scope.all:
        return sa.true()
    if actor.scope is m.Scope.self:
        return sa.and_(stamp.owner == actor.id)
    if actor.scope is m.Scope.team:
        return sa.and_(stamp.owner.in_(actor.team))
    return sa.and_(stamp.department.in_(actor.departments))


def openable(actor: Actor, customer_id: Any) -> ColumnElement[bool]:
    """Return whether the viewer can open the customer: where not, name and link are masked."""
    if actor.system:
        return sa.true()
    return sa.and_(customer_id.in_(visible_customers(actor)))
