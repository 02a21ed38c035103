"""Numbers as the cells of files show them."""

import re
from decimal import Decimal

from models.core import normal
from services.core.texts import NUMBER


def number(text: str) -> Decimal | None:
    """Return the number of a cell as people read it, None for what is none.

    Marks of currency and percent go: 12.5% is 12.5. A comma parts thousands, as in a form: `1,5`
    and `1.234,50` may be anything and are no number.
    """
    plain = re.sub(r"[¥￥元%\s]", "", normal.figures(text))
    return Decimal(plain.replace(",", "")) if NUMBER.fullmatch(plain) else None


def share(text: str) -> Decimal | None:
    """Return the number that is meant: 12.5% is 0.125."""
    found = number(text)
    percent = normal.figures(text).rstrip().endswith("%")
    return found / 100 if found is not None and percent else found
