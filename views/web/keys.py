"""Record keys as they come from outside."""

from flask import request

from services.core import texts
from services.core.errors import NotVisible


def needed(name: str) -> int:
    """Return a key from the form. Raises NotVisible on junk."""
    found = texts.key(request.form.get(name))
    if found is None:
        raise NotVisible
    return found
