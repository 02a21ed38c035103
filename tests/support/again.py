"""A test in a real browser is played once more where it fails: two cores may draw a page late.

What needed it stands as `rerun` in pytest's closing line and by name above it: a race to be found,
in the test or in the product. Nothing else is played again.
"""

import pytest


def in_a_browser(item):
    """Tell whether a test drives Chromium."""
    return "site" in getattr(item, "fixturenames", ()) or item.get_closest_marker("browser")


def mark(items):
    """Mark what drives a browser as `flaky`, to be played again once."""
    for item in items:
        if in_a_browser(item):
            item.add_marker(pytest.mark.flaky(reruns=1))
