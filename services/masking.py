"""Personal fields: who sees them plainly, and what the others see."""

from typing import Any

from services.actor import Actor, may
from services.audit import mask


def sees_sensitive(actor: Actor | None, record: Any) -> bool:
    """Tell whether the actor sees mobile, landline, WeChat, QQ and e-mail of this record."""
    if may(actor, "sensitive:read"):
        return True
    if actor is None or not may(actor, "sensitive:own"):
        return False
    holder = getattr(record, "customer", None) or record
    people = {getattr(holder, key, None) for key in ("owner_id", "technical_id", "created_by_id")}
    # A pool customer has no owner; who entered it once has no claim to its contacts any more.
    pool = hasattr(holder, "owner_id") and holder.owner_id is None
    return not pool and actor.id in people


def shown(actor: Actor | None, record: Any, value: object) -> object:
    """Return the value of a sensitive field as this actor may see it."""
    if value in {None, ""} or sees_sensitive(actor, record):
        return value
    return mask(str(value))
