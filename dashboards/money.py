"""分 to text: exact yuan, rounded 万/亿, ratios and means; half up everywhere.

Source of the rules: the cockpit's definitions, section 1. A denominator of 0 has no ratio.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from services.money import FEN

DASH = "—"
RATIO = Decimal("0.0001")
CENT = Decimal("0.01")
WAN = Decimal(10_000)
YI = Decimal(100_000_000)
UNITS = {"元": _("元"), "万": _("万元"), "亿": _("亿元")}  # in the reader's language


def half_up(value: Decimal, step: Decimal) -> Decimal:
    """Return the value rounded half up to a step such as 0.01."""
    return value.quantize(step, rounding=ROUND_HALF_UP)


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


def ratio(part: Any, whole: Any) -> Decimal | None:
    """Return part/whole to 4 places half up; None where there is no whole."""
    if whole is None or part is None or int(whole) == 0:
        return None
    return half_up(Decimal(int(part)) / Decimal(int(whole)), RATIO)


def mean(part: Any, whole: Any, places: int = 1) -> Decimal | None:
    """Return part/whole with a number of decimals, half up; None where there is no whole."""
    if whole is None or part is None or int(whole) == 0:
        return None
    return half_up(Decimal(int(part)) / Decimal(int(whole)), Decimal(1).scaleb(-places))


def percent(value: Decimal | None) -> str:
    """Return a ratio as 12.34%, 「—」 for none."""
    return DASH if value is None else f"{half_up(value * 100, CENT):,.2f}%"
