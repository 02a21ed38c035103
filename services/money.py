"""Sums of 分 as the whole numbers they are, and 分 as text for data files."""

from typing import Any

import sqlalchemy as sa

from services.texts import yuan

FEN = 100  # 分 in a yuan


def plain(fen: int) -> str:
    """Return 分 as a decimal text in yuan, as data files want it: 123456 → "1234.56"."""
    return yuan(fen).replace(",", "")


def whole(expression: Any) -> Any:
    """Return an aggregate as an integer, 0 for no rows: PostgreSQL's SUM(bigint) is numeric."""
    return sa.cast(sa.func.coalesce(expression, 0), sa.BigInteger)


def total(expression: Any) -> Any:
    """Return an exact integer sum, 0 for no rows."""
    return whole(sa.func.sum(expression))
