"""Templates are written to be read: short lines, one block a line, colours and rights elsewhere."""

import dataclasses
import re
from pathlib import Path

import pytest

from dashboards.pages import SUMMARIES
from tests.support.visitors import Visitors

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
PAPERS = ROOT / "services" / "deals" / "papers"  # our own layout of what is printed
LONGEST = 140
BLOCKS = """address article aside blockquote caption dd details dialog div dl dt fieldset figcaption
figure footer form h1 h2 h3 h4 h5 h6 header hr legend li main nav ol optgroup option p pre section
summary table tbody td tfoot th thead tr ul"""
OPENS = re.compile(rf"<(?:{'|'.join(BLOCKS.split())})\b")
COLOURED = re.compile(r"'(?:approved|rejected|pending|won|lost|active|confirmed)'\s*:")


def found_in_lines(wrong):
    """Return the places of lines that are wrong."""
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((*TEMPLATES.rglob("*.html"), *PAPERS.rglob("*.html")))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if wrong(line)
    ]


def test_no_line_of_a_template_is_longer_than_a_screen():
    assert len(list(TEMPLATES.rglob("*.html"))) > 50
    assert found_in_lines(lambda line: len(line) > LONGEST) == []


def test_a_block_begins_a_line_of_its_own():
    assert found_in_lines(lambda line: len(OPENS.findall(line)) > 1) == []


def test_templates_ask_may_and_never_look_into_grants():
    assert found_in_lines(lambda line: ".permissions" in line) == []


def test_the_colour_of_a_state_stands_in_no_template():
    assert found_in_lines(COLOURED.search) == []


@pytest.mark.parametrize(
    "line",
    [
        "<td>1</td><td>2</td>",
        '<div class="head"><h1>{{ title }}</h1></div>',
        "{% if x %}<li>a</li>{% else %}<li>b</li>{% endif %}",
    ],
)
def test_two_blocks_on_a_line_are_seen(line):
    assert len(OPENS.findall(line)) == 2


def test_colours_of_states_are_seen():
    assert COLOURED.search("{% set tones = {'approved': 'ok', 'rejected': 'bad'} %}")
    assert not COLOURED.search("{% if state == 'approved' %}")


def test_a_seventh_summary_is_offered_at_home(lite, monkeypatch):
    visitors = Visitors(lite)
    seventh = dataclasses.replace(SUMMARIES["visits"], key="seventh", caption="Siebte")
    monkeypatch.setitem(SUMMARIES, "seventh", seventh)

    home = visitors.get("analyst", "/admin/").text.partition("<main")[2]
    offered = re.findall(r'<li><a href="/admin/cockpit/(\w+)/">', home)

    assert offered == list(SUMMARIES)
    assert "Siebte" in home
