"""docs/asvs.md says the truth: every test, setting, document and file it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([^`]+)`")
TEXT = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
ROWS = LINE.findall(TEXT)
KINDS = ("`tests/", "setting `", "document `", "by reading `", "**not met**: ")


@cache
def functions(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}


@cache
def settings():
    folders = ("views/setup", "deploy")
    files = [one for name in folders for one in (ROOT / name).rglob("*") if one.is_file()]
    return set(
        re.findall(
            r"TCOS_\w+", "".join(one.read_text("utf-8") for one in files if one.suffix != ".pyc")
        )
    )


def missing(named):
    """Return what is wrong with a thing that the table names, '' for nothing."""
    path, _two, name = named.partition("::")
    if named.startswith("TCOS_"):
        return "" if named in settings() else "no such setting"
    if "/" not in path and not (ROOT / path).exists():
        return ""  # a word in code letters
    if not (ROOT / path).exists():
        return "no such file"
    return "" if not name or name in functions(path) else "no such test"


def test_there_are_enough_lines_and_each_requirement_once():
    numbers = [number for number, _words, _how in ROWS]

    assert len(ROWS) >= 150
    assert len(set(numbers)) == len(numbers)
    assert TEXT.count("\n| ") - TEXT.count("\n| requirement") == len(ROWS)  # none is misread
    assert f"here, each in short words of our own: {len(ROWS)} lines" in TEXT


def test_every_line_says_how_it_is_known():
    assert [number for number, _words, how in ROWS if not how.startswith(KINDS)] == []
    unmet = {n: how for n, _w, how in ROWS if how.startswith("**not met**")}
    same = {n: re.fullmatch(r"\*\*not met\*\*: as (\d[\d.]+)", how) for n, how in unmet.items()}
    short = [n for n, how in unmet.items() if len(how) < 30 and not same[n]]
    assert short == []
    assert all(found[1] in unmet for found in same.values() if found)


@pytest.mark.parametrize("number", [number for number, _words, _how in ROWS])
def test_what_a_line_names_is_there(number):
    how = next(how for one, _words, how in ROWS if one == number)
    wrong = {named: missing(named) for named in NAMED.findall(how) if missing(named)}

    assert wrong == {}


@pytest.mark.parametrize(
    "named", ["tests/no.py::test_x", "tests/safety/test_csrf.py::test_no", "TCOS_NOTHING_AT_ALL"]
)
def test_what_is_not_there_is_found(named):
    assert missing(named)
