"""Sums of 分 as the whole numbers they are, 分 as text for data files, ratios and means half up."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa

from services.core.texts import yuan

FEN = 100  # 分 in a yuan
RATIO = Decimal("0.0001")


def plain(fen: int) -> str:
    """Return 分 as a decimal text in yuan, as data files want it: 123456 → "1234.56"."""
    return yuan(fen).replace(",", "")


def whole(expression: Any) -> Any:
    """Return an aggregate as an integer, 0 for no rows: PostgreSQL's SUM(bigint) is numeric."""
    return sa.cast(sa.func.coalesce(expression, 0), sa.BigInteger)


def total(expression: Any) -> Any:
    """Return an exact integer sum, 0 for no rows."""
    return whole(sa.func.sum(expression))


def half_up(value: Decimal, step: Decimal) -> Decimal:
    """Return the value rounded half up to a step such as 0.01."""
    return value.quantize(step, rounding=ROUND_HALF_UP)


def ratio(part: Any, whole: Any) -> Decimal | None:
    """Return part/whole to 4 places half up; None where there is no whole."""
    return _divided(part, whole, RATIO)


def mean(part: Any, whole: Any, places: int = 1) -> Decimal | None:
    """Return part/whole with a number of decimals, half up; None where there is no whole."""
    return _divided(part, whole, Decimal(1).scaleb(-places))


def _divided(part: Any, whole: Any, step: Decimal) -> Decimal | None:
    if whole is None or part is None or int(whole) == 0:
        return None
    return half_up(Decimal(int(part)) / Decimal(int(whole)), step)
