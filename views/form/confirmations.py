"""What people must have read before a form is saved: told beside its field, with a box to tick.

It is told together with what is wrong with the form, so that one round is enough.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from services.core.errors import Invalid
from services.records import records
from services.rights.call import Call

BOX = "_known"
Texts = Mapping[str, Any]  # field → message


class Warned(dict[str, Any]):
    """Messages by field, some of which go away once somebody says that he has read them."""

    mark = ""  # what the ticked box sends back
    read = False  # it was ticked for these very messages: what else is wrong keeps it so


def mark(said: Iterable[records.Said]) -> str:
    """Return what stands for these very messages and figures, in any language."""
    text = "|".join(f"{one.field}:{one.code}:{one.mark}" for one in said)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def unread(said: list[records.Said], post: Mapping[str, str]) -> bool:
    """Tell whether somebody has yet to say that he read this."""
    return bool(said) and post.get(BOX) != mark(said)


def ask(call: Call, record: Any, values: dict[str, Any], post: Mapping[str, str]) -> None:
    """Raise Invalid unless the box was ticked for what is to be said of these values.

    What stands against them is told with it.
    """
    said = records.warnings(call, record, values)
    wrong = records.faults(call, record, values, submitting=False) if said else {}
    if wrong or unread(said, post):
        raise _refusal(said, wrong, post)


def beside(
    call: Call, record: Any, values: dict[str, Any], wrong: Texts, post: Mapping[str, str]
) -> Invalid:
    """Return the refusal of a form in which something is wrong, with what is to be said of it."""
    sound = {key: value for key, value in values.items() if key not in wrong}
    return _refusal(records.warnings(call, record, sound), wrong, post)


def _refusal(said: list[records.Said], wrong: Texts, post: Mapping[str, str]) -> Invalid:
    found = Warned(wrong)
    for one in said:
        told = (found.get(one.field, ""), one.message)
        found[one.field] = "；".join(filter(None, map(str, told)))
    if said:
        found.mark, found.read = mark(said), not unread(said, post)
    refusal = Invalid(found)
    refusal.errors = found
    return refusal
