"""The read gate: which rows an actor sees, as one WHERE clause, put on every ORM statement.

Source of the rule: a customer is visible if it is mine, I am its technical collaborator, it lies
in my data scope, or I own an open opportunity or a contract in force of it; what belongs to a
customer is visible exactly when the customer is. Unapproved records are seen by submitter, owner
and assignees, by those above them, and by admins.

Sub-selects stand on aliases of the Core tables: an alias never correlates with the statement
around it, and Core tables are not gated again.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import ColumnElement, Select, visitors

from models.approval.request import ApprovalCopy
from models.approval.task import ApprovalTask
from models.core.cached import cached, recent
from models.customers.customer import Customer
from models.people.role import Role, Scope
from models.registry import entities, entity_of, having
from services.rights import row_scope
from services.rights.actor import Actor, may
from services.rights.row_scope import (
    Clause,
    Columns,
    alias,
    alive,
    in_scope,
    of_customer,
    reviewed_child,
)

Rule = Callable[[Actor, Columns], Clause]

# The named queries that need no actor: logging in, a customer's own enquiry, and what an approval
# or the undo of an import does to a record that is out of the actor's scope.
SYSTEM_QUERIES = frozenset({"login", "progress", "approval", "undo", "bank"})


def visible_to(actor: Actor | None, model: type[Any]) -> Clause:
    """Return the WHERE clause that leaves the rows of `model` the actor may see."""
    if actor is None:
        return sa.false()
    if actor.system:
        return sa.true()
    rule = READ.get(model)
    return sa.false() if rule is None else rule(actor, model)


def actor_of(session: Session) -> Actor | None:
    """Return who acts in the session."""
    found: Actor | None = session.info.get("actor")
    return found


def act(session: Session, actor: Actor | None) -> None:
    """Let the session act for somebody; what was loaded for another actor is forgotten."""
    session.info["actor"] = actor
    session.info.pop("criteria", None)
    session.info.pop("few", None)


def few(session: Session) -> bool:
    """Tell whether the session's actor sees few customers; counted once, when it is asked first."""
    if "few" not in session.info:
        actor = actor_of(session)
        known = actor is not None and row_scope.few(session.connection(), actor)
        session.info["few"] = known
    return bool(session.info["few"])


def some(session: Session, model: type[Any]) -> Clause | None:
    """Return a clause that leaves some of the many rows the actor sees and is read from an index.

    None where there are not many, or he sees them all: walking is fast then.
    """
    actor = actor_of(session)
    if actor is None or actor.scope is Scope.all or few(session):
        return None
    return row_scope.some(actor, model)


@contextlib.contextmanager
def unscoped(session: Session, name: str) -> Iterator[None]:
    """Read past the actor's scope under one of SYSTEM_QUERIES, lazy loads included."""
    before = session.info.get("system")
    session.info["system"] = name
    try:
        yield
    finally:
        session.info["system"] = before


def read_gate(state: ORMExecuteState) -> None:
    """Add the criteria of the session's actor to a statement (a `do_orm_execute` hook).

    One that says `walked` reads few rows by their keys: each is asked about by itself.
    """
    if state.is_column_load or not (state.is_select or state.is_update or state.is_delete):
        return
    name = state.execution_options.get("system") or state.session.info.get("system")
    if name is not None and name not in SYSTEM_QUERIES:
        message = f"unknown system query: {name}"
        raise LookupError(message)
    actor = actor_of(state.session)
    if name is not None or (actor is not None and actor.system):
        return
    walked = bool(state.execution_options.get("walked"))
    known = state.session.info.setdefault("criteria", {}).setdefault(walked, {})
    named = mentioned(state.statement)
    if not named and state.is_orm_statement:
        named = set(READ)  # what is named in no way known here is still gated
    options = []
    for model in named:
        if model not in known:
            known[model] = _criterion(state.session, actor, model, walked=walked)
        options.append(known[model])
    state.statement = state.statement.options(*(o for o in options if o is not None))


