"""Texts as people type them and what they mean: amounts, percentages, dates, phones, addresses.

Every parser takes a stripped, non-empty text and returns its value, or raises ValueError with a
lazy message that says how to mend it. No database is needed here.
"""

import datetime as dt
import operator
import re
import unicodedata
from decimal import Decimal
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _

from services import phones
from services.numbers import ZONE

LARGEST_MONEY = 10**13  # 分: a hundred billion yuan; beyond it is a typing error
LARGEST_INT = 2**31 - 1
LONGEST_KEY = len(str(LARGEST_INT))
WHOLE = 10_000  # basis points
YEARS = range(1900, 2201)  # of business dates; their neighbours are dates in every zone too
LONGEST_NUMBER = 40

# C0 and C1 controls, lone surrogates, and the marks that turn the reading direction around:
# what looks like one name in a list must not be another.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
LINE_BREAK = re.compile("[\r\n\t\u2028\u2029]")
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|[+-]?\.[0-9]+")
DAY = re.compile(r"([0-9]{4})([-/.年])([0-9]{1,2})([-/.月])([0-9]{1,2})日?")
CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,6})?)?")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
YES = frozenset({"1", "y", "yes", "true", "on", "是"})
NO = frozenset({"0", "n", "no", "false", "off", "否"})


def clean(text: str, *, multiline: bool = False) -> str:
    """Return the text without blank edges; refuse what nobody can see or type."""
    text = text.strip().strip("\ufeff\u200b")
    if CONTROL.search(text):
        raise ValueError(_("含有不可见的控制字符，请删除后重试"))
    if not multiline and LINE_BREAK.search(text):
        raise ValueError(_("不能含有换行或制表符"))
    return text.replace("\r\n", "\n") if multiline else text


def _folded(text: str) -> str:
    """Return full-width digits and signs as plain ones."""
    return unicodedata.normalize("NFKC", text).strip()


def digits(text: str) -> str:
    """Return a QQ number: 5–11 digits, kept as text."""
    text = _folded(text)
    if not re.fullmatch(r"[0-9]{5,11}", text):
        raise ValueError(_("请输入 5–11 位数字"))
    return text


def mobile(text: str) -> str:
    """Return a mobile number as it was typed."""
    if not phones.is_mobile(text):
        raise ValueError(_("不是有效的手机号，例如 13800138000"))
    return text


def phone(text: str) -> str:
    """Return a telephone number as it was typed."""
    if not phones.is_phone(text):
        raise ValueError(_("不是有效的电话号码，例如 027-87654321-801"))
    return text


def email(text: str) -> str:
    """Return an address as it was typed; nobody is asked whether it exists."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError as problem:
        raise ValueError(_("不是有效的邮箱地址，例如 name@example.com")) from problem
    return text


def key(text: str | None) -> int | None:
    """Return a record's key as it comes from outside, None for what is none or fits no column."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > LONGEST_KEY:
        return None
    return int(text) if int(text) <= LARGEST_INT else None


def integer(text: str) -> int:
    """Return a whole number that fits the column."""
    text = _folded(text)
    if not re.fullmatch(r"[+-]?[0-9]{1,12}", text) or abs(int(text)) > LARGEST_INT:
        raise ValueError(_("请输入整数"))
    return int(text)


def _decimal(text: str, places: int) -> Decimal:
    text = _folded(text).replace(" ", "")
    if len(text) > LONGEST_NUMBER or not NUMBER.fullmatch(text):
        raise ValueError(_("请输入数字，例如 12,800.50"))
    number = Decimal(text.replace(",", ""))
    if abs(number) > LARGEST_MONEY:
        raise ValueError(_("数值超出允许范围"))
    if number != number.quantize(Decimal(1).scaleb(-places)):
        raise ValueError(_("最多 %(n)s 位小数", n=places))
    return number


def money(text: str) -> int:
    """Return yuan as 分: `1,234.56` → 123456."""
    plain = re.sub(r"^([+-]?)[¥￥]|元$", r"\1", _folded(text))
    fen = int(_decimal(plain, 2) * 100)
    if abs(fen) > LARGEST_MONEY:
        raise ValueError(_("数值超出允许范围"))
    return fen


def yuan(fen: int) -> str:
    """Return an amount in 分 as yuan with two decimals and thousands: 123456 → `1,234.56`.

    Raises TypeError for anything but a whole number: 分 are never rounded on their way to a page.
    """
    sign = "-" if operator.index(fen) < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def percent(text: str) -> int:
    """Return a percentage as basis points: `12.5%` → 1250."""
    points = int(_decimal(_folded(text).removesuffix("%"), 2) * 100)
    if not 0 <= points <= WHOLE:
        raise ValueError(_("请输入 0 到 100 之间的百分数"))
    return points


def quantity(text: str) -> Decimal:
    """Return a quantity with at most three decimals."""
    number = _decimal(text, 3)
    if not 0 < number < 10**9:
        raise ValueError(_("数量必须大于 0"))
    return number


def date(text: str) -> dt.date:
    """Return a business date: 2026-11-23, 2026/11/23, 2026.11.23 or 2026年11月23日."""
    found = DAY.fullmatch(_folded(text))
    if found and (found[2] == found[4] or found[2] + found[4] == "年月"):
        year, month, day = int(found[1]), int(found[3]), int(found[5])
        if year in YEARS:
            try:
                return dt.date(year, month, day)
            except ValueError:
                pass
    raise ValueError(_("请输入日期，例如 2026-11-23"))


def moment(text: str) -> dt.datetime:
    """Return a time in Asia/Shanghai as an aware UTC one; a date alone is its midnight."""
    day, _sep, clock = re.sub(r"[T\s]+", " ", _folded(text)).partition(" ")
    found = CLOCK.fullmatch(clock or "00:00")
    try:
        on = date(day)
        at = dt.time(*(int(part or 0) for part in found.groups())) if found else None
    except ValueError:
        at = None
    if at is None:
        raise ValueError(_("请输入时间，例如 2026-11-23 14:30"))
    return dt.datetime.combine(on, at, ZONE).astimezone(dt.UTC)


def boolean(text: str) -> bool:
    """Return yes or no."""
    word = text.lower()
    if word not in YES | NO:
        raise ValueError(_("请填「是」或「否」"))
    return word in YES


def same(text: str) -> Any:
    """Return the text itself."""
    return text


def neutral(value: Any) -> Any:
    """Return text that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
