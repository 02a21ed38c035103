"""Settings: named sections, units, what each does; the value typed stays beside its error."""

import re

from services.core import settings
from tests.support.visitors import Doors

PAGE = "/admin/setting/"


def test_every_setting_has_a_section_and_says_what_it_does():
    for specs in settings.SECTIONS.values():
        for key, spec in specs.items():
            assert spec.effect, key
            is_number = isinstance(spec.default, int)
            assert not is_number or spec.unit or spec.choices, key


def test_the_page_shows_sections_units_and_keeps_what_was_refused(small):
    doors = Doors(small)
    page = doors.get("admin", PAGE).text
    for section in settings.SECTIONS:
        assert f"<h2>{section}</h2>" in page
    assert "审批时限（工作小时）" in page
    assert re.search(r'<option value="0" selected>\s*否', page)

    wrong = doors.post("admin", PAGE, {"pool.warn_days": "viel", "visit.position": "7"})
    assert wrong.status_code == 422
    assert 'value="viel"' in wrong.text
    assert wrong.text.count("之间的整数") == 2
    assert doors.post("admin", PAGE, {"pool.warn_days": "5"}).status_code == 303
    assert "默认 3" in doors.get("admin", PAGE).text
