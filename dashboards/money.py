"""Money and ratios for people: 元, 万, 亿, per cent; half-up, never on rounded values."""

from decimal import ROUND_HALF_UP, Decimal

WAN, YI = 10_000_00, 100_000_000_00  # 分
CENT, FOUR = Decimal("0.01"), Decimal("0.0001")


def ratio(part: int | float | None, whole: int | float | None) -> Decimal | None:
    """Return part/whole to 4 places, half up; None where there is nothing to divide by."""
    if part is None or not whole:
        return None
    return (Decimal(int(part)) / Decimal(int(whole))).quantize(FOUR, ROUND_HALF_UP)


def percent(value: Decimal | None) -> str:
    """Return 12.34%, or the dash of the unknown."""
    return "—" if value is None else f"{(value * 100).quantize(CENT)}%"


def yuan_text(fen: int) -> str:
    """Return exact yuan as a decimal string, for data.json and exports."""
    return str((Decimal(fen) / 100).quantize(CENT))


def short(fen: int) -> tuple[str, str]:
    """Return (number, unit); the unit is chosen on the rounded value (9,999.995 元 → 1.00 万)."""
    value = (Decimal(fen) / 100).quantize(CENT, ROUND_HALF_UP)
    for unit, base in (("", 1), ("万", 10**4), ("亿", 10**8)):
        shown = (Decimal(fen) / 100 / base).quantize(CENT, ROUND_HALF_UP)
        if abs(shown) < 10_000 or unit == "亿":  # noqa: PLR2004 # 万 is ten thousand
            return f"{shown:,}", unit
    return f"{value:,}", ""


def weighted(amount: int, percent_: int) -> int:
    """Return (amount × probability + 50) // 100 in 分."""
    return (amount * percent_ + 50) // 100
