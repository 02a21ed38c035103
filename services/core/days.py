"""Business days: times are UTC, days are those of Asia/Shanghai; how both are written."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
YEARS = range(1900, 2201)  # of business dates; their neighbours are dates in every zone too
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NAME = r"(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
NUMERIC = r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"
CHINESE = r"(?P<y>\d{4})\s?年\s?(?P<m>\d{1,2})\s?月\s?(?P<d>\d{1,2})\s?日?"
COMPACT = r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"
DAY_FIRST = rf"(?P<d>\d{{1,2}})[-\s]+(?P<m>{NAME})[-,\s]+(?P<y>\d{{4}})"
MONTH_FIRST = rf"(?P<m>{NAME})\s+(?P<d>\d{{1,2}}),?\s+(?P<y>\d{{4}})"
WEEKDAY = r"(?:\s*[(（]?(?:星期|周)[一二三四五六日天][)）]?)?"
CLOCK = (
    r"(?P<a>上午|下午|am|pm)?\s*(?P<h>\d{1,2}):(?P<n>\d{2})(?::(?P<c>\d{2})(?:[.,]\d{1,9})?)?"
    r"\s*(?P<b>am|pm)?\s*(?P<z>z|utc|[+-]\d{2}:?\d{2})?"
)
FORMS = tuple(
    re.compile(rf"{day}{WEEKDAY}(?:(?:\s*t\s*|\s*){CLOCK})?", re.ASCII | re.IGNORECASE)
    if day is CHINESE
    else re.compile(rf"{day}{WEEKDAY}(?:(?:t|\s+){CLOCK})?", re.ASCII | re.IGNORECASE)
    for day in (NUMERIC, CHINESE, COMPACT, DAY_FIRST, MONTH_FIRST)
)
STAMP = re.compile(r"(\d{8})(\d{2})(\d{2})(\d{2})", re.ASCII)
LONGEST = 60
NOON = 12


def today(now: dt.datetime) -> dt.date:
    """Return the business date (Asia/Shanghai) of an instant."""
    return now.astimezone(ZONE).date()


def day_bounds(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the half-open UTC interval of a business day."""
    start = dt.datetime.combine(day, dt.time(), ZONE)
    return start.astimezone(dt.UTC), (start + dt.timedelta(days=1)).astimezone(dt.UTC)


def read(text: str) -> dt.datetime | None:
    """Return the time of a text, midnight where it is a day; aware only where a zone is said.

    None for what is none or may be two: 3/5/2027 is the third of May to some.
    """
    if len(text) > LONGEST:
        return None
    stamp = STAMP.fullmatch(text)
    if stamp:
        text = f"{stamp[1]} {stamp[2]}:{stamp[3]}:{stamp[4]}"
    found = next(filter(None, (form.fullmatch(text) for form in FORMS)), None)
    if found is None or int(found["y"]) not in YEARS:
        return None
    try:
        day = dt.date(int(found["y"]), _month(found["m"]), int(found["d"]))
        return dt.datetime.combine(day, _clock(found), _zone(found["z"]))
    except ValueError:
        return None


def _month(text: str) -> int:
    return int(text) if text.isdigit() else MONTHS.index(text[:3].lower()) + 1


def _clock(found: re.Match[str]) -> dt.time:
    if found["h"] is None:
        return dt.time()
    half, hour = (found["a"] or found["b"] or "").lower(), int(found["h"])
    if half:
        if (found["a"] and found["b"]) or not 0 <= hour <= NOON:
            raise ValueError
        late = half in {"pm", "下午"}
        hour = hour % NOON + (NOON if late else 0)
    return dt.time(hour, int(found["n"]), int(found["c"] or 0))


def _zone(text: str | None) -> dt.tzinfo | None:
    if not text:
        return None
    if text.lower() in {"z", "utc"}:
        return dt.UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    away = dt.timedelta(hours=hours, minutes=minutes)
    return dt.timezone(-away if text[0] == "-" else away)
