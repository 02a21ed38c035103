"""What the values of a query string may be: dates, moments, keys, members, words.

Each reader raises ValueError with what to type instead.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _

from models.customers.customer import CustomerStatus, Level
from models.sales.follow_up import FollowUpKind
from services.core.days import ZONE

SIZES = (20, 50, 100, 200)
LONGEST_SEARCH, MOST_WORDS = 100, 8
LARGEST_KEY = 2**31 - 1
YEARS = range(1900, 2200)
BUCKETS = ("0-7", "8-30", "31-90", "91-180", "181", "never")
HOUR = re.compile(r"[0-6]-(?:[01]\d|2[0-3])")
QUARTER = re.compile(r"(?:19|20|21)\d\d-Q[1-4]")


def read_date(text: str) -> dt.date:
    """Return a date written 2026-01-31."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(_("请输入日期，例如 2026-01-31")) from None
    if day.year not in YEARS or len(text) != len("2026-01-31"):
        raise ValueError(_("请输入日期，例如 2026-01-31"))
    return day


def read_instant(text: str) -> dt.datetime:
    """Return an instant in UTC; without a zone it is business time."""
    try:
        # A plus sign that nobody escaped arrives as a blank.
        found = dt.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise ValueError(_("请输入时间，例如 2026-01-31T08:00:00Z")) from None
    if found.year not in YEARS:
        raise ValueError(_("请输入时间，例如 2026-01-31T08:00:00Z"))
    aware = found if found.tzinfo else found.replace(tzinfo=ZONE)
    return aware.astimezone(dt.UTC)


def read_number(text: str, most: int) -> int:
    """Return a whole number from 1 to `most`."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:20]) <= most:
        raise ValueError(_("请输入 1 到 %(most)s 之间的整数", most=most))
    return int(text)


def read_size(text: str) -> int:
    """Return one of the sizes of a page."""
    if text not in {str(size) for size in SIZES}:
        raise ValueError(_("只能是 %(allowed)s", allowed=", ".join(map(str, SIZES))))
    return int(text)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a search: NFKC, trimmed, split by blanks."""
    clean = unicodedata.normalize("NFKC", text)
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in clean):
        raise ValueError(_("含有不能搜索的字符"))
    words = tuple(clean.split())
    if len(clean) > LONGEST_SEARCH or len(words) > MOST_WORDS:
        raise ValueError(
            _("最多 %(chars)s 个字符、%(words)s 个词", chars=LONGEST_SEARCH, words=MOST_WORDS)
        )
    return words


def _key(text: str) -> int:
    return read_number(text, LARGEST_KEY)


def _none_or_key(text: str) -> int:
    """Return a key; 0 stands for the rows that have none."""
    return 0 if text == "0" else _key(text)


def _member(kind: type[Level | FollowUpKind | CustomerStatus]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if text not in kind.__members__:
            raise ValueError(_("只能是 %(allowed)s", allowed=", ".join(kind.__members__)))
        return kind[text]

    return read


def _province(text: str) -> str:
    if text == "0":
        return text
    if not text.isascii() or not text.isdigit() or len(text) not in {2, 6}:
        raise ValueError(_("请输入省级行政区划代码，例如 420000"))
    return text[:2]


def _bucket(text: str) -> str:
    if text not in BUCKETS:
        raise ValueError(_("只能是 %(allowed)s", allowed=", ".join(BUCKETS)))
    return text


def _code(text: str) -> int | str:
    """Return a stage's key or its code."""
    if text.isascii() and text.isdigit():
        return _key(text)
    if not text.isascii() or not text.replace("_", "").isalnum():
        raise ValueError(_("没有这个阶段"))
    return text


def _hour(text: str) -> tuple[int, int]:
    """Return weekday (Monday = 0) and hour of a text such as 0-09."""
    if not HOUR.fullmatch(text):
        raise ValueError(_("请输入星期和小时，例如 0-09"))
    day, hour = text.split("-")
    return int(day), int(hour)


def _level(text: str) -> Any:
    """Return a level; 0 stands for the customers that have none."""
    return 0 if text == "0" else _member(Level)(text)


def _quarter(text: str) -> str:
    """Return a quarter such as 2026-Q3; 0 stands for what is not closed."""
    if text != "0" and not QUARTER.fullmatch(text):
        raise ValueError(_("请输入季度，例如 2026-Q3"))
    return text


# Filters that take one or several values.
KEYS: dict[str, Callable[[str], Any]] = {
    "owner": _none_or_key,
    "department": _none_or_key,
    "department_only": _none_or_key,
    "customer": _key,
    "contract": _key,
    "level": _level,
    "industry": _none_or_key,
    "source": _none_or_key,
    "province": _province,
    "segment": _key,
    "group": _key,
    "stage": _code,
    "kind": _member(FollowUpKind),
    "product": _none_or_key,
    "status": _member(CustomerStatus),
    "bucket": _bucket,
    "quarter": _quarter,
    "reached": _code,
    "hour": _hour,
    "only": str,
}
