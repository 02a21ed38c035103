"""The write gate: every flush and every bulk statement of a session asks here first.

`before_flush` sees what the unit of work writes; `do_orm_execute` refuses INSERT, UPDATE, DELETE
and `text()` that pass by it unless they name a rule; triggers in the database guard what is left.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from models.core.cached import cached
from models.core.field import fields_of
from models.core.mixins import Approval, Reviewed, SoftDeleted, Stamped
from models.registry import by_noun
from services.core import clock
from services.core.errors import Forbidden, Locked
from services.rights import ceiling
from services.rights.access import actor_of, read_gate
from services.rights.actor import Actor, may
from services.rights.audit import write_audit
from services.rights.rules import (
    ANSWERS,
    APPROVAL_OWNED,
    BY_STATEMENT,
    GRANT_OF,
    HANDED,
    RULES,
    STATE_FREE,
    movable,
)


def install(factory: Any) -> None:
    """Put both gates and the audit on a session factory; a second call changes nothing."""
    hooks = (
        ("do_orm_execute", read_gate),
        ("do_orm_execute", _bulk_gate),
        ("before_flush", _write_gate),
        ("after_flush", write_audit),
    )
    for name, hook in hooks:
        if not sa.event.contains(factory, name, hook):
            sa.event.listen(factory, name, hook)


@contextlib.contextmanager
def rule(session: Session, name: str) -> Iterator[None]:
    """Act under a rule: a service may write the rule's tables for an actor without their grants.

    What is waiting is flushed first, so that nothing else slips through under the rule.
    """
    if name not in RULES:
        message = f"unknown rule: {name}"
        raise LookupError(message)
    session.flush()
    before = session.info.get("rule")
    session.info["rule"] = name
    try:
        yield
        session.flush()
    finally:
        session.info["rule"] = before


def _bulk_gate(state: ORMExecuteState) -> None:
    writes = state.is_insert or state.is_update or state.is_delete
    raw = isinstance(state.statement, sa.TextClause)
    actor = actor_of(state.session)
    if not (writes or raw) or state.session.info.get("flushing") or (actor and actor.system):
        return
    name = state.execution_options.get("rule")
    if name not in RULES:
        message = "a bulk statement must name the rule it acts under"
        raise PermissionError(message)
    table = getattr(getattr(state.statement, "table", None), "name", "")
    if name not in BY_STATEMENT.get(table, RULES):
        message = f"{table} is written through the unit of work: the ceiling must see it"
        raise PermissionError(message)


def _write_gate(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    actor = actor_of(session)
    now = clock.of(session)
    dirty = [row for row in session.dirty if session.is_modified(row)]
    for row in (*session.new, *dirty):
        _stamp(row, actor, now)
    for row in dirty:
        _check_owner(row)
    if actor is not None:
        ceiling.guard(session, actor, [*session.new, *dirty, *session.deleted], session.deleted)
    if actor is not None and actor.system:
        return
    work = [("create", r) for r in session.new]
    work += [("edit", r) for r in dirty]
    work += [("delete", r) for r in session.deleted]
    for verb, row in work:
        check_write(actor, verb, row, session.info.get("rule"))


def _check_owner(row: Any) -> None:
    """Refuse an owner that is written past the service, whoever does it and under any rule."""
    if row.__noun__ in HANDED and "owner_id" in changed(row):
        words = _("销售员只能由分配、移交、领取或退回公海改变")
        raise Forbidden(words, field="owner_id")


def _stamp(row: Any, actor: Actor | None, now: dt.datetime) -> None:
    if not isinstance(row, Stamped):
        return
    row.updated_at = now
    if row.created_at is None:
        row.created_at = now
        if row.created_by_id is None:
            row.created_by_id = actor.id if actor else None


def check_write(actor: Actor | None, verb: str, row: Any, active: str | None = None) -> None:
    """Raise Forbidden or Locked unless the actor may do `verb` with the row as it stands."""
    if actor is None:
        raise Forbidden
    by_rule = active is not None and row.__noun__ in RULES[active]
    if not by_rule and not may_write(actor, _soft(verb, row), row):
        raise Forbidden
    if isinstance(row, Reviewed) and active not in STATE_FREE:
        _check_state(verb, row)


def may_write(actor: Actor | None, verb: str, row: Any) -> bool:
    """Tell whether grants allow it: `noun:verb`, or `noun:verb_own` on what is the actor's."""
    noun = GRANT_OF.get(row.__noun__, row.__noun__)
    if may(actor, f"{noun}:{verb}"):
        return True
    return may(actor, f"{noun}:{verb}_own") and _is_own(actor, row)


