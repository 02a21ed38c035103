"""分 to text: exact yuan, rounded 万/亿, ratios; half up everywhere.

Source of the rules: the cockpit's definitions, section 1. A denominator of 0 has no ratio.
"""

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from services.core import money
from services.core.money import FEN

DASH = "—"
CENT = Decimal("0.01")
WAN = Decimal(10_000)
YI = Decimal(100_000_000)
# One law in every layer.
half_up, ratio, mean, RATIO = money.half_up, money.ratio, money.mean, money.RATIO
UNITS = {"元": _("元"), "万": _("万元"), "亿": _("亿元")}  # in the reader's language


def scaled(fen: int | Decimal) -> tuple[str, str]:
    """Return (number, unit) with the unit chosen on the rounded value: 9,999.995 元 → 1.00 万."""
    amount = Decimal(fen) / FEN
    for scale, unit, border in ((Decimal(1), "元", WAN), (WAN, "万", WAN), (YI, "亿", None)):
        number = half_up(amount / scale, CENT)
        if border is None or abs(number) < border:
            return f"{number:,.2f}", unit
    raise AssertionError  # the last unit has no border


def in_wan(fen: int) -> str:
    """Return 分 in 万元 with two decimals, for tables that show one unit throughout."""
    return f"{half_up(Decimal(fen) / FEN / WAN, CENT):,.2f}"


def percent(value: Decimal | None) -> str:
    """Return a ratio as 12.34%, 「—」 for none."""
    return DASH if value is None else f"{half_up(value * 100, CENT):,.2f}%"


def growth(value: Any, base: Any) -> Decimal | None:
    """Return (value − base) ÷ |base|; None without a base."""
    if value is None or not base:
        return None
    return half_up((Decimal(value) - Decimal(base)) / abs(Decimal(base)), RATIO)


def points(value: Any, base: Any) -> Decimal | None:
    """Return the percentage points between two ratios; None without one of them."""
    if value is None or base is None:
        return None
    return half_up((Decimal(value) - Decimal(base)) * 100, CENT)
