"""A cockpit page's state is its query string: parse, check, write canonically.

A bad or unknown parameter raises BadParameter: a filter left out would show rows nobody asked for.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask_babel import lazy_gettext as _

from dashboards.core.parameters import ANY, JOINED, ORDER, PARAMETERS, PLAIN
from dashboards.core.period import DAY, PRESETS, Period
from dashboards.core.values import KEYS, read_date, read_instant, read_number, read_size, words_of
from models.people.user import Language
from services.core.days import today
from services.core.errors import Refused

COMPARED = ("", "previous", "year")
BASE, CHANGE = "_base", "_change"  # columns of a comparison, behind the name of what is compared
MOST_VALUES, LONGEST_NAME = 50, 40
DEFAULT_PRESET, LARGEST_PAGE = "year", 1_000_000
DENSITIES = ("comfortable", "compact")
OLDEST, SKEW = dt.timedelta(hours=1), dt.timedelta(minutes=1)  # of `as_of`; clocks differ a little
Args = Mapping[str, Sequence[str]]
Read = TypeVar("Read")


class BadParameter(Refused):
    """A value in the query string that cannot be read: HTTP 400 naming the parameter."""

    status = 400
    code = "BAD_PARAMETER"

    def __init__(self, name: str, message: object) -> None:
        """Keep the parameter's name as the field; the message calls it as the page does."""
        super().__init__(
            _("「%(name)s」：%(why)s", name=PARAMETERS.get(name, name), why=message), field=name
        )
        self.name = name


class PastMoment(BadParameter):
    """A moment that lies too far back: nothing is rewound, the address without it is of now."""


@dataclasses.dataclass(frozen=True, slots=True)
class SummaryOptions:
    """What one summary allows: its grains (the first is the default), sort keys and dates."""

    grains: tuple[str, ...]
    sorts: Callable[[str], Collection[str]]
    default_sort: Callable[[str], str]
    dates: tuple[str, ...] = ()
    only: tuple[str, ...] = ()  # what its rows can be cut down to
    clicked: tuple[str, ...] = ()  # filters that have no input, set by cells and bars
    compared: Callable[[str], Collection[str]] | None = None  # with 环比 and 同比, by grain

    def sortable(self, by: str, compare: str) -> Collection[str]:
        """Return what the rows of a grain are sorted by, the columns of a comparison too."""
        more = self.compared(by) if compare and self.compared else ()
        return [*self.sorts(by), *(f"{key}{end}" for key in more for end in (BASE, CHANGE))]


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
    density: str = DENSITIES[0]
    words: tuple[str, ...] = ()
    keys: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    undealt: bool = False
    compare: str = ""  # previous, year
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    columns: tuple[str, ...] = ()  # the chosen ones in their order; none is all
    bars: tuple[str, ...] = ()
    marks: tuple[Any, ...] = ()  # what stands out, read by dashboards/marks.py
    freeze: int = 1  # columns that stay in sight
    idle: frozenset[str] = frozenset()  # filters that were given and that this summary has not
    summary: str = ""  # its key
    members: tuple[Any, ...] | None = None  # clauses of segments, from dashboards/segments.py

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

    def without(self, name: str) -> "CockpitQuery":
        """Return the same query without one of its filters."""
        return dataclasses.replace(self, keys={k: v for k, v in self.keys.items() if k != name})