def mentioned(statement: Any) -> set[type[Any]]:
    """Return the gated models a statement names anywhere, sub-selects included.

    Criteria for all models on every statement would cost 3–6 ms each. What relations load later
    comes here again as a statement of its own; `joinedload` would not, so it is banned by a test.
    """
    found = set()
    for element in visitors.iterate(statement):
        notes = element._annotations  # noqa: SLF001 # where the ORM says whose column it is
        entity = notes.get("parententity") or notes.get("parentmapper")
        if entity is not None:
            found.add(entity.mapper.class_)
    return found


def _criterion(session: Session, actor: Actor | None, model: type[Any], *, walked: bool) -> Any:
    """Return what is put on a statement that names the model, None where he sees every row."""
    asks, option = _built(actor, model, few=False)
    if asks and not walked and few(session):
        _asks, option = _built(actor, model, few=True)
    return option


@recent(512)  # some dozen people at work, with the models of their pages
def _built(actor: Actor | None, model: type[Any], *, few: bool) -> tuple[bool, Any]:
    """Return (whether the rule asks if he sees few customers, the criterion).

    A rule depends on the actor alone: he is the key, with his grants, scope and people, so that
    somebody whose grants change has another one. To put it together takes 0.5–2 ms a model.
    """
    asked = []

    def told() -> bool:
        asked.append(True)
        return few

    clause = visible_to(actor and dataclasses.replace(actor, few=told), model)
    everything = isinstance(clause, sa.sql.elements.True_)
    option = None if everything else with_loader_criteria(model, clause, include_aliases=True)
    return bool(asked), option


def visible_customers(actor: Actor) -> Select[tuple[int]]:
    """Return a Core sub-select of the ids of visible customers, for predicates of other tables."""
    customer = alias(Customer, "seen")
    return sa.select(customer.c.id).where(row_scope.customer(actor, customer.c))


def sees_customer(actor: Actor, columns: Columns) -> Clause:
    """Return "the actor sees the customer", asked row by row, for a few rows known by their keys.

    columns: those of the Core table or of an alias of it.
    """
    return row_scope.customer(dataclasses.replace(actor, few=lambda: False), columns)


def _within(actor: Actor, key: ColumnElement[Any], table: Any, rule: Rule) -> Clause:
    """Return "the key is that of a row of the table the actor sees", asked row by row.

    As `IN (SELECT …)` SQLite would list a million keys first, for every statement that names one.
    """
    row = sa.select(sa.literal(1)).select_from(table)
    return sa.exists(row.where(table.c.id == key, rule(actor, table.c)).correlate_except(table))


def _reviewed(model: type[Any], actor: Actor, c: Columns) -> Clause:
    """Return the rule of an entity that goes through approval, with a customer or without."""
    if hasattr(model, "customer_id"):
        return reviewed_child(actor, c, model)
    return row_scope.reviewed_alone(actor, c, model)


def _of_customer(actor: Actor, c: Columns) -> Clause:
    return sa.and_(alive(c), of_customer(actor, c.customer_id))


def _of(model: type[Any], key: str) -> Rule:
    """Return the rule "visible exactly when what the key points at is"."""
    parent = _parent(model, key)
    rule = rule_of(parent)

    def clause(actor: Actor, c: Columns) -> Clause:
        return _within(actor, getattr(c, key), alias(parent, "above"), rule)

    return clause


def _parent(model: type[Any], key: str) -> type[Any]:
    (reference,) = sa.inspect(model).columns[key].foreign_keys
    return next(one for one in entities() if one.__table__ is reference.column.table)


def _any_of(trait: str, place: str, actor: Actor, c: Columns) -> Clause:
    """Return "visible exactly when the record is", whichever record it hangs on."""
    ways = []
    for parent in having(trait):
        seen = _within(actor, c.record_id, alias(parent, place), rule_of(parent))
        ways.append(sa.and_(c.noun == parent.__noun__, seen))
    return sa.or_(*ways)


def _attachment(actor: Actor, c: Columns) -> Clause:
    return sa.and_(alive(c), _any_of("attachable", "filed", actor, c))