def demand_write(actor: Actor | None, verb: str, row: Any) -> None:
    """Raise Forbidden, with the reason, unless grants allow it."""
    if may_write(actor, verb, row):
        return
    noun = GRANT_OF.get(row.__noun__, row.__noun__)
    words = _("只能处理自己负责或录入的记录") if may(actor, f"{noun}:{verb}_own") else ""
    raise Forbidden(words)


def _is_own(actor: Actor | None, row: Any) -> bool:
    if actor is None:
        return False
    people = {_before(row, key) for key in ("owner_id", "created_by_id") if hasattr(row, key)}
    parents = (_hangs_on(row, key) for key in ANSWERS)
    owners = {getattr(parent, "owner_id", None) for parent in parents if parent is not None}
    return actor.id in people or (not hasattr(row, "owner_id") and actor.id in owners)


def _hangs_on(row: Any, key: str) -> Any:
    """Return the record a row belongs to by this relation.

    A line that is taken out of its record has lost it already: its column says whose it was.
    """
    parent, column = getattr(row, key, None), f"{key}_id"
    if parent is not None or not hasattr(row, column):
        return parent
    session, reference = sa.inspect(row).session, _before(row, column)
    return session.get(by_noun()[key], reference) if session and reference else None


def _before(row: Any, key: str) -> Any:
    """Return the value in the database: nobody makes a record his own by writing his name in."""
    history = sa.inspect(row).attrs[key].history
    return history.deleted[0] if history.deleted else getattr(row, key)


def _soft(verb: str, row: Any) -> str:
    if verb == "edit" and isinstance(row, SoftDeleted) and "deleted_at" in changed(row):
        return "delete"
    return verb


def changed(row: Any) -> set[str]:
    """Return the keys of columns and line collections whose values differ from the database."""
    state = sa.inspect(row)
    # What was never set since it was read cannot differ: half of a flush went into asking.
    touched = _watched(type(row)) & state.committed_state.keys()
    return {key for key in touched if state.attrs[key].history.has_changes()}


@cached
def _watched(model: type[Any]) -> frozenset[str]:
    return frozenset(sa.inspect(model).column_attrs.keys()).union(getattr(model, "__lines__", ()))


def _check_state(verb: str, row: Any) -> None:
    if verb == "create":
        if row.approval not in {None, Approval.draft}:
            raise Forbidden(_("审批状态只能由审批流程改变"), field="approval")
        return
    touched = changed(row)
    if touched & APPROVAL_OWNED:
        raise Forbidden(_("审批状态只能由审批流程改变"), field="approval")
    before = _before(row, "approval")
    if before is Approval.pending and (verb == "delete" or touched - movable(type(row))):
        raise Locked(_("审批中的记录不能修改，请先撤回"))
    if before is Approval.approved:
        _check_controlled(verb, row, touched)


def _check_controlled(verb: str, row: Any, touched: set[str]) -> None:
    facts = fields_of(type(row))
    locked = [key for key in touched if key in facts and facts[key].controlled]
    locked += [key for key in getattr(row, "__lines__", ()) if key in touched]
    if locked and verb != "delete":
        key = locked[0]
        caption = facts[key].caption if key in facts else key
        raise Locked(_("「%(field)s」已通过审批，请提交变更申请", field=caption), field=key)
