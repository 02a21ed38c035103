"""The query string of a cockpit page as one frozen, checked value."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from urllib.parse import urlencode

from flask_babel import lazy_gettext as _

from models import FollowUpKind, Level
from services.errors import Refused
from services.numbers import ZONE

SIZES = (20, 50, 100, 200)
LONGEST, MOST_WORDS, LAST_PAGE = 100, 8, 1_000_000
PRESETS = (
    "today", "yesterday", "week", "last_week", "month", "last_month", "quarter", "last_quarter",
    "year", "last_year", "7d", "30d", "90d", "365d",
)
DATES = ("created", "expected", "closed")


class BadParameter(Refused):
    """A parameter has a value that means nothing: 400, naming it."""

    status = 400
    code = "BAD_PARAMETER"

    def __init__(self, name: str, message: object) -> None:
        """Keep the parameter's name as the field."""
        super().__init__(_("参数 %(name)s：%(why)s", name=name, why=message), field=name)


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """What a page shows. `start` and `end` are inclusive business dates; ids are checked ints."""

    start: dt.date
    end: dt.date
    as_of: dt.datetime
    preset: str = ""
    owner: int | None = None
    department: int | None = None
    level: str = ""
    industry: str = ""
    source: str = ""
    province: str = ""
    stage: str = ""
    kind: str = ""
    by: str = ""
    date: str = "created"
    everyone: bool = False
    bucket: str = ""
    words: tuple[str, ...] = ()
    sort: str = ""
    page: int = 0
    size: int = 50

    @property
    def today(self) -> dt.date:
        """Return the business date of `as_of`."""
        return self.as_of.astimezone(ZONE).date()

    def instants(self) -> tuple[dt.datetime, dt.datetime]:
        """Return the half-open UTC interval of the period, for raw timestamp columns."""
        first = dt.datetime.combine(self.start, dt.time(), ZONE)
        last = dt.datetime.combine(self.end + dt.timedelta(days=1), dt.time(), ZONE)
        return first.astimezone(dt.UTC), last.astimezone(dt.UTC)


def period_of(preset: str, today: dt.date) -> tuple[dt.date, dt.date]:
    """Return the inclusive dates of a preset; weeks start on Monday, 近N天 ends today."""
    one = dt.timedelta(days=1)
    if preset.endswith("d"):
        return today - one * (int(preset[:-1]) - 1), today
    if preset in {"today", "yesterday"}:
        day = today - one * (preset == "yesterday")
        return day, day
    unit = preset.removeprefix("last_")
    start = _start(unit, today)
    if preset.startswith("last_"):
        end = start - one
        return _start(unit, end), end
    return start, _start(unit, start + one * {"week": 7, "month": 32, "quarter": 95}.get(unit, 367)) - one


def _start(unit: str, day: dt.date) -> dt.date:
    if unit == "week":
        return day - dt.timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(month=1, day=1)


def parse(
    args: Mapping[str, str], *, now: dt.datetime, bys: tuple[str, ...], sorts: set[str]
) -> Query:
    """Return the checked query. Raises BadParameter on the first value that means nothing."""
    as_of = _instant(args.get("as_of"), now)
    today = as_of.astimezone(ZONE).date()
    preset = _member(args, "preset", PRESETS)
    start, end = period_of(preset or "year", today)
    if not preset:
        start = _day(args, "from") or start
        end = _day(args, "to") or max(end, start)
    if start > end:
        raise BadParameter("from", _("开始日期不能晚于结束日期"))
    sort = args.get("sort", "")
    if sort and sort.removeprefix("-") not in sorts:
        raise BadParameter("sort", _("不能按此列排序"))
    text = args.get("q", "").replace("\x00", "").strip()
    if len(text) > LONGEST:
        raise BadParameter("q", _("最多 100 个字符"))
    size = _number(args, "size") or 50
    if size not in SIZES:
        raise BadParameter("size", _("只能是 20、50、100、200"))
    return Query(
        start=start, end=end, as_of=as_of, preset=preset, owner=_number(args, "owner"),
        department=_number(args, "department"),
        level=_member(args, "level", tuple(Level.__members__)),
        industry=_code(args, "industry"), source=_code(args, "source"),
        province=_province(args), stage=_code(args, "stage"),
        kind=_member(args, "kind", tuple(FollowUpKind.__members__)),
        by=_member(args, "by", bys) or bys[0], date=_member(args, "date", DATES) or "created",
        everyone=args.get("all") == "1", bucket=_code(args, "bucket"),
        words=tuple(text.split()[:MOST_WORDS]), sort=sort,
        page=min(_number(args, "page") or 0, LAST_PAGE), size=size,
    )


def canonical(args: Mapping[str, str], **changes: str | None) -> str:
    """Return a query string in canonical order with parameters changed or dropped."""
    merged = {k: v for k, v in {**args, **changes}.items() if v not in {None, ""}}
    return urlencode(sorted(merged.items()))


def _instant(text: str | None, now: dt.datetime) -> dt.datetime:
    if not text:
        return now
    try:
        found = dt.datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as problem:
        raise BadParameter("as_of", _("应为 ISO 时间")) from problem
    if not 1900 < found.year < 2200:  # noqa: PLR2004 # business dates
        raise BadParameter("as_of", _("应为 ISO 时间"))
    return found if found.tzinfo else found.replace(tzinfo=ZONE)


def _day(args: Mapping[str, str], name: str) -> dt.date | None:
    text = args.get(name, "")
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as problem:
        raise BadParameter(name, _("应为日期，例如 2026-11-23")) from problem
    if not 1900 < day.year < 2200:  # noqa: PLR2004 # business dates
        raise BadParameter(name, _("应为日期，例如 2026-11-23"))
    return day


def _number(args: Mapping[str, str], name: str) -> int | None:
    text = args.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text[:12]) >= 2**31:
        raise BadParameter(name, _("应为整数"))
    return int(text)


def _member(args: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    text = args.get(name, "")
    if text and text not in known:
        raise BadParameter(name, _("可选：%(known)s", known=", ".join(known)))
    return text


def _code(args: Mapping[str, str], name: str) -> str:
    text = args.get(name, "")
    if len(text) > 40 or "\x00" in text:  # noqa: PLR2004 # the column's length
        raise BadParameter(name, _("值太长"))
    return text


def _province(args: Mapping[str, str]) -> str:
    text = args.get("province", "")
    if text and not (text.isascii() and text.isdigit() and len(text) in {2, 6}):
        raise BadParameter("province", _("应为 2 或 6 位地区代码"))
    return text[:2]
