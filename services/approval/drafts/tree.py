"""Conditions of at most two levels as rows in groups, and back."""

import dataclasses
from typing import Any

WORD = {True: "all", False: "any"}


@dataclasses.dataclass(slots=True)
class Joined:
    """Groups of comparisons: `every` joins the groups by AND and each one's parts by OR."""

    every: bool
    groups: list[list[dict[str, Any]]]


def joined(rows: Joined) -> dict[str, Any] | None:
    """Return the condition of rows in groups, as short as it can be written; None of none."""
    parts = [_group(WORD[not rows.every], leaves) for leaves in rows.groups if leaves]
    if not parts:
        return None
    return _group(WORD[rows.every], parts)


def _group(word: str, parts: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = parts[0] if len(parts) == 1 else {word: parts}
    return found


def split(tree: Any) -> Joined | None:
    """Return a condition as rows in groups, None where it has more levels than that."""
    if not tree:
        return Joined(every=False, groups=[])
    word = _word(tree)
    if word is None:
        return Joined(every=False, groups=[[tree]])
    parts = tree[word]
    if all(_word(part) is None for part in parts):
        # AND alone is one group, OR alone several: the usual reading of the boxes.
        groups = [parts] if word == "all" else [[part] for part in parts]
        return Joined(every=False, groups=groups)
    groups = [_flat(part, word) for part in parts]
    return None if None in groups else Joined(word == "all", [g for g in groups if g])


def _word(tree: Any) -> str | None:
    return next((word for word in ("all", "any") if word in tree), None)


def _flat(part: Any, outer: str) -> list[Any] | None:
    word = _word(part)
    if word is None:
        return [part]
    flat = all(_word(one) is None for one in part[word])
    return list(part[word]) if flat and word != outer else None
