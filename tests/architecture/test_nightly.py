"""What is left to the night is named with a reason, and the night runs all of it."""

import re

from tests.support.nightly import ROOT, listed

BY_DAY = '-m "not soak and not nightly"'
BY_NIGHT = ('-m "nightly and not soak"', "-m soak ")


def test_every_line_names_a_file_and_a_reason():
    gone = [path for path in listed() if not (ROOT / path).is_file()]
    mute = [path for path, reason in listed().items() if len(reason) < 10]

    assert (gone, mute) == ([], [])


def test_day_and_night_together_are_everything():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    _before, test, _between, soak = re.split(
        r"^(?:test|lint|soak): .*$", makefile, flags=re.MULTILINE
    )

    assert BY_DAY in test
    assert all(choice in soak for choice in BY_NIGHT)
