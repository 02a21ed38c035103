"""Personal fields: who sees them plainly, and what the others see."""

from typing import Any

from models.core.field import fields_of
from models.customers.customer import Customer
from models.people.user import User
from services.rights.actor import Actor, may
from services.rights.audit import mask


def sees_sensitive(actor: Actor | None, record: Any) -> bool:
    """Tell whether the actor sees mobile, landline, WeChat, QQ and e-mail of this record."""
    if may(actor, "sensitive:read"):
        return True
    if actor is None or not may(actor, "sensitive:own"):
        return False
    return _own(actor, record)


def _own(actor: Actor, record: Any) -> bool:
    holder = getattr(record, "customer", None) or record
    people = {getattr(holder, key, None) for key in ("owner_id", "technical_id", "created_by_id")}
    # A pool customer has no owner; who entered it once has no claim to its contacts any more.
    pool = hasattr(holder, "owner_id") and holder.owner_id is None
    return not pool and actor.id in people


def sees_by_grant(actor: Actor | None, record: Any) -> bool:
    """Tell whether the actor sees them by `sensitive:read` alone: that is a view to be noted."""
    if actor is None or not may(actor, "sensitive:read"):
        return False
    return actor.id != record.id if isinstance(record, User) else not _own(actor, record)


def holds_personal(record: Any) -> bool:
    """Tell whether there is anything to be masked on a record, or on a customer's contacts."""
    rows = record.contacts if isinstance(record, Customer) else [record]
    keys = [
        key for row in rows[:1] for key, facts in fields_of(type(row)).items() if facts.sensitive
    ]
    return any(getattr(row, key) for row in rows for key in keys)


def shown(actor: Actor | None, record: Any, value: object) -> object:
    """Return the value of a sensitive field as this actor may see it."""
    if value in {None, ""} or sees_sensitive(actor, record):
        return value
    return mask(str(value))
