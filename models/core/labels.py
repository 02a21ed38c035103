"""Enums whose members carry a caption beside their name."""

import enum
from typing import Any, Self


class Labelled(enum.Enum):
    """A state or kind the code depends on: `a = "a", _("…")`; value == name, caption beside it.

    The caption cannot be the value: lazy strings that compare equal would merge members.
    """

    caption: Any

    def __new__(cls, value: str, caption: object) -> Self:
        """Keep the name as the value and the lazy caption beside it."""
        member = object.__new__(cls)
        member._value_ = value
        member.caption = caption
        return member

    def __str__(self) -> str:
        """Return the caption in the reader's language."""
        return str(self.caption)

    @classmethod
    def offered(cls) -> list[Self]:
        """Return what people select from: `system` is written by the product alone."""
        return [member for member in cls if member.name != "system"]
