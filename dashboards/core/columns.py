"""What a table's columns are, and how a value of each type is shown, exported and sent as JSON."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from decimal import Decimal
from typing import Any

import pandas as pd
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from dashboards.core import money
from services.core.days import ZONE
from services.core.money import plain
from services.core.texts import yuan

CHANGED = {"growth": money.growth, "points": money.points}  # of a value and its base
NUMBERS = frozenset({"money", "int", "days", "quiet", "ratio", "mean", *CHANGED})
SUMMED = frozenset({"money", "int"})
FEN = Decimal(100)  # 分 in a yuan
DAYS = lazy_gettext("天")
UNITS = {"money": lazy_gettext("元"), "ratio": "%", "growth": "%", "days": DAYS, "quiet": DAYS}


@dataclasses.dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table: how its values are made, shown and followed.

    `type` is text, long (shortened on the page), enum, bool, date, datetime, day (the business
    date of an instant), money, int, days, quiet (days, none means never), ratio, mean, growth or
    points (growth of a ratio).
    `of` names the two keys a ratio, a mean or a mean amount is derived from, so that totals are
    ratios of sums. `total` is sum, max, none or known: the sum of what is known, blank where
    nothing is. `link` is (noun, key of the id) of the record a cell opens; `drill` a cockpit
    address with {keys of the record}; `narrow` (parameter, key of the value) the filter a cell
    sets, which is the keyboard's way to what a bar does. `over` is the base it tells of.
    """

    key: str
    label: Any
    type: str = "text"
    help: Any = ""
    of: tuple[str, str] | None = None
    total: str = ""
    link: tuple[str, str] | None = None
    drill: str = ""
    narrow: tuple[str, str] | None = None
    sortable: bool = True
    private: bool = False
    over: Any = None

    @property
    def numeric(self) -> bool:
        """Tell whether the values are numbers, set to the right."""
        return self.type in NUMBERS

    @property
    def unit(self) -> Any:
        """Return what a limit of it is written in: amounts always in yuan."""
        return UNITS.get(self.type, "")

    @property
    def summing(self) -> str:
        """Return how a total over all rows is made."""
        return self.total or ("sum" if self.type in SUMMED and self.of is None else "none")


def missing(value: Any) -> bool:
    """Tell whether a cell holds nothing."""
    return value is None or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124 # NaN


def derive(record: dict[str, Any], columns: tuple[TableColumn, ...]) -> dict[str, Any]:
    """Return the record with its ratios and means worked out exactly."""
    found = {key: None if missing(value) else value for key, value in record.items()}
    for column in columns:
        if column.of is None:
            continue
        part, whole = (found.get(key) for key in column.of)
        if column.type == "ratio":
            found[column.key] = money.ratio(part, whole)
        elif column.type in CHANGED:
            found[column.key] = CHANGED[column.type](part, whole)
        elif column.type == "mean":
            found[column.key] = money.mean(part, whole)
        else:
            amount = money.mean(part, whole, 0)
            found[column.key] = None if amount is None else int(amount)
    return found


def jsonable(value: Any, column: TableColumn) -> Any:
    """Return a value for `data.json`: money in yuan and ratios as decimal strings."""
    if missing(value):
        return None
    if column.type == "money":
        return plain(int(value))
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dt.datetime):
        local = value.astimezone(ZONE)
        return (
            local.date().isoformat()
            if column.type == "day"
            else local.isoformat(timespec="seconds")
        )
    if isinstance(value, dt.date):
        return value.isoformat()
    if column.type in NUMBERS:
        return int(value)
    return value if isinstance(value, bool) else str(value)


def exported(value: Any, column: TableColumn) -> Any:
    """Return a cell of an export: numbers stay numbers, days and times (business zone) such."""
    if missing(value):
        return _("从未") if column.type == "quiet" else ""
    if column.type == "money":
        return Decimal(plain(int(value)))
    if column.type in NUMBERS or column.type == "date":
        return value
    if isinstance(value, dt.datetime):
        local = value.astimezone(ZONE).replace(tzinfo=None)
        return local.date() if column.type == "day" else local
    return shown(value, column)


def shown(value: Any, column: TableColumn, unit: str = "yuan") -> str:
    """Return the text of a cell; what is unknown is 「—」, which is not 0."""
    if missing(value):
        return _("从未") if column.type == "quiet" else money.DASH
    if column.type == "money":
        return money.in_wan(int(value)) if unit == "wan" else yuan(int(value))
    if column.type == "ratio":
        return money.percent(value)
    if column.type in CHANGED:
        return changed(value, column.type)
    if column.type == "bool":
        return _("是") if value else _("否")
    if isinstance(value, dt.datetime):
        local = value.astimezone(ZONE)
        return local.strftime("%Y-%m-%d" if column.type == "day" else "%Y-%m-%d %H:%M")
    if isinstance(value, enum.Enum | dt.date):
        return str(value)
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


def changed(value: Decimal, how: str) -> str:
    """Return a change as people read it: ↑ 12.34%, of a ratio the points."""
    if how == "points":
        return f"{value:+,.2f}"
    arrow = "↑" if value > 0 else "↓"
    return f"{arrow} {money.percent(abs(value))}" if value else _("持平")
