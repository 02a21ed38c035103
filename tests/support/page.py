"""A page as text: what stands between its tags, whatever the layout of the template."""

import re


def tight(page):
    """Return a page without the whitespace beside its tags."""
    return re.sub(r"(?<=>)\s+|\s+(?=<)", "", page)
