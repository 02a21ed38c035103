"""The values of the condition language: read once, and made absolute when they are compared.

Dates may be relative: `{"today": n}` is n days from the business date, and the op `within` takes
the name of a period (`this_month`, `last_30_days`, …). Days are those of the company's time zone;
a bare date compared with an instant is its whole day.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from models.people.user import User
from services.core.days import YEARS, ZONE, today
from services.core.texts import LARGEST_INT
from services.query.beside import DIALLED
from services.records.fields import Input

MOST_VALUES, LONGEST = 200, 200
LARGEST_MONEY = 2**63 - 1
MOST_DAYS = 3650
NO_VALUE = frozenset({"empty", "filled"})
MANY = frozenset({"in", "not_in"})
AFTER = frozenset({"le", "gt"})  # ops that mean the end of a day when they name one
DAY = dt.timedelta(days=1)
OVERDUE = "overdue"

Days = tuple[dt.date, dt.date]  # from the first one up to, without, the second


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """What relative values stand for: the clock and the acting person."""

    now: dt.datetime
    me: int | None = None


def _month(day: dt.date, shift: int, length: int = 1) -> Days:
    """Return `length` months beginning `shift` months after the one of the day."""
    first = day.year * 12 + day.month - 1 + shift
    start, end = (divmod(n, 12) for n in (first, first + length))
    return dt.date(start[0], start[1] + 1, 1), dt.date(end[0], end[1] + 1, 1)


def _week(day: dt.date, shift: int) -> Days:
    monday = day - dt.timedelta(days=day.weekday()) + shift * 7 * DAY
    return monday, monday + 7 * DAY


def _quarter(day: dt.date, shift: int) -> Days:
    return _month(day, shift * 3 - (day.month - 1) % 3, 3)


def _year(day: dt.date, shift: int) -> Days:
    return dt.date(day.year + shift, 1, 1), dt.date(day.year + shift + 1, 1, 1)


PERIODS: dict[str, tuple[Any, Callable[[dt.date], Days]]] = {
    "today": (_("今天"), lambda d: (d, d + DAY)),
    "yesterday": (_("昨天"), lambda d: (d - DAY, d)),
    "tomorrow": (_("明天"), lambda d: (d + DAY, d + 2 * DAY)),
    "this_week": (_("本周"), lambda d: _week(d, 0)),
    "last_week": (_("上周"), lambda d: _week(d, -1)),
    "next_week": (_("下周"), lambda d: _week(d, 1)),
    "this_month": (_("本月"), lambda d: _month(d, 0)),
    "last_month": (_("上月"), lambda d: _month(d, -1)),
    "next_month": (_("下月"), lambda d: _month(d, 1)),
    "this_quarter": (_("本季"), lambda d: _quarter(d, 0)),
    "last_quarter": (_("上季"), lambda d: _quarter(d, -1)),
    "this_year": (_("今年"), lambda d: _year(d, 0)),
    "last_year": (_("去年"), lambda d: _year(d, -1)),
    "last_7_days": (_("近 7 天"), lambda d: (d - 6 * DAY, d + DAY)),
    "last_30_days": (_("近 30 天"), lambda d: (d - 29 * DAY, d + DAY)),
    "last_90_days": (_("近 90 天"), lambda d: (d - 89 * DAY, d + DAY)),
    "next_7_days": (_("未来 7 天"), lambda d: (d, d + 7 * DAY)),
    "next_30_days": (_("未来 30 天"), lambda d: (d, d + 30 * DAY)),
    OVERDUE: (_("逾期"), lambda d: (dt.date(1900, 1, 1), d)),
}


def read(one: Input, op: str, value: Any) -> Any:
    """Return the value of a comparison. Raises ValueError, TypeError or KeyError on junk."""
    if op in NO_VALUE:
        return None
    if op in MANY:
        if not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES:
            raise ValueError(value)
        return tuple(_single(one, v) for v in value)
    if op == "within":
        return value if PERIODS[value] else None
    if op == "between":
        if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 # two ends
            raise ValueError(value)
        return _single(one, value[0]), _single(one, value[1])
    return _single(one, value)


def _single(one: Input, value: Any) -> Any:
    if isinstance(value, dict):
        return _relative(one, value)
    if one.kind == "ref" and value == "me" and one.target is User:
        return "me"
    return READERS[one.kind](one, value)


def _relative(one: Input, value: dict[str, Any]) -> dict[str, int]:
    days = value.get("today")
    if value.keys() != {"today"} or one.kind not in {"date", "datetime"}:
        raise ValueError(value)
    if not isinstance(days, int) or abs(days) > MOST_DAYS:
        raise ValueError(value)
    return {"today": days}


def _whole(most: int) -> Callable[[Input, Any], int]:
    def read_whole(_one: Input, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > most:
            raise ValueError(value)
        return value

    return read_whole


def _text(_one: Input, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or "\x00" in value:
        raise ValueError(value)
    return value


def _bool(_one: Input, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _enum(one: Input, value: Any) -> Any:
    return one.target[value]


def _date(_one: Input, value: Any) -> dt.date:
    found = dt.date.fromisoformat(value)
    _check_year(found)
    return found


def _check_year(day: dt.date) -> None:
    """Refuse the first and the last dates there are: in another zone they overflow."""
    if day.year not in YEARS:
        raise ValueError(day)


def _moment(_one: Input, value: Any) -> dt.date:
    """A bare date stays one: which end of the day it means depends on the op."""
    if len(value) == len("2026-11-26"):
        return _date(_one, value)
    found = dt.datetime.fromisoformat(value)
    _check_year(found)
    return found if found.tzinfo is not None else found.replace(tzinfo=ZONE)


def _decimal(_one: Input, value: Any) -> Decimal:
    found = Decimal(str(value))
    if not found.is_finite() or abs(found) > LARGEST_INT:
        raise ValueError(value)
    return found.quantize(Decimal("0.001"))


READERS: dict[str, Callable[[Input, Any], Any]] = {
    "money": _whole(LARGEST_MONEY),
    **dict.fromkeys(("int", "percent", "share", "ref", "dictionary", "tags"), _whole(LARGEST_INT)),
    **dict.fromkeys(("text", "multiline", "digits", "mobile", "phone", "email", "region"), _text),
    DIALLED: _text,
    "quantity": _decimal,
    "date": _date,
    "datetime": _moment,
    "enum": _enum,
    "bool": _bool,
}


def absolute(one: Input, op: str, value: Any, at: Place) -> Any:
    """Return what to compare with now: relative dates become days or instants, `me` a key."""
    if op in MANY:
        return tuple(at.me if v == "me" else v for v in value)
    if op == "within":
        ends = PERIODS[value][1](today(at.now))
        return tuple(_bound(one, day, at, late=False) for day in ends)
    if op == "between":
        return tuple(_bound(one, v, at, late=n == 1) for n, v in enumerate(value))
    if value == "me":
        return at.me
    return _bound(one, value, at, late=op in AFTER)


def _bound(one: Input, value: Any, at: Place, *, late: bool) -> Any:
    if isinstance(value, dict):
        value = today(at.now) + value["today"] * DAY
    if one.kind == "datetime" and not isinstance(value, dt.datetime) and value is not None:
        return dt.datetime.combine(value, dt.time.max if late else dt.time(), ZONE)
    return value
