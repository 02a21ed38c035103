"""Column types: integer 分, thousandths, UTC instants, enums by name."""

import datetime as dt
import decimal
import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class Money(sa.types.TypeDecorator[int]):
    """An amount in 分 (CNY/100) as BIGINT; a type of its own so that screens know to show 元."""

    impl = sa.BigInteger
    cache_ok = True


class Quantity(sa.types.TypeDecorator[decimal.Decimal]):
    """A quantity with three decimals, kept as integer thousandths: SQLite has no exact NUMERIC."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: decimal.Decimal | None, dialect: Dialect) -> int | None:
        """Turn the decimal into thousandths; more than three decimals are rounded half up."""
        del dialect
        if value is None:
            return None
        rounded = decimal.Decimal(value).quantize(
            decimal.Decimal("0.001"), rounding=decimal.ROUND_HALF_UP
        )
        return int(rounded.scaleb(3))

    def process_result_value(self, value: int | None, dialect: Dialect) -> decimal.Decimal | None:
        """Turn thousandths back into a decimal."""
        del dialect
        return None if value is None else decimal.Decimal(value).scaleb(-3)


class UtcDateTime(sa.types.TypeDecorator[dt.datetime]):
    """An instant: aware in Python, stored as UTC on both databases. Naive values are refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Convert to UTC; SQLite gets it without the offset, since it would drop it silently."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "naive datetime: pass an aware one"
            raise ValueError(message)
        utc = value.astimezone(dt.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(
        self, value: dt.datetime | None, dialect: Dialect
    ) -> dt.datetime | None:
        """Return an aware UTC datetime whatever the database's session zone is."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def named(kind: type[enum.Enum], name: str = "") -> sa.Enum:
    """Return a VARCHAR with a named CHECK over the member names, the same on both databases.

    `name` tells two columns of a kind in one table apart.
    """
    options: dict[str, Any] = {"native_enum": False, "create_constraint": True, "length": 20}
    return sa.Enum(kind, name=name or snake(kind.__name__), validate_strings=True, **options)


def snake(name: str) -> str:
    """Return CamelCase as snake_case."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
