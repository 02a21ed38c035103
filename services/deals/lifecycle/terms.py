"""Payment terms: what people write ("3-6-1", "30/60/10", "月付×12") and the instalments it means.

Pure: no database, no clock. Ratios in basis points, amounts follow from them where the plan is
written (services/records/lines.py).
"""

import calendar
import dataclasses
import datetime as dt
import itertools
import re
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from models.core import normal
from models.core.line import FULL_PRICE

DELIVERY_DAYS = 30  # without a delivery date it is expected this long after signing
WARRANTY_MONTHS = 12
RETAINED = 1000  # basis points: a last share of at most a tenth is kept until the warranty ends
MOST = 60  # instalments
SHARES = re.compile(r"\d+(?:\.\d+)?%?(?:[-/:]\d+(?:\.\d+)?%?)+")
EVERY = {"月": 1, "month": 1, "季": 3, "quarter": 3, "半年": 6, "half": 6, "年": 12, "year": 12}
PERIODS = (
    re.compile(r"(?:按|每)?(半年|月|季|年)度?付?(?:款)?[x*](\d{1,3})期?"),
    re.compile(r"(\d{1,3})(?:期|个)?(月|季|半年|年)度?付(?:款)?"),
    re.compile(r"(?:分)?(\d{1,3})期?(?:按|每)(半年|月|季|年)付?"),
    re.compile(r"(month|quarter|year)ly[x*](\d{1,3})"),
    re.compile(r"(half)-?yearly[x*](\d{1,3})"),
)
AFTER = re.compile(r"(?:月结|net|货到|验收后|到货后)(\d{1,3})天?(?:付款|days?)?")
AT_ONCE = {"预付": 0, "款到发货": 0, "prepaid": 0, "货到付款": 1, "on delivery": 1, "cod": 1}
WORDS = re.compile(r"(分期|付款|instal?lments?)$")


@dataclasses.dataclass(frozen=True, slots=True)
class Term:
    """Shares in basis points that make all of it, and how they fall due.

    `months`: the distance of equal instalments, the first on signing; 0: as work goes on, from
    signing to delivery, with what is retained a year later. `after`: days after delivery of the
    only instalment; None: on signing.
    """

    shares: tuple[int, ...]
    months: int = 0
    after: int | None = None


def parse(text: str) -> Term | None:
    """Return what a payment term means, None where it says nothing of shares or dates."""
    plain = _plain(text)
    if plain in AT_ONCE:
        return Term((FULL_PRICE,), after=0 if AT_ONCE[plain] else None)
    bare = plain.replace(" ", "")
    for pattern in PERIODS:
        found = pattern.fullmatch(bare)
        if found:
            one, other = found.groups()
            many, unit = (one, other) if one.isdigit() else (other, one)
            return _equal(int(many), EVERY[unit])
    late = AFTER.fullmatch(bare)
    if late:
        return Term((FULL_PRICE,), after=int(late[1]))
    return _shares(WORDS.sub("", bare))


def _plain(text: str) -> str:
    """Return a text in the one spelling that is compared: half width, small, one kind of dash."""
    return re.sub(r"[×✕]", "x", re.sub(r"[、，,+]", "-", normal.figures(text).lower()))


def _equal(many: int, months: int) -> Term | None:
    if not 1 <= many <= MOST:
        return None
    each = FULL_PRICE // many
    return Term((each,) * (many - 1) + (FULL_PRICE - each * (many - 1),), months=months)


def _shares(text: str) -> Term | None:
    if not SHARES.fullmatch(text):
        return None
    parts = [Decimal(part) for part in re.split(r"[-/:]", text.replace("%", ""))]
    whole = sum(parts)
    if whole not in {10, 100} or not all(parts) or len(parts) > MOST:
        return None
    points = [part * FULL_PRICE / whole for part in parts]
    if any(one != int(one) for one in points):
        return None
    return Term(tuple(int(one) for one in points))


def rows(term: Term, signed_on: dt.date, deliver_on: dt.date | None) -> list[dict[str, Any]]:
    """Return the instalments of a term: ratio_bp, due_on, note; dates never go back."""
    delivered = max(deliver_on or signed_on + dt.timedelta(days=DELIVERY_DAYS), signed_on)
    days = _days(term, signed_on, delivered)
    return [
        {"ratio_bp": share, "amount": None, "due_on": day, "note": note}
        for share, day, note in zip(term.shares, days, _notes(term), strict=True)
    ]


def _days(term: Term, signed_on: dt.date, delivered: dt.date) -> list[dt.date]:
    many = len(term.shares)
    if term.after is not None:
        return [delivered + dt.timedelta(days=term.after)]
    if term.months:
        return [months_after(signed_on, term.months * n) for n in range(many)]
    steps = many - _retains(term)
    gap = (delivered - signed_on).days / max(steps - 1, 1)
    found = [signed_on + dt.timedelta(days=round(gap * n)) for n in range(steps)]
    return [*found, *itertools.repeat(months_after(delivered, WARRANTY_MONTHS), many - steps)]


def months_after(day: dt.date, months: int) -> dt.date:
    """Return the same day of a later month, its last one where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _retains(term: Term) -> int:
    """Return 1 where the last share is kept back until the warranty ends, else 0."""
    return int(len(term.shares) > 1 and term.shares[-1] <= RETAINED)


def _notes(term: Term) -> list[str | None]:
    many = len(term.shares)
    if many == 1 or term.months:
        return [None] * many
    found: list[str | None] = [None] * many
    found[0] = "预付款"
    if _retains(term):
        found[-1] = "质保金"
    last = many - _retains(term) - 1
    if last:
        found[last] = "到货款"
    return found


UNREADABLE = _("看不懂这个付款条款：请写成 3-6-1、30/60/10、月付×12、月结30天 这样，各期合计 100%")
