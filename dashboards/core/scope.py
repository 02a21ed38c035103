"""Who counts what: a row counts for a viewer when its stamped owner lies in his data scope.

A signs 100 and hands the customer over, B signs 50: A sees 100, B sees 50. The predicate goes into
every statement of the cockpit: rows, totals, counts, charts, filter choices, exports.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from models.approval.request import ApprovalRequest
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentAllocation
from models.deals.payment_plan import PaymentPlan
from models.people.department import Department
from models.people.role import Scope
from models.people.user import User
from models.records.dictionary import DictionaryOption
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from models.sales.stage import Stage
from models.sales.target import SalesTarget
from services.rights.access import visible_customers
from services.rights.actor import Actor

CUSTOMER = Customer.__table__
OPPORTUNITY = Opportunity.__table__
CONTRACT = Contract.__table__
PAYMENT = Payment.__table__
PLAN_LINE = PaymentPlan.__table__
ALLOCATION = PaymentAllocation.__table__
FOLLOW_UP = FollowUp.__table__
PLAN = FollowUpPlan.__table__
USER = User.__table__
DEPARTMENT = Department.__table__
STAGE = Stage.__table__
OPTION = DictionaryOption.__table__
TARGET = SalesTarget.__table__
REQUEST = ApprovalRequest.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class Stamp:
    """The owner and the department a row had at the time; each measure names its stamp."""

    owner: Any
    department: Any


STAMPS = {
    # Who created an opportunity has it as a new one, whoever closes it; who closed it has its end.
    "created": Stamp(OPPORTUNITY.c.created_owner_id, OPPORTUNITY.c.created_department_id),
    "closed": Stamp(
        sa.func.coalesce(OPPORTUNITY.c.closing_owner_id, OPPORTUNITY.c.created_owner_id),
        sa.func.coalesce(OPPORTUNITY.c.closing_department_id, OPPORTUNITY.c.created_department_id),
    ),
    "contract": Stamp(CONTRACT.c.signer_id, CONTRACT.c.signer_department_id),
    "payment": Stamp(PAYMENT.c.owner_id, PAYMENT.c.owner_department_id),
    "plan_line": Stamp(PLAN_LINE.c.owner_id, PLAN_LINE.c.owner_department_id),
    "follow_up": Stamp(FOLLOW_UP.c.owner_id, FOLLOW_UP.c.owner_department_id),
    # Summary 6 uses who answers for the customer now; USER has to be joined for the department.
    "customer": Stamp(CUSTOMER.c.owner_id, USER.c.department_id),
    # Who submitted a request; USER has to be joined as that person.
    "request": Stamp(REQUEST.c.submitted_by_id, USER.c.department_id),
    # So have targets of people: USER has to be joined as their owner.
    "target": Stamp(
        TARGET.c.owner_id, sa.func.coalesce(TARGET.c.department_id, USER.c.department_id)
    ),
}


def in_scope(actor: Actor, stamp: Stamp) -> ColumnElement[bool]:
    """Return the cockpit's scope predicate on a stamp."""
    if actor.system or actor.scope is Scope.all:
        return sa.true()
    if actor.scope is Scope.self:
        return sa.and_(stamp.owner == actor.id)
    if actor.scope is Scope.team:
        return sa.and_(stamp.owner.in_(actor.team))
    return sa.and_(stamp.department.in_(actor.departments))


def removed(actor: Actor) -> ColumnElement[bool]:
    """Return whether the customer is deleted and the viewer could open it: its name stays."""
    if actor.system or actor.scope is Scope.all:
        return sa.and_(CUSTOMER.c.deleted_at.is_not(None))
    return sa.false()


def openable(actor: Actor, customer_id: Any) -> ColumnElement[bool]:
    """Return whether the viewer can open the customer: where not, name and link are masked."""
    if actor.system:
        return sa.true()
    # Asked row by row: a list of all that he can open costs as much as there are customers.
    seen = visible_customers(actor)
    return seen.where(seen.selected_columns[0] == customer_id).exists()


def named(actor: Actor) -> list[Any]:
    """Return the customer's name, and what a row of a table needs to know to show or mask it."""
    return [
        CUSTOMER.c.company,
        openable(actor, CUSTOMER.c.id).label("opened"),
        removed(actor).label("removed"),
    ]


def contracted(rows: Any) -> Any:
    """Return the FROM clause of rows with a `contract_id`, with their contract and its customer."""
    return rows.join(CONTRACT, CONTRACT.c.id == rows.c.contract_id).join(
        CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id
    )
