"""Record keys as they come from outside."""

from flask import request

from services.errors import NotVisible

LARGEST_KEY = 2**31 - 1


def key_of(text: str | None) -> int | None:
    """Return a record key from the query string, None for junk."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 10:  # noqa: PLR2004
        return None
    return int(text) if int(text) <= LARGEST_KEY else None


def needed(name: str) -> int:
    """Return a key from the form. Raises NotVisible on junk."""
    found = key_of(request.form.get(name))
    if found is None:
        raise NotVisible
    return found
