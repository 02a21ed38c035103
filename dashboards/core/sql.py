"""SQL that reads the same on SQLite and PostgreSQL: business days of instants, exact sums.

Business time is Asia/Shanghai, which has had +08:00 without summer time since 1991.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import sqlalchemy as sa
from flask_babel import get_locale
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, Select

from services.core import money
from services.query.portable import Portable

Clause = ColumnElement[Any]


class DayOf(Portable):
    """The business date of an instant."""

    name = "day_of"
    type = sa.Date()
    sqlite = "date({0}, '+8 hours')"
    postgresql = "CAST(({0} AT TIME ZONE 'Asia/Shanghai') AS DATE)"


class MonthOf(Portable):
    """The month of a date as text: 2026-11."""

    name = "month_of"
    type = sa.String()
    sqlite = "strftime('%Y-%m', {0})"
    postgresql = "to_char({0}, 'YYYY-MM')"


class MonthsLater(Portable):
    """The month some months after that of a date."""

    name = "months_later"
    type = sa.String()
    sqlite = "strftime('%Y-%m', {0}, 'start of month', {1} || ' months')"
    postgresql = (
        "to_char(date_trunc('month', CAST({0} AS timestamp)) + {1} * INTERVAL '1 month', 'YYYY-MM')"
    )


def months_into(day: Any, start: Any, size: int) -> Clause:
    """Return how many months of its stretch of `size` have passed; a year begins in `start`."""
    number: Clause = sa.cast(sa.func.substr(MonthOf(day), 6, 2), sa.Integer)
    into: Clause = (number - start + 12) % size
    return into


class QuarterOf(Portable):
    """The quarter of a date as text: 2026-Q4."""

    name = "quarter_of"
    type = sa.String()
    sqlite = "(strftime('%Y-Q', {0}) || ((CAST(strftime('%m', {0}) AS INTEGER) + 2) / 3))"
    postgresql = "to_char({0}, 'YYYY\"-Q\"Q')"


class HourOf(Portable):
    """The business hour of an instant, 0–23."""

    name = "hour_of"
    type = sa.Integer()
    sqlite = "CAST(strftime('%H', {0}, '+8 hours') AS INTEGER)"
    postgresql = "CAST(EXTRACT(HOUR FROM {0} AT TIME ZONE 'Asia/Shanghai') AS INTEGER)"


class WeekdayOf(Portable):
    """The business weekday of an instant, Monday = 0."""

    name = "weekday_of"
    type = sa.Integer()
    sqlite = "((CAST(strftime('%w', {0}, '+8 hours') AS INTEGER) + 6) % 7)"
    postgresql = "(CAST(EXTRACT(ISODOW FROM {0} AT TIME ZONE 'Asia/Shanghai') AS INTEGER) - 1)"


class IsBlank(Portable):
    """Whether a column is NULL, asked of rows that another column found.

    Nearly all rows are not in the bin. PostgreSQL without statistics takes them for a few and
    reads the index on `deleted_at` for every row of an outer table: here it is no index's business.
    SQLite needs the plain words for its partial index.
    """

    name = "is_blank"
    type = sa.Boolean()
    sqlite = "{0} IS NULL"
    postgresql = "(CASE WHEN {0} IS NULL THEN TRUE ELSE FALSE END)"


class MinutesBetween(Portable):
    """Minutes from the second instant to the first."""

    name = "minutes_between"
    type = sa.Integer()
    sqlite = "CAST(ROUND((julianday({0}) - julianday({1})) * 1440) AS INTEGER)"
    postgresql = "CAST(ROUND(EXTRACT(EPOCH FROM ({0} - {1})) / 60) AS INTEGER)"


total = money.total  # an exact integer sum, 0 for no rows: one law in every layer
whole = money.whole  # an aggregate as an integer, 0 for no rows


def count_if(condition: Any) -> Clause:
    """Return how many rows meet a condition."""
    counted: Clause = total(sa.case((condition, 1), else_=0))
    return counted


def sum_if(condition: Any, expression: Any) -> Clause:
    """Return the sum over the rows that meet a condition."""
    summed: Clause = total(sa.case((condition, expression), else_=0))
    return summed


def clamp(value: Any, high: Any) -> Clause:
    """Return the value kept between 0 and `high`; MIN and GREATEST differ by database."""
    return sa.case((value < 0, 0), (value > high, high), else_=value)


def positive(value: Any) -> Clause:
    """Return the value, 0 where it is negative."""
    return sa.case((value < 0, 0), else_=value)


def caption(table: Any) -> Clause:
    """Return the label in the reader's language, of a stage or a dictionary option."""
    return in_words(table.c.label, table.c.label_en)


def in_words(chinese: Any, english: Any) -> Clause:
    """Return the column of the reader's language, the Chinese one where there is no English."""
    locale = get_locale()
    if locale is None or locale.language != "en":
        plain: Clause = chinese
        return plain
    return sa.case((english != "", english), else_=chinese)


def snapshot(session: Session) -> None:
    """Begin a read-only transaction that sees one moment: all numbers of a page agree.

    SQLite's reading transaction does so by itself.
    """
    session.rollback()
    if session.get_bind().dialect.name == "postgresql":
        session.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )


def frame(session: Session, statement: Select[Any]) -> pd.DataFrame:
    """Return the rows as a frame of Python objects: no float64 ever holds an amount."""
    result = session.connection().execute(statement)
    return pd.DataFrame(result.all(), columns=list(result.keys()), dtype=object)


def record(session: Session, statement: Select[Any]) -> dict[str, Any]:
    """Return the one row of an aggregate."""
    return dict(session.connection().execute(statement).mappings().one())
