"""What people must have read before a form is saved: told beside its field, with a box to tick."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from services.core.errors import Invalid
from services.records import records
from services.rights.call import Call

BOX = "_known"


class Unread(Invalid):
    """A form that is right, but says something people are to read first."""

    def __init__(self, said: Iterable[records.Said]) -> None:
        """Keep what is said by field; `errors.mark` is what the ticked box sends back."""
        found = list(said)
        errors: dict[str, str] = {}
        for one in found:
            errors[one.field] = "；".join(filter(None, [errors.get(one.field), str(one.message)]))
        super().__init__(errors)
        self.errors = Warned(errors)
        self.errors.mark = mark(found)


class Warned(dict[str, Any]):
    """Messages by field that go away once somebody says that he has read them."""

    mark = ""


def mark(said: Iterable[records.Said]) -> str:
    """Return what stands for these very messages and figures, in any language."""
    text = "|".join(f"{one.field}:{one.code}:{one.mark}" for one in said)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def unread(said: list[records.Said], post: Mapping[str, str]) -> bool:
    """Tell whether somebody has yet to say that he read this."""
    return bool(said) and post.get(BOX) != mark(said)


def ask(call: Call, record: Any, values: dict[str, Any], post: Mapping[str, str]) -> None:
    """Raise Unread unless the box was ticked for what is to be said of these values."""
    said = records.warnings(call, record, values)
    if unread(said, post):
        raise Unread(said)
