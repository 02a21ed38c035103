"""What the menu of columns sets stands in the address, and goes wherever the columns go."""

import io
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest

from models.query.saved_view import SavedView
from tests.cockpits.test_views import PAGE, save
from tests.support.world import World


def sheet_of(visitors, state):
    """Return the rows of a summary as a workbook has them."""
    answer = visitors.get("analyst", f"{PAGE}export.xlsx?{state}")
    return openpyxl.load_workbook(io.BytesIO(answer.get_data())).worksheets[0]


def carried(page, name):
    """Return how the links of a page to itself and the fields of its forms carry a parameter."""
    links = [unescape(url) for url in re.findall(r'href="(\?[^"]*)"', page)]
    hidden = re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    return [parse_qs(urlsplit(url).query).get(name, [""])[0] for url in links], hidden


@pytest.mark.parametrize("value", ["0", "4", "1.5", "two", "2,3"])
def test_only_one_to_three_columns_stay_in_sight(visitors, value):
    answer = visitors.get("analyst", PAGE, query_string={"freeze": value})

    assert answer.status_code == 400
    assert "「冻结列」" in answer.text


def test_frozen_columns_are_kept_by_every_link_of_the_page_by_views_and_by_files(visitors):
    state = "preset=year&by=contract&freeze=2"
    page = visitors.get("analyst", f"{PAGE}?{state}&level=a").text
    links, hidden = carried(page, "freeze")

    assert 'data-freeze="2"' in page
    assert set(links) <= {"2", ""}
    assert links.count("2") > 20
    assert hidden == ["2"]  # the filter bar; the menu itself has the choice
    key = save(visitors, "analyst", state=state)
    with World(visitors.app) as world:
        assert "freeze=2" in world.get(SavedView, key).query
    assert sheet_of(visitors, state).freeze_panes == "C2"
    assert sheet_of(visitors, "preset=year").freeze_panes == "B2"
    assert 'data-freeze="1"' in visitors.get("analyst", f"{PAGE}?freeze=").text
    opened = re.findall(r'href="(/admin/cockpit/[a-z]+/\?[^"]*via=[^"]*)"', page)
    assert opened
    assert [url for url in opened if "freeze" in parse_qs(urlsplit(unescape(url)).query)] == []
