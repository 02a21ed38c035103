"""A cockpit page's state is its query string: parse, check, write canonically.

A bad value raises BadParameter, which names the parameter; unknown parameters are ignored.
"""

import dataclasses
import datetime as dt
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask_babel import lazy_gettext as _

import models as m
from dashboards.period import DAY, PRESETS, Period
from services.errors import Refused
from services.numbers import ZONE, today

SIZES = (20, 50, 100, 200)
LONGEST_SEARCH, MOST_WORDS, MOST_VALUES = 100, 8, 50
LARGEST_KEY = 2**31 - 1
LARGEST_PAGE = 1_000_000
YEARS = range(1900, 2200)
BUCKETS = ("0-7", "8-30", "31-90", "91-180", "181", "never")
DEFAULT_PRESET = "year"
Args = Mapping[str, Sequence[str]]
Read = TypeVar("Read")


class BadParameter(Refused):
    """A value in the query string that cannot be read: HTTP 400 naming the parameter."""

    status = 400
    code = "BAD_PARAMETER"

    def __init__(self, name: str, message: object) -> None:
        """Keep the parameter's name in the message and as the field."""
        super().__init__(_("参数 %(name)s：%(message)s", name=name, message=message), field=name)
        self.name = name


@dataclasses.dataclass(frozen=True, slots=True)
class Choices:
    """What one summary allows: its grains (the first is the default), sort keys and dates."""

    grains: tuple[str, ...]
    sorts: Callable[[str], Collection[str]]
    default_sort: Callable[[str], str]
    dates: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class CockpitQuery:
    """A checked query. `params` are the given ones in canonical order, as texts."""

    as_of: dt.datetime
    period: Period
    preset: str
    by: str
    sort: str
    date: str = ""
    page: int = 1
    size: int = 50
    unit: str = "yuan"
    words: tuple[str, ...] = ()
    keys: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    undealt: bool = False
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def today(self) -> dt.date:
        """Return the business date of `as_of`."""
        return today(self.as_of)

    @property
    def down(self) -> bool:
        """Tell whether the table is sorted from high to low."""
        return self.sort.startswith("-")

    @property
    def sort_key(self) -> str:
        """Return the column the table is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def start(self) -> int:
        """Return how many rows come before the page."""
        return (self.page - 1) * self.size

    def string(self, **changes: object) -> str:
        """Return the canonical query string with parameters changed, None removes one."""
        merged = dict(self.params) | {k: v for k, v in changes.items() if v is not None}
        gone = {k for k, v in changes.items() if v is None}
        return urlencode([(k, merged[k]) for k in ORDER if k in merged and k not in gone])

    def over(self, period: Period) -> "CockpitQuery":
        """Return the same query over another period."""
        return dataclasses.replace(self, period=period)


def parse(args: Args, choices: Choices, *, now: dt.datetime) -> CockpitQuery:
    """Return the query of a page. Raises BadParameter."""
    given = _given(args)
    as_of = _read(given, "as_of", _instant, now)
    by = _one_of(given, "by", choices.grains)
    sort = given.get("sort") or choices.default_sort(by)
    if sort.removeprefix("-") not in choices.sorts(by):
        raise BadParameter("sort", _("不能按此列排序"))
    preset, period = _period(given, today(as_of))
    return CockpitQuery(
        as_of=as_of,
        period=period,
        preset=preset,
        by=by,
        sort=sort,
        date=_one_of(given, "date", choices.dates) if choices.dates else "",
        page=_read(given, "page", lambda text: _number(text, LARGEST_PAGE), 1),
        size=_read(given, "size", _size, 50),
        unit=_one_of(given, "unit", ("yuan", "wan")),
        words=_read(given, "q", words_of, ()),
        keys={
            name: _values(given[name], name, read) for name, read in KEYS.items() if name in given
        },
        undealt=_one_of(given, "undealt", ("0", "1")) == "1",
        params={name: given[name] for name in ORDER if name in given},
    )


def _given(args: Args) -> dict[str, str]:
    """Return the known parameters that say something; repeated ones are joined by commas."""
    found = {}
    for name in ORDER:
        texts = [text.strip() for text in args.get(name, ()) if text.strip()]
        if texts:
            found[name] = ",".join(texts) if name in KEYS else texts[-1]
    return found


def _read(given: Mapping[str, str], name: str, read: Callable[[str], Read], default: Read) -> Read:
    if name not in given:
        return default
    try:
        return read(given[name])
    except ValueError as problem:
        raise BadParameter(name, problem.args[0]) from None


def _one_of(given: Mapping[str, str], name: str, allowed: Sequence[str]) -> str:
    """Return the value when it is allowed; the first allowed one is the default."""
    text = given.get(name, allowed[0])
    if text not in allowed:
        raise BadParameter(name, _("只能是 %(allowed)s", allowed=", ".join(allowed)))
    return text


def _period(given: Mapping[str, str], day: dt.date) -> tuple[str, Period]:
    """Return (preset, period): explicit dates win over a preset; default is this year."""
    start = _read(given, "from", _date, None)
    end = _read(given, "to", _date, None)
    if start is None and end is None:
        preset = given.get("preset", DEFAULT_PRESET)
        if preset not in PRESETS:
            raise BadParameter("preset", _("没有这个时间段"))
        return preset, PRESETS[preset](day)
    if "preset" in given and given["preset"] not in PRESETS:
        raise BadParameter("preset", _("没有这个时间段"))
    if start is None:
        start = end.replace(month=1, day=1) if end else day
    if end is None:
        end = max(day, start.replace(month=12, day=31) if start > day else day)
    if start > end:
        raise BadParameter("from", _("开始日期不能晚于结束日期"))
    return "", Period(start, end + DAY)


def _date(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(_("请输入日期，例如 2026-01-31")) from None
    if day.year not in YEARS or len(text) != len("2026-01-31"):
        raise ValueError(_("请输入日期，例如 2026-01-31"))
    return day


def _instant(text: str) -> dt.datetime:
    try:
        # A plus sign that nobody escaped arrives as a blank.
        found = dt.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise ValueError(_("请输入时间，例如 2026-01-31T08:00:00Z")) from None
    if found.year not in YEARS:
        raise ValueError(_("请输入时间，例如 2026-01-31T08:00:00Z"))
    aware = found if found.tzinfo else found.replace(tzinfo=ZONE)
    return aware.astimezone(dt.UTC)


def _number(text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:20]) <= most:
        raise ValueError(_("请输入 1 到 %(most)s 之间的整数", most=most))
    return int(text)


def _size(text: str) -> int:
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


def _values(text: str, name: str, read: Callable[[str], Any]) -> tuple[Any, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > MOST_VALUES:
        raise BadParameter(name, _("最多选 %(most)s 项", most=MOST_VALUES))
    try:
        return tuple(dict.fromkeys(read(part) for part in parts))
    except ValueError as problem:
        raise BadParameter(name, problem.args[0]) from None


def _key(text: str) -> int:
    return _number(text, LARGEST_KEY)


def _none_or_key(text: str) -> int:
    """Return a key; 0 stands for the rows that have none."""
    return 0 if text == "0" else _key(text)


def _member(kind: type[m.Level | m.FollowUpKind | m.CustomerStatus]) -> Callable[[str], Any]:
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


# Filters that take one or several values.
KEYS: dict[str, Callable[[str], Any]] = {
    "owner": _none_or_key,
    "department": _none_or_key,
    "customer": _key,
    "level": _member(m.Level),
    "industry": _none_or_key,
    "source": _none_or_key,
    "province": _province,
    "stage": _code,
    "kind": _member(m.FollowUpKind),
    "product": _none_or_key,
    "status": _member(m.CustomerStatus),
    "bucket": _bucket,
}
COMMON = (
    "preset",
    "from",
    "to",
    "owner",
    "department",
    "level",
    "industry",
    "source",
    "province",
    "q",
    "unit",
    "size",
    "as_of",
)
ORDER = (
    "preset",
    "from",
    "to",
    "date",
    *KEYS,
    "undealt",
    "q",
    "by",
    "sort",
    "unit",
    "size",
    "page",
    "as_of",
)
