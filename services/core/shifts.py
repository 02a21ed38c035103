"""The shifts of a working day as text: `09:00-12:00,13:00-18:00`."""

import datetime as dt
import re

SHIFT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")

Shift = tuple[dt.timedelta, dt.timedelta]  # from and to, since local midnight


def parse_shifts(text: str) -> tuple[Shift, ...]:
    """Return the shifts of a text. Raises ValueError unless they are well formed and ascend."""
    found: list[Shift] = []
    last = dt.timedelta()
    for part in text.replace("，", ",").split(","):
        match = SHIFT.fullmatch(part.strip())
        if match is None:
            raise ValueError(part)
        a, b, c, d = (int(number) for number in match.groups())
        begin, end = dt.timedelta(hours=a, minutes=b), dt.timedelta(hours=c, minutes=d)
        if not last <= begin < end <= dt.timedelta(days=1):
            raise ValueError(part)
        found.append((begin, end))
        last = end
    return tuple(found)
