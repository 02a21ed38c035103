"""What seals a row of the audit log: without the key nobody writes one, or changes one unseen.

A seal is two keyed digests: of what the row tells (salt, label, changes), and of the whole row, in
which the content stands by its digest only. So a content can go, salt included, and the row still
proves itself; without its salt the digest that stays tells nothing.
"""

import datetime as dt
import enum
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

DIGEST = 32  # characters of a digest: 128 bits
ORDERED = json.JSONEncoder(sort_keys=True).encode  # made once: every row asks it twice
KEYS = "audit_keys"  # the option of an engine that holds them: the first seals, all verify


def fresh_salt() -> str:
    """Return a new salt."""
    return secrets.token_hex(8)


def sealing(context: Any) -> str:
    """Return the seal of a row that is being inserted (a column's default); "" without a key."""
    keys = context.execution_options.get(KEYS)
    return seal_of(keys[0], context.get_current_parameters()) if keys else ""


def sealed(keys: Sequence[bytes], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with salt and seal, for a statement that knows no defaults."""
    salted = {**row, "salt": fresh_salt()}
    return {**salted, "seal": seal_of(keys[0], salted) if keys else ""}


def seal_of(key: bytes, row: Mapping[str, Any]) -> str:
    """Return the seal of a row that has its salt."""
    told = json.loads(json.dumps(row.get("changes") or {}))
    content = keyed(key, row["salt"], row.get("label") or "", told)
    return content + _frame(key, row, content)


def _frame(key: bytes, row: Mapping[str, Any], content: str) -> str:
    at: dt.datetime = row["at"]
    action, who, record = row["action"], row.get("actor_id"), row.get("record_id")
    name = action.name if isinstance(action, enum.Enum) else action
    return keyed(key, at.astimezone(dt.UTC).isoformat(), who, name, row["noun"], record, content)


def keyed(key: bytes, *parts: Any) -> str:
    """Return the keyed digest of some parts."""
    return hmac.digest(key, ORDERED(parts).encode(), "sha256").hex()[:DIGEST]


def holds(keys: Sequence[bytes], row: Mapping[str, Any]) -> bool:
    """Tell whether a row is as it was sealed; of one without salt only what is not content."""
    seal = row["seal"]
    return any(
        hmac.compare_digest(_frame(key, row, seal[:DIGEST]), seal[DIGEST:])
        and (not row["salt"] or hmac.compare_digest(seal_of(key, row), seal))
        for key in keys
    )
