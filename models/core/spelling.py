"""How Chinese names are spelled: 武汉长江 is found by `whcj` and by `wuhanchangjiang`.

A surname may be read in several ways and dictionaries prefer the wrong one (曾 as céng), so all
readings of a person's first character are kept. A name that is written in another coat than it is
looked for (（全角） and (全角)) has its normal form at the end.
"""

import functools
import itertools
from typing import Any

import pypinyin

from models.core.cached import cached
from models.core.normal import REMEMBERED, folded, name_key

LONGEST, MOST_READINGS = 400, 4
OTHER = "\x00"  # before what is no Chinese
# Surnames that are read otherwise than the character is elsewhere.
SURNAMES = {
    "曾": "zeng", "单": "shan", "解": "xie", "查": "zha", "仇": "qiu", "任": "ren", "朴": "piao",
    "区": "ou", "翟": "zhai", "覃": "qin", "缪": "miao", "宁": "ning", "华": "hua", "曲": "qu",
    "盖": "ge", "乐": "yue", "尉": "yu", "重": "chong", "柏": "bai", "燕": "yan", "应": "ying",
}  # fmt: skip


def spelled(text: str | None) -> str | None:
    """Return "whcj wuhanchangjiang" for 武汉长江; None where there is nothing to spell."""
    return _joined(text, [_syllables(text)]) if text and not text.isascii() else None


def spelled_person(text: str | None) -> str | None:
    """Return the initials and the spelling of a name, for every reading of its surname."""
    if not text or text.isascii():
        return None
    rest = _syllables(text[1:])
    return _joined(text, [[reading, *rest] for reading in _readings(text[0])])


@functools.lru_cache(REMEMBERED)
def sort_key(text: str | None) -> str | None:
    """Return what names stand in order by, syllable by syllable: "~wu ~han" for （武汉）.

    Latin letters and digits come before Chinese characters, as spreadsheets have it.
    """
    name = name_key(text) or folded(text) or None
    if name is None or name.isascii():
        return name
    parts = (part for word in _cut(name) for part in _word(word))
    marked = (part[1:] if part[0] == OTHER else f"~{part}" for part in parts)
    return " ".join(marked)[:LONGEST]


def person_sort_key(text: str | None) -> str | None:
    """Return the same for a person, whose surname comes first: 曾 is zeng."""
    found, first = sort_key(text), (text or "")[:1]
    if found is None or first not in SURNAMES:
        return found
    return " ".join([f"~{SURNAMES[first]}", *found.split(" ")[1:]])


@cached
def _reader() -> tuple[Any, Any]:
    """Return what cuts a text into words and what reads a word."""
    return pypinyin.core.Pinyin(), pypinyin.converter.DefaultConverter()


@functools.lru_cache(REMEMBERED)
def _readings(sign: str) -> list[str]:
    return pypinyin.pinyin(sign, style=pypinyin.Style.NORMAL, heteronym=True)[0][:MOST_READINGS]


def _syllables(text: str) -> list[str]:
    """Return how a text is read; what is no Chinese stays as it is."""
    return [part.removeprefix(OTHER) for word in _cut(text) for part in _word(word)]


@functools.lru_cache(REMEMBERED)
def _cut(text: str) -> tuple[str, ...]:
    """Return the words of a text: what it is found by and what it is sorted by both ask."""
    return tuple(_reader()[0].seg(text))


@functools.lru_cache(REMEMBERED)
def _word(word: str) -> tuple[str, ...]:
    """Return how a word is read: names share their words, and reading one takes long."""
    plain = pypinyin.Style.NORMAL
    found = _reader()[1].convert(word, plain, False, lambda rest: f"{OTHER}{rest}", True)  # noqa: FBT003 # its own signature
    return tuple(part for (part,) in found)


def _joined(text: str, readings: list[list[str]]) -> str:
    plain = folded(text)
    other = [] if plain == text.lower() else [plain]
    initials = ("".join(part[:1] for part in reading) for reading in readings)
    whole = ("".join(reading) for reading in readings)
    return " ".join(dict.fromkeys(itertools.chain(initials, whole, other))).lower()[:LONGEST]
