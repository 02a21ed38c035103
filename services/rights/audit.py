"""The audit log: every flushed change leaves a row in the same transaction."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, UOWTransaction

from models.core.field import Facts, fields_of
from models.rights.audit import AuditAction, AuditLog
from services.core import clock
from services.rights.access import actor_of
from services.rights.rules import NOT_AUDITED

HIDDEN = "****"
PLUMBING = frozenset({"updated_at", "created_at", "created_by_id"})


def write_audit(session: Session, _context: UOWTransaction) -> None:
    """Write what this flush did (an `after_flush` hook: keys exist, histories still do)."""
    rows = [_entry(AuditAction.create, r) for r in session.new]
    rows += [_entry(_verb(r), r) for r in _in_order(session.dirty) if session.is_modified(r)]
    rows += [_entry(AuditAction.delete, r) for r in _in_order(session.deleted)]
    record(session, [row for row in rows if row is not None])


def _in_order(rows: Iterable[Any]) -> list[Any]:
    """Return rows by noun and key: a session keeps them in no order."""
    return sorted(rows, key=lambda row: (row.__noun__, row.id))


def record(session: Session, rows: list[dict[str, Any]]) -> None:
    """Add audit rows (keys: action, noun, record_id, label, changes) for the session's actor."""
    if not rows:
        return
    actor = actor_of(session)
    at = clock.of(session)
    stamp = {"at": at, "actor_id": actor.id if actor else None}
    session.connection().execute(sa.insert(AuditLog.__table__), [row | stamp for row in rows])


@dataclasses.dataclass(frozen=True, slots=True)
class AuditEntry:
    """What is said of many records at once."""

    action: AuditAction
    changes: dict[str, list[Any]]


def record_set(session: Session, entry: AuditEntry, rows: sa.Select[Any]) -> None:
    """Add the same audit row for every (noun, record_id, label) of a select.

    They are read and then written: the database has no key to seal them with.
    """
    same = {"action": entry.action, "changes": entry.changes}
    found = session.connection().execute(rows)
    named = [dict(zip(("noun", "record_id", "label"), row, strict=True)) for row in found]
    record(session, [row | same for row in named])


def _verb(row: Any) -> AuditAction:
    gone = getattr(row, "deleted_at", None) is not None
    fresh = gone and sa.inspect(row).attrs["deleted_at"].history.has_changes()
    return AuditAction.delete if fresh else AuditAction.update


def _entry(action: AuditAction, row: Any) -> dict[str, Any] | None:
    if row.__noun__ in NOT_AUDITED:
        return None
    changes = _changes(row)
    if action is AuditAction.update and not changes:
        return None
    return {
        "action": action,
        "noun": row.__noun__,
        "record_id": row.id,
        "label": str(row)[:200],
        "changes": changes,
    }


def _changes(row: Any) -> dict[str, list[Any]]:
    found = {}
    state = sa.inspect(row)
    for key, facts in fields_of(type(row)).items():
        if key in PLUMBING or key not in state.committed_state:
            continue
        history = state.attrs[key].history
        if not history.has_changes():
            continue
        old = history.deleted[0] if history.deleted else None
        new = history.added[0] if history.added else None
        if old != new:
            found[key] = [_plain(old, facts), _plain(new, facts)]
    return found | _relations(state) | _secrets(state)


def _relations(state: Any) -> dict[str, list[Any]]:
    """Return the names before and after of collections that are kept in a table of pairs.

    They are no columns, yet they decide: a person's roles are one.
    """
    found = {}
    for relation in state.mapper.relationships:
        history = state.attrs[relation.key].history
        if relation.secondary is None or relation.viewonly or not history.has_changes():
            continue
        kept = [row.name for row in history.unchanged or ()]
        old = sorted({*kept, *(row.name for row in history.deleted or ())})
        new = sorted({*kept, *(row.name for row in history.added or ())})
        if old != new:
            found[relation.key] = [old, new]
    return found


def _secrets(state: Any) -> dict[str, list[Any]]:
    """Return that a secret changed, never its value."""
    secret = (a.key for a in state.mapper.column_attrs if a.columns[0].info.get("secret"))
    return {key: [None, HIDDEN] for key in secret if state.attrs[key].history.has_changes()}


def _plain(value: Any, facts: Facts) -> Any:
    """Return a value JSON can hold; personal ones only as far as everybody may see them."""
    if value is None:
        return None
    if facts.sensitive:
        return mask(str(value))
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, Decimal | dt.date | dt.datetime):
        return str(value)
    return value


def mask(text: str) -> str:
    """Return the text with its middle hidden: 13800138000 → 138****8000; short ones are ****."""
    shown = 7
    return f"{text[:3]}****{text[-4:]}" if len(text) > shown else HIDDEN
