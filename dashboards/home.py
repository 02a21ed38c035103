"""The tiles of the home page: to be written."""

from typing import Any


def tiles(*_args: Any, **_options: Any) -> list[Any]:
    """Return the tiles."""
    return []