def _tagging(actor: Actor, c: Columns) -> Clause:
    return _any_of("taggable", "tagged", actor, c)


def _request(actor: Actor, c: Columns) -> Clause:
    if actor.is_admin:
        return sa.true()
    task, copy = alias(ApprovalTask, "mine"), alias(ApprovalCopy, "mine")
    return sa.or_(
        c.submitted_by_id.in_(actor.team),
        c.id.in_(
            sa.select(task.c.request_id).where(task.c.assignee_id.in_(row_scope.reviewers(actor)))
        ),
        c.id.in_(sa.select(copy.c.request_id).where(copy.c.user_id == actor.id)),
    )


def _copy(actor: Actor, c: Columns) -> Clause:
    mine: Clause = c.user_id == actor.id
    return mine


def _delegation(actor: Actor, c: Columns) -> Clause:
    return sa.true() if actor.is_admin else sa.or_(c.user_id == actor.id, c.delegate_id == actor.id)


def _batch(actor: Actor, c: Columns) -> Clause:
    mine: Clause = c.actor_id == actor.id
    return mine


def _audit(actor: Actor, c: Columns) -> Clause:
    if not may(actor, "audit:read"):
        return sa.false()
    return sa.or_(c.actor_id.in_(actor.team), in_scope(actor, c.actor_id))


def _import_job(actor: Actor, c: Columns) -> Clause:
    return sa.true() if may(actor, "importjob:read") else c.actor_id == actor.id


def _saved_view(actor: Actor, c: Columns) -> Clause:
    role = alias(Role, "shared")
    shared = sa.select(role.c.id).where(role.c.name.in_(actor.roles))
    return sa.or_(c.owner_id == actor.id, c.role_id.in_(shared))


def _nobody(_actor: Actor, _c: Columns) -> Clause:
    return sa.false()


def _everybody(_actor: Actor, _c: Columns) -> Clause:
    return sa.true()


def _of_scope(actor: Actor, c: Columns) -> Clause:
    """Return "it is mine, or of a person or a department in my data scope"."""
    if actor.is_admin:
        return sa.true()
    ways = [c.owner_id == actor.id, in_scope(actor, c.owner_id)]
    return sa.or_(*ways, c.department_id.in_(actor.departments))


def _may(permission: str, actor: Actor, _c: Columns) -> Clause:
    return sa.true() if may(actor, permission) else sa.false()


# The rules an entity may name as its `sight`; beside them "of key", "may permission", "reviewed".
SIGHTS: dict[str, Rule] = {
    "self": row_scope.customer,
    "customer": _of_customer,
    "person": _copy,
    "attachment": _attachment,
    "audit": _audit,
    "batch": _batch,
    "delegation": _delegation,
    "importjob": _import_job,
    "request": _request,
    "scope": _of_scope,  # of somebody or of a department, without a customer
    "savedview": _saved_view,
    "tagging": _tagging,
    "nobody": _nobody,
    "everybody": _everybody,  # reference data: names of people and departments, products
}


def _told(model: type[Any], *below: type[Any]) -> bool:
    """Tell whether the sight of an entity can be resolved; start-up says so where not."""
    sight = entity_of(model).sight
    word, _space, rest = sight.partition(" ")
    columns = sa.inspect(model).columns
    if word == "of" and rest in columns and columns[rest].foreign_keys:
        parent = _parent(model, rest)
        return parent not in {model, *below} and _told(parent, model, *below)
    return word == "may" or sight in {*SIGHTS, "reviewed"}


@cached
def rule_of(model: type[Any]) -> Rule:
    """Return who sees an entity, by the sight it declares. Raises LookupError for none."""
    sight = entity_of(model).sight
    word, _space, rest = sight.partition(" ")
    if sight == "reviewed":
        return functools.partial(_reviewed, model)
    if word == "of":
        return _of(model, rest)
    if word == "may":
        return functools.partial(_may, rest)
    return SIGHTS[sight]


READ: dict[type[Any], Rule] = {model: rule_of(model) for model in entities() if _told(model)}
