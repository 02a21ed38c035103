"""The marks that count statements say what coverage.py says, and change nothing about a program."""

import ast
import traceback

import coverage

from tests.support.statements import SEEN, weave

PROGRAM = '''"""What a module holds."""
from __future__ import annotations

import contextlib
import functools


@functools.lru_cache
def kind(value: int) -> str:
    """Return a word."""
    if value > 2:
        return "large"
    elif value == 2:
        return "two"
    else:
        word = [
            letter
            for letter in "small"
        ]
    return "".join(word)


class Thing:
    """A thing."""

    size = 3

    @property
    def double(self):
        return self.size * 2

    def never(self):
        return 0


def several(values):
    found = []
    for value in values:
        match value:
            case int():
                found.append(kind(value))
            case None:
                found.append("none")
        while value:
            break
        else:
            found.append("else")
    try:
        found.append(1 / len(values))
    except ZeroDivisionError:
        found.append("empty")
    else:
        found.append("counted")
    finally:
        found.append("end")
    with contextlib.suppress(KeyError):
        raise KeyError
    return found


told = (several([1, None]), several([]), Thing().double)
'''


def woven(path):
    """Return the program with marks, compiled."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    weave(tree)
    return compile(tree, str(path), "exec", dont_inherit=True)


def test_marks_find_the_statements_that_coverage_py_finds(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    cover = coverage.Coverage(data_file=None, include=[str(path)], config_file=False)
    plain, marked = {"__name__": "plain"}, {"__name__": "marked", SEEN: [0] * 99}
    with cover.collect():
        exec(compile(PROGRAM, str(path), "exec", dont_inherit=True), plain)  # noqa: S102
    exec(woven(path), marked)  # noqa: S102
    _name, statements, _excluded, missing, _text = cover.analysis2(str(path))
    ours = coverage.Coverage(data_file=None, config_file=False)
    ours.get_data().add_lines({str(path): [n for n, hit in enumerate(marked[SEEN]) if hit]})

    assert marked["told"] == plain["told"]
    assert ours.analysis2(str(path))[3] == missing
    assert 0 < len(missing) < len(statements)


def test_a_traceback_shows_the_line_that_failed(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("def fail():\n    one = 1\n    return one / 0\n", encoding="utf-8")
    known = {SEEN: [0] * 9}
    exec(woven(path), known)  # noqa: S102
    try:
        known["fail"]()
    except ZeroDivisionError as problem:
        last = traceback.extract_tb(problem.__traceback__)[-1]

    assert (last.lineno, last.line) == (3, "return one / 0")
