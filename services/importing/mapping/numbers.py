"""Numbers as the cells of files show them."""

import re
import unicodedata
from decimal import Decimal

PLAIN = re.compile(r"[+-]?\d+(\.\d+)?")


def number(text: str) -> Decimal | None:
    """Return the number of a cell as people read it, None for what is none.

    Marks of currency, thousands and percent go: 12.5% is 12.5.
    """
    plain = re.sub(r"[¥￥元%,\s]", "", unicodedata.normalize("NFKC", text))
    return Decimal(plain) if PLAIN.fullmatch(plain) else None


def share(text: str) -> Decimal | None:
    """Return the number that is meant: 12.5% is 0.125."""
    found = number(text)
    percent = unicodedata.normalize("NFKC", text).rstrip().endswith("%")
    return found / 100 if found is not None and percent else found
