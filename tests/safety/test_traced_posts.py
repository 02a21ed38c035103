"""Every route that takes a post leaves a trace of what it changed, or stands on a reasoned list.

The law is kept by tests/support/traced.py over every post of the suite; here stands that it bites.
"""

import pytest

from services.rights import audit
from tests.support import traced
from tests.support.visitors import Visitors


def test_a_change_without_a_trace_is_told(lite, monkeypatch):
    found = Visitors(lite)
    found.client("admin")
    monkeypatch.setattr(audit, "record", lambda *_given: None)

    with pytest.raises(AssertionError, match="without a trace"):
        found.post("admin", "/admin/tag/new/", {"name": "重点", "_save": "1"})


def test_what_needs_no_trace_is_a_route_or_a_table(lite):
    rules = {rule.rule for rule in lite.url_map.iter_rules() if "POST" in rule.methods}
    known = set(lite.extensions["sqlalchemy"].metadata.tables)

    assert traced.QUIET["routes"].keys() <= rules
    assert traced.QUIET["tables"].keys() <= known
    assert all(reason.strip() for kind in traced.QUIET.values() for reason in kind.values())
