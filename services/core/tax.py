"""税号: a unified social credit code with its check character, or one of the numbers before it.

Since 2015 companies have 18 characters (GB 32100). Older ones are still printed: 15 of a place and
an organisation code, and 18 or 20 of a person's identity number.
"""

import re
import unicodedata
from typing import Any

from flask_babel import lazy_gettext as _
from stdnum.cn import ric, uscc

PLACES = {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55)} | {
    *range(61, 66),
    71,
    81,
    82,
}  # GB/T 2260: the first two digits of every place
WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714: the organisation code
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
OLD, NEW, PERSON = 15, 18, 20


def plain(text: str) -> str:
    """Return a tax number as it is kept: capitals, no blanks or hyphens, plain digits."""
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()


def number(text: str) -> str:
    """Return the tax number of a text. Raises ValueError with what is wrong."""
    found = plain(text)
    wrong = problem(found)
    if wrong:
        raise ValueError(wrong)
    return found


def problem(text: str) -> Any:
    """Return what is wrong with a tax number, an empty text where nothing is."""
    if len(text) not in {OLD, NEW, PERSON}:
        return _("税号应为 18 位（旧税号 15 或 20 位），现有 %(n)s 位", n=len(text))
    if not re.fullmatch("[0-9A-Z]+", text):
        return _("税号只含数字和大写字母")
    right = {OLD: _old, NEW: _new, PERSON: _person}[len(text)]
    return "" if right(text) else _("税号的校验位不对，请核对")


def _new(text: str) -> bool:
    return bool(uscc.is_valid(text) or ric.is_valid(text))


def _person(text: str) -> bool:
    """A person who trades: the identity number and two digits."""
    return bool(text[NEW:].isdigit() and ric.is_valid(text[:NEW]))


def _old(text: str) -> bool:
    """A place and an organisation code; fifteen digits alone may be an old identity number."""
    if not text[:6].isdigit() or int(text[:2]) not in PLACES:
        return False
    if text.isdigit():
        return True
    code = text[6:]
    total = sum(w * ALPHABET.index(c) for w, c in zip(WEIGHTS, code[:8], strict=True))
    check = 11 - total % 11
    return code[8] == {10: "X", 11: "0"}.get(check, str(check))
