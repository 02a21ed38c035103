"""How Chinese names are spelled: 武汉长江 is found by `whcj` and by `wuhanchangjiang`.

A surname may be read in several ways and dictionaries prefer the wrong one (曾 as céng), so all
readings of a person's first character are kept.
"""

import itertools

from pypinyin import Style, lazy_pinyin, pinyin

LONGEST, MOST_READINGS = 400, 4


def spelled(text: str | None) -> str | None:
    """Return "whcj wuhanchangjiang" for 武汉长江; None where there is nothing to spell."""
    return _joined([lazy_pinyin(text)]) if text and not text.isascii() else None


def spelled_person(text: str | None) -> str | None:
    """Return the initials and the spelling of a name, for every reading of its surname."""
    if not text or text.isascii():
        return None
    first = pinyin(text[0], style=Style.NORMAL, heteronym=True)[0][:MOST_READINGS]
    rest = lazy_pinyin(text[1:])
    return _joined([[reading, *rest] for reading in first])


def _joined(readings: list[list[str]]) -> str:
    initials = ("".join(part[:1] for part in reading) for reading in readings)
    whole = ("".join(reading) for reading in readings)
    return " ".join(dict.fromkeys(itertools.chain(initials, whole))).lower()[:LONGEST]
