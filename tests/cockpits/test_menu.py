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


MARKS = "marks=amount:ge;100000;rate:le;20"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("vanished:ge;1", "没有这一列"), ("label:ge;1", "没有这一列"),
        ("amount:gt;1", "请先选 ≥ 或 ≤"),
        ("amount:ge", "合同额 ≥：请输入数字"), ("amount:ge;many", "合同额 ≥：请输入数字"),
        ("100000", "请先选 ≥ 或 ≤"), ("amount:ge;1;20", "请先选 ≥ 或 ≤"),
        ("amount:ge;1;amount:le;2", "每列只能设一个"),
        ("amount:ge;0.001", "合同额 ≥：最多 2 位小数"),
    ],
)  # fmt: skip
def test_a_limit_that_cannot_be_read_is_refused_with_its_column(visitors, given, why):
    for door in ("", "data.json", "export.xlsx"):
        answer = visitors.get("analyst", f"{PAGE}{door}", query_string={"marks": given})

        assert answer.status_code == 400
        assert "marks" in answer.text
        assert door or f"「阈值标记」：{why}" in unescape(answer.text)


def reached(page):
    """Return (caption, text, title) of what stands out in rows and totals."""
    cells = re.findall(r'<td class="[^"]*\breached\b"(.*?)</td>', page, re.DOTALL)
    named = [
        re.search(r'data-label="([^"]*)".*?title="([^"]*)"', cell, re.DOTALL) for cell in cells
    ]
    texts = [" ".join(re.sub(r"<[^>]*>", "", cell.partition(">")[2]).split()) for cell in cells]
    return [(one[1], text, one[2]) for one, text in zip(named, texts, strict=True)]


def test_numbers_that_reach_their_limit_stand_out_in_rows_and_totals_by_more_than_colour(visitors):
    page = visitors.get("analyst", f"{PAGE}?preset=year&marks=amount:ge;150,000;unpaid:le;5").text
    assert visitors.get("analyst", PAGE).text.count(" reached") == 0
    data = visitors.get("analyst", f"{PAGE}data.json?preset=year").json
    amounts = [float(row["amount"]) for row in [*data["rows"], data["totals"]]]
    found = [one for one in reached(page) if one[0] == "合同额"]

    assert len(found) == sum(amount >= 150000 for amount in amounts) > 1
    assert len(found) < len(amounts)
    for _label, text, title in found:
        assert text.startswith("▲") or "▲" in text
        assert title == "≥ 150,000.00 元"
    assert 'aria-label="≥ 150,000.00 元"' in page
    wan = visitors.get("analyst", f"{PAGE}?preset=year&unit=wan&marks=amount:ge;15万").text
    assert [one for one in reached(wan) if "≥ 150,000.00 元" in one[2]]
    assert len(reached(wan)) == len(found)


def test_limits_are_sent_by_a_plain_form_and_kept_by_every_link_of_the_page_and_by_views(visitors):
    fields = {"preset": "year", "marks": ["amount:ge", "100,000", "", "", "rate:le", "20%"]}
    page = visitors.get("analyst", PAGE, query_string=fields).text
    links, hidden = carried(page, "marks")

    assert set(links) <= {"amount:ge;100,000;rate:le;20%", ""}
    assert links.count("amount:ge;100,000;rate:le;20%") > 20
    assert hidden == ["amount:ge;100,000;rate:le;20%"]
    assert '<option value="rate:le" selected>' in page
    assert 'value="100,000"' in page
    key = save(visitors, "analyst", state=f"preset=year&{MARKS}")
    with World(visitors.app) as world:
        assert "marks=amount%3Age%3B100000%3Brate%3Ale%3B20" in world.get(SavedView, key).query
    other = visitors.get("analyst", f"{PAGE}?by=contract&marks=plan_amount:ge;1")
    assert other.status_code == 400
    assert visitors.get("analyst", f"{PAGE}?by=contract&marks=target:ge;1").status_code == 200
    compared = f"{PAGE}?preset=month&compare=year&marks=amount_change:ge;10;rate_change:le;-5"
    assert visitors.get("analyst", compared).status_code == 200


def test_a_workbook_marks_what_reaches_a_limit_by_a_rule_of_its_own(visitors):
    sheet = sheet_of(visitors, f"preset=year&columns=label,amount,rate&by=owner&{MARKS}")
    rules = {
        str(area.sqref): rule.formula
        for area in sheet.conditional_formatting
        for rule in area.rules
    }
    last = sheet.max_row

    assert rules == {
        f"B2:B{last}": ["AND(ISNUMBER(B2),B2>=100000)"],
        f"C2:C{last}": ["AND(ISNUMBER(C2),C2<=0.2)"],
    }
    answer = visitors.get("analyst", f"{PAGE}export.xlsx?{MARKS}")
    about = openpyxl.load_workbook(io.BytesIO(answer.get_data())).worksheets[1]
    assert ("阈值标记", "回款率 ≤ 20.00%") in [(a.value, b.value) for a, b in about.rows]
