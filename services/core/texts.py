"""Texts as people type them and what they mean: amounts, percentages, dates, phones, addresses.

Every parser takes a stripped, non-empty text and returns its value, or raises ValueError with a
lazy message that says how to mend it. No database is needed here.
"""

import datetime as dt
import operator
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped] # it has none

from models.core import normal
from services.core import days, phones
from services.core.days import ZONE

LARGEST_MONEY = 10**13  # 分: a hundred billion yuan; beyond it is a typing error
LARGEST_INT = 2**31 - 1
LONGEST_KEY = len(str(LARGEST_INT))
WHOLE = 10_000  # basis points
LONGEST_NUMBER = 40

# C0 and C1 controls, lone surrogates, and the marks that turn the reading direction around:
# what looks like one name in a list must not be another.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
MONTH = re.compile(r"(\d{4})\s?[-/.年]\s?(\d{1,2})(?:\s?月)?", re.ASCII)
LINE_BREAK = re.compile("[\r\n\t\u2028\u2029]")
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|[+-]?\.[0-9]+")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
YES = frozenset({"1", "y", "yes", "true", "on", "是"})
NO = frozenset({"0", "n", "no", "false", "off", "否"})


def clean(text: str, *, multiline: bool = False) -> str:
    """Return the text without blank edges; refuse what nobody can see or type."""
    text = normal.trimmed(text)
    if CONTROL.search(text):
        raise ValueError(_("含有不可见的控制字符，请删除后重试"))
    if not multiline and LINE_BREAK.search(text):
        raise ValueError(_("不能含有换行或制表符"))
    return text.replace("\r\n", "\n") if multiline else text


def digits(text: str) -> str:
    """Return a QQ number: 5–11 digits, kept as text."""
    text = normal.figures(text)
    if not re.fullmatch(r"[0-9]{5,11}", text):
        raise ValueError(_("请输入 5–11 位数字"))
    return text


def mobile(text: str) -> str:
    """Return a mobile number in the one form it is kept in."""
    if not phones.is_mobile(text):
        raise ValueError(_("不是有效的手机号，例如 13800138000"))
    return phones.stored(text)


def phone(text: str) -> str:
    """Return a telephone number in the one form it is kept in."""
    if not phones.is_phone(text):
        raise ValueError(_("不是有效的电话号码，例如 027-87654321-801"))
    return phones.stored(text)


def email(text: str) -> str:
    """Return an address with plain signs; nobody is asked whether it exists."""
    address = re.sub(r"\s", "", normal.figures(text))
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError as problem:
        raise ValueError(_("不是有效的邮箱地址，例如 name@example.com")) from problem
    return address


def key(text: str | None) -> int | None:
    """Return a record's key as it comes from outside, None for what is none or fits no column."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > LONGEST_KEY:
        return None
    return int(text) if int(text) <= LARGEST_INT else None


def integer(text: str) -> int:
    """Return a whole number that fits the column."""
    text = normal.figures(text)
    if not re.fullmatch(r"[+-]?[0-9]{1,12}", text) or abs(int(text)) > LARGEST_INT:
        raise ValueError(_("请输入整数"))
    return int(text)


def _decimal(text: str, places: int) -> Decimal:
    text = normal.figures(text).replace(" ", "")
    if len(text) > LONGEST_NUMBER or not NUMBER.fullmatch(text):
        hint = _("请写成元，例如 12 万写作 120000") if "万" in text else None
        raise ValueError(hint or _("请输入数字，例如 12,800.50"))
    number = Decimal(text.replace(",", ""))
    if abs(number) > LARGEST_MONEY:
        raise _too_large()
    if number != number.quantize(Decimal(1).scaleb(-places)):
        raise ValueError(_("最多 %(n)s 位小数", n=places))
    return number


def _too_large() -> ValueError:
    most = f"{LARGEST_MONEY // 100:,}"
    return ValueError(_("请输入 %(low)s 到 %(high)s 之间的数值", low=f"-{most}", high=most))


def money(text: str) -> int:
    """Return yuan as 分: `1,234.56` → 123456."""
    plain = re.sub(r"^([+-]?)[¥￥]|元$", r"\1", normal.figures(text))
    fen = int(_decimal(plain, 2) * 100)
    if abs(fen) > LARGEST_MONEY:
        raise _too_large()
    return fen


def yuan(fen: int) -> str:
    """Return an amount in 分 as yuan with two decimals and thousands: 123456 → `1,234.56`.

    Raises TypeError for anything but a whole number: 分 are never rounded on their way to a page.
    """
    sign = "-" if operator.index(fen) < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def share(points: int) -> str:
    """Return basis points as a percentage, exactly: 9960 → `99.6%`, 3000 → `30%`."""
    sign = "-" if points < 0 else ""
    whole, rest = divmod(abs(points), 100)
    return f"{sign}{whole}{f'.{rest:02d}'.rstrip('0') if rest else ''}%"


def percent(text: str) -> int:
    """Return a percentage as basis points: `12.5%` → 1250."""
    found = points(text)
    if not 0 <= found <= WHOLE:
        raise ValueError(_("请输入 0 到 100 之间的百分数"))
    return found


def points(text: str) -> int:
    """Return a share that may be beyond the whole as basis points: `211%` → 21100."""
    found = int(_decimal(normal.figures(text).removesuffix("%"), 2) * 100)
    if abs(found) > LARGEST_INT:
        raise ValueError(_("数值超出允许范围"))
    return found


def quantity(text: str) -> Decimal:
    """Return a quantity with at most three decimals."""
    number = _decimal(text, 3)
    if not 0 < number < 10**9:
        raise ValueError(_("数量必须大于 0"))
    return number


def date(text: str) -> dt.date:
    """Return a business date, the day in Asia/Shanghai where a time stands beside it.

    The year comes first or the month is a word, so that no day is taken for a month.
    """
    found = days.read(normal.figures(text))
    if found is None:
        raise ValueError(_("请输入日期，例如 2026-11-23"))
    return found.astimezone(ZONE).date() if found.tzinfo else found.date()


def month(text: str) -> dt.date:
    """Return the first day of a month that is written alone (2026-11, 2026年11月) or by a day."""
    found = MONTH.fullmatch(normal.figures(text))
    whole = f"{found[1]}-{found[2]}-1" if found else text
    try:
        return date(whole).replace(day=1)
    except ValueError:
        raise ValueError(_("请输入月份，例如 2026-11")) from None


def moment(text: str) -> dt.datetime:
    """Return a time in Asia/Shanghai as an aware UTC one; a date alone is its midnight."""
    found = days.read(normal.figures(text))
    if found is None:
        raise ValueError(_("请输入时间，例如 2026-11-23 14:30"))
    local = found if found.tzinfo else found.replace(tzinfo=ZONE)
    return local.astimezone(dt.UTC)


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


def joined(texts: Iterable[object], by: str = "；") -> Any:
    """Return (lazy) texts as one lazy text: its parts too have the language of the reader."""
    return LazyString(_joined, by, tuple(texts))


def _joined(by: str, texts: tuple[object, ...]) -> str:
    return by.join(map(str, texts))


def lowered(text: object) -> Any:
    """Return a (lazy) caption as it stands inside of a sentence."""
    return LazyString(lambda: str(text).lower())