def parse(
    args: Args, choices: SummaryOptions, *, now: dt.datetime, accepted: Collection[str] = ()
) -> CockpitQuery:
    """Return the query of a page; `accepted` are its filters. Raises BadParameter."""
    _check_names(args, {*PLAIN, *ANY, *accepted, *(["date"] if choices.dates else ())})
    given = _given(args)
    for flag in given["only"].split(",") if "only" in given else ():
        if flag not in choices.only:
            raise BadParameter("only", _("只能是 %(allowed)s", allowed=", ".join(choices.only)))
    _one_of(given, "lang", tuple(Language.__members__))
    as_of = _moment(given, now)
    by = _one_of(given, "by", choices.grains)
    sort = given.get("sort") or choices.default_sort(by)
    compare = _one_of(given, "compare", COMPARED)
    alone = compare and not (choices.compared and choices.compared(by))
    if sort.removeprefix("-") not in choices.sortable(by, compare):
        raise BadParameter("sort", _("不能按此列排序"))
    preset, period = _period(given, today(as_of))
    return CockpitQuery(
        as_of=as_of,
        period=period,
        preset=preset,
        by=by,
        sort=sort,
        date=_one_of(given, "date", choices.dates) if choices.dates else "",
        page=_read(given, "page", lambda text: read_number(text, LARGEST_PAGE), 1),
        size=_read(given, "size", read_size, 50),
        unit=_one_of(given, "unit", ("yuan", "wan")),
        density=_one_of(given, "density", DENSITIES),
        words=_read(given, "q", words_of, ()),
        keys={
            name: _values(given[name], name, read) for name, read in KEYS.items() if name in given
        },
        columns=_several(given, "columns"),
        bars=_several(given, "bars"),
        freeze=int(_one_of(given, "freeze", ("1", "2", "3"))),
        undealt=_one_of(given, "undealt", ("0", "1")) == "1",
        compare="" if alone else compare,
        idle=frozenset(
            [name for name in ANY if name in given and name not in accepted]
            + (["compare"] if alone else [])
        ),
        params={name: given[name] for name in ORDER if name in given},
    )


def _check_names(args: Args, known: Collection[str]) -> None:
    for name, texts in args.items():
        if name not in known and any(text.strip() for text in texts):
            raise BadParameter(name[:LONGEST_NAME], _("没有这个筛选条件"))


def _given(args: Args) -> dict[str, str]:
    """Return the known parameters that say something; those that may be repeated as one text."""
    found = {}
    for name in ORDER:
        if texts := [text.strip() for text in args.get(name, ()) if text.strip()]:
            found[name] = JOINED[name].join(texts) if name in JOINED else texts[-1]
    if "size" not in found and args.get("page_size"):  # what the grids call it
        found["size"] = args["page_size"][-1].strip() or "50"
    return found


def _moment(given: Mapping[str, str], now: dt.datetime) -> dt.datetime:
    """Return `as_of`: nothing is rewound, so that only the page's own moment can be asked for."""
    as_of = _read(given, "as_of", read_instant, now)
    why = _("只能是最近一小时内的时间；不填即为当前数据")
    if as_of < now - OLDEST:
        raise PastMoment("as_of", why)
    if as_of > now + SKEW:
        raise BadParameter("as_of", why)
    return as_of


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
        raise BadParameter(name, _("只能是 %(allowed)s", allowed=", ".join(filter(None, allowed))))
    return text


def _period(given: Mapping[str, str], day: dt.date) -> tuple[str, Period]:
    """Return (preset, period): explicit dates win over a preset; default is this year."""
    start = _read(given, "from", read_date, None)
    end = _read(given, "to", read_date, None)
    preset = given.get("preset", DEFAULT_PRESET)
    if preset not in PRESETS:
        raise BadParameter("preset", _("没有这个时间段"))
    if start is None and end is None:
        return preset, PRESETS[preset](day)
    if start is None:
        start = end.replace(month=1, day=1) if end else day
    if end is None:
        end = max(day, start.replace(month=12, day=31) if start > day else day)
    if start > end:
        raise BadParameter("from", _("开始日期不能晚于结束日期"))
    return "", Period(start, end + DAY)


def _several(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in given.get(name, "").split(",") if part))


def _values(text: str, name: str, read: Callable[[str], Any]) -> tuple[Any, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > MOST_VALUES:
        raise BadParameter(name, _("最多选 %(most)s 项", most=MOST_VALUES))
    try:
        return tuple(dict.fromkeys(read(part) for part in parts))
    except ValueError as problem:
        raise BadParameter(name, problem.args[0]) from None
