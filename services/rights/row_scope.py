"""Which customers a person reaches, and who is involved in what is not approved yet.

The rule is told in access.py. It stands here in two shapes that give the same rows. Who sees many
customers is asked about row by row, while an index gives the order of a grid. Who sees few has
their keys listed first: else the whole table would be walked to find twenty of them.

Sub-selects stand on aliases of the Core tables, see access.py.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.cached import cached
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract
from models.people.role import Scope
from models.people.user import User
from models.sales.opportunity import Opportunity
from models.sales.stage import StageKind
from services.rights.actor import Actor, may

Clause = ColumnElement[bool]
Columns = Any  # a mapped class or the columns of an alias: both answer `.owner_id`

FEW = 10_000  # keys to be listed cost less than walking a large table
COUNTED = 1_000  # rows a grid counts before it says "more": its script asks for the whole number
SOME = 1_200  # of them as many as are counted can be expected to be approved and not deleted
UNAPPROVED = [state for state in Approval if state is not Approval.approved]


@cached
def alias(model: type[Any], place: str) -> Any:
    """Return the alias a rule stands on: each place has its own, so that none is nested in itself.

    Made once: an alias copies every column of its table, 2 ms each time.
    """
    return model.__table__.alias(f"{place}_{model.__tablename__}")


def alive(columns: Columns) -> Clause:
    """Return "is not in the recycle bin"."""
    return columns.deleted_at.is_(None)  # type: ignore[no-any-return]


def in_scope(actor: Actor, owner: ColumnElement[Any]) -> Clause:
    """Return "the owner lies in the actor's data scope", himself left out."""
    if actor.scope is Scope.all:
        return sa.true()
    if actor.scope is Scope.team:
        return owner.in_(actor.team)
    if actor.scope is Scope.self:
        return sa.false()
    user = alias(User, "scope")
    return owner.in_(sa.select(user.c.id).where(user.c.department_id.in_(actor.departments)))


def customer(actor: Actor, c: Columns) -> Clause:
    """Return "the actor sees the customer"."""
    if actor.is_admin:
        return alive(c)
    if actor.few():
        return sa.and_(alive(c), c.id.in_(_listed(actor)))
    return sa.and_(alive(c), _either(actor, c, "customer", _reached(actor, c)))


def of_customer(actor: Actor, key: ColumnElement[Any]) -> Clause:
    """Return "the key is that of a customer the actor sees"."""
    seen = alias(Customer, "seen")
    if actor.few():
        return key.in_(sa.select(seen.c.id).where(customer(actor, seen.c)))
    # Row by row: as a list SQLite would gather a million keys first, for every statement.
    row = sa.select(sa.literal(1)).where(seen.c.id == key, customer(actor, seen.c))
    return sa.exists(row.correlate_except(seen))


def reviewed_child(actor: Actor, c: Columns, model: type[Any]) -> Clause:
    """Return "the actor sees what belongs to a customer and goes through approval itself"."""
    if actor.is_admin:
        return alive(c)
    if not actor.few():
        return sa.and_(
            alive(c), _either(actor, c, model.__noun__, of_customer(actor, c.customer_id))
        )
    own = alias(model, "few")
    keys = [
        sa.select(own.c.id).where(_approved(own.c), of_customer(actor, own.c.customer_id)),
        _unapproved(actor, own, model.__noun__),
    ]
    return sa.and_(alive(c), c.id.in_(sa.union_all(*keys)))


def reviewed_alone(actor: Actor, c: Columns, model: type[Any]) -> Clause:
    """Return "the actor sees what goes through approval and belongs to no customer"."""
    if actor.is_admin:
        return alive(c)
    seen = sa.or_(c.owner_id == actor.id, in_scope(actor, c.owner_id))
    return sa.and_(alive(c), _either(actor, c, model.__noun__, seen))


def few(connection: Connection, actor: Actor) -> bool:
    """Tell whether the actor reaches so few customers that their keys may be listed."""
    if actor.system or actor.is_admin or actor.scope is Scope.all:
        return False
    keys = sa.union_all(*_keys(actor)).limit(FEW + 1).subquery()
    found = connection.execute(sa.select(sa.func.count()).select_from(keys)).scalar_one()
    return int(found) <= FEW


def some(actor: Actor, model: type[Any]) -> Clause | None:
    """Return "is, or belongs to, one of some customers that are reached"; None of other models."""
    if model is Customer:
        return sa.or_(*_ways(actor, model))
    own = alias(Customer, "few")
    keys = sa.select(own.c.id).where(sa.or_(*_ways(actor, own.c))).limit(SOME)
    return model.customer_id.in_(keys) if hasattr(model, "customer_id") else None


def _either(actor: Actor, c: Columns, noun: str, seen: Clause) -> Clause:
    return sa.or_(sa.and_(_approved(c), seen), sa.and_(~_approved(c), _involved(actor, c, noun)))


def _approved(c: Columns) -> Clause:
    return c.approval == Approval.approved  # type: ignore[no-any-return]


def _ways(actor: Actor, c: Columns) -> list[Clause]:
    """Return how a customer is reached by what stands in its own row, one index each."""
    ways = [c.owner_id == actor.id, c.technical_id == actor.id]
    if actor.scope is not Scope.self:
        ways.append(in_scope(actor, c.owner_id))
    if may(actor, "customer:claim"):
        ways.append(c.owner_id.is_(None))
    return ways


def _held(actor: Actor) -> list[Any]:
    """Return SELECTs of the customers of the actor's open opportunities and contracts in force.

    The states are written into the statement: only so SQLite takes the indexes that hold no others.
    """
    opportunity, contract = alias(Opportunity, "held"), alias(Contract, "held")
    written: Any = sa.bindparam(None, StageKind.open, literal_execute=True, unique=True)
    in_force: Any = sa.bindparam(None, IN_FORCE, expanding=True, literal_execute=True, unique=True)
    states = {opportunity: opportunity.c.state == written, contract: contract.c.state.in_(in_force)}
    return [
        sa.select(held.c.customer_id).where(
            held.c.owner_id == actor.id, state, held.c.customer_id.is_not(None), alive(held.c)
        )
        for held, state in states.items()
    ]


def _reached(actor: Actor, c: Columns) -> Clause:
    if actor.scope is Scope.all:
        return sa.true()
    return sa.or_(*_ways(actor, c), *(c.id.in_(keys) for keys in _held(actor)))


def _keys(actor: Actor) -> list[Any]:
    """Return SELECTs of the keys of customers that are reached, approved or not."""
    own = alias(Customer, "few")
    return [*(sa.select(own.c.id).where(way) for way in _ways(actor, own.c)), *_held(actor)]


def _listed(actor: Actor) -> Any:
    """Return a SELECT of the keys of all customers the actor sees, deleted ones included."""
    own, reached = alias(Customer, "few"), alias(Customer, "reached")
    approved = sa.select(reached.c.id).where(
        _approved(reached.c), reached.c.id.in_(sa.union_all(*_keys(actor)))
    )
    return sa.union_all(approved, _unapproved(actor, own, "customer"))


def _unapproved(actor: Actor, own: Any, noun: str) -> Any:
    # Named one by one: of "not approved" no database makes a range of an index.
    return sa.select(own.c.id).where(own.c.approval.in_(UNAPPROVED), _involved(actor, own.c, noun))


def reviewers(actor: Actor) -> frozenset[int]:
    """Return whose tasks give sight of what is reviewed: one's own while one may decide at all."""
    return actor.team if may(actor, "task:decide") else actor.below


def _involved(actor: Actor, c: Columns, noun: str) -> Clause:
    """Return who sees an unapproved record: its people, the assignees and those above them."""
    request, task = alias(ApprovalRequest, "asked"), alias(ApprovalTask, "asked")
    assigned = (
        sa.select(request.c.record_id)
        .select_from(sa.join(request, task, task.c.request_id == request.c.id))
        .where(
            request.c.noun == noun,
            request.c.record_id.is_not(None),
            task.c.assignee_id.in_(reviewers(actor)),
            task.c.state != TaskState.cancelled,
        )
    )
    return sa.or_(
        c.created_by_id.in_(actor.team),
        c.owner_id.in_(actor.team),
        c.submitted_by_id.in_(actor.team),
        c.id.in_(assigned),
    )
