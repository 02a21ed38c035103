"""What is left to the night is named with a reason, and the night runs all of it."""

import re
from types import SimpleNamespace

from tests.support.nightly import ROOT, each_once, listed, values_of

BY_DAY = '-m "not soak and not nightly"'
BY_NIGHT = ('-m "nightly and not soak"', "-m soak ")


def is_there(place):
    path, _colons, test = place.partition("::")
    file = ROOT / path
    return file.is_file() and (not test or f"def {test}(" in file.read_text(encoding="utf-8"))


def test_every_line_names_a_file_or_a_test_and_a_reason():
    lines = {place: reason for group in listed().values() for place, reason in group.items()}
    gone = [place for place in lines if not is_there(place)]
    mute = [place for place, reason in lines.items() if len(reason) < 10]

    assert (gone, mute) == ([], [])


def variant(**params):
    return SimpleNamespace(callspec=SimpleNamespace(params=params))


def test_by_day_every_value_is_there_in_as_few_variants_as_the_longest_parameter_has():
    items = [
        variant(kind=kind, size=size, who=who)
        for kind in ("sqlite", "postgres")
        for size in ("wide", "phone")
        for who in ("admin", "sales", "office")
    ]
    chosen = each_once(items)

    assert chosen[0] is items[0]
    assert len(chosen) == 3
    assert set().union(*map(values_of, chosen)) == set().union(*map(values_of, items))


def test_day_and_night_together_are_everything():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    _before, test, _between, soak = re.split(
        r"^(?:test|lint|soak): .*$", makefile, flags=re.MULTILINE
    )

    assert BY_DAY in test
    assert all(choice in soak for choice in BY_NIGHT)
