"""What became of every line when it was checked: a byte each, so that millions are remembered."""

from collections.abc import Hashable

CODES = ("", "created", "updated", "unchanged", "failed")


class Outcomes:
    """Part of a file → its lines → what became of the record of each."""

    def __init__(self) -> None:
        """Begin with none."""
        self.known: dict[Hashable, bytearray] = {}

    def put(self, part: Hashable, line: int, outcome: str) -> None:
        """Remember what became of a line."""
        lines = self.known.setdefault(part, bytearray())
        if line >= len(lines):
            lines.extend(bytes(line + 1 - len(lines)))
        lines[line] = CODES.index(outcome)

    def of(self, part: Hashable, line: int) -> str:
        """Return what became of a line, "" where nobody said."""
        lines = self.known.get(part, b"")
        return CODES[lines[line]] if line < len(lines) else ""
