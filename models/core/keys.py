"""What two spellings of one thing share: the keys by which duplicates are found."""

import dataclasses
import functools
import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn, Mapper, mapped_column

from models.core.normal import REMEMBERED, dialled, flat, name_key
from models.core.spelling import LONGEST, sort_key

Make = Callable[[str | None], str | None]

LEGAL = re.compile(r"(?<=.)(股份有限公司|有限责任公司|有限公司|集团公司|总公司|集团|公司)$")
PLACE = re.compile(r"^([\u4e00-\u9fff]{2,3})[省市](?=.)")
# 8765432-801 has an extension; 1397100-2233, with 86 before it or not, is a mobile in two groups.
EXTENSION = re.compile(
    r"(?:转|分机|#|ext\.?)\d{1,6}$"
    r"|(?<=\d{7})(?<!(?<!\d)1[3-9]\d{5})(?<!86(?=1[3-9]\d{5}-).{7})-\d{1,6}$",
    re.IGNORECASE,
)
TAIL = 4
ABROAD, FULL = 12, 8  # digits from which 86 is a country code; beyond which 0 is an area's


def company_key(text: str | None) -> str | None:
    """Return a company without width, case, signs, 省/市 and legal form; None for nothing.

    武汉光谷精工有限公司, 武汉市光谷精工（有限责任公司） and 武汉光谷精工 share one key.
    """
    name = name_key(text) or ""
    while (shorter := LEGAL.sub("", name)) != name:
        name = shorter
    while (shorter := PLACE.sub(r"\1", name)) != name:
        name = shorter
    return name or None


@functools.lru_cache(REMEMBERED)  # its end is asked for next
def phone_key(text: str | None) -> str | None:
    """Return the digits of a number without country code and extension; None for nothing."""
    digits = dialled(text or "")
    if not (digits.isascii() and digits.isdecimal()):
        digits = re.sub(r"[^0-9]", "", EXTENSION.sub("", digits))
    if digits.startswith("0086") and len(digits) > FULL:  # 0086 alone are somebody's last four
        digits = digits[2:]
    if digits.startswith("86") and len(digits) >= ABROAD:
        digits = digits[2:]
    return (digits.lstrip("0") if len(digits) > FULL else digits) or None


def phone_tail(text: str | None) -> str | None:
    """Return the last four digits of a number, by which people remember it."""
    key = phone_key(text)
    return key[-TAIL:] if key and len(key) >= TAIL else None


def mail_key(text: str | None) -> str | None:
    """Return a mailbox in the form it is looked for; None for nothing."""
    return re.sub(r"\s", "", flat(text)) or None


@dataclasses.dataclass(frozen=True, slots=True)
class Derived:
    """How a column follows another one of its row; `sorts` where it is what that is sorted by."""

    source: str
    make: Make
    sorts: bool = False


def derived(source: str, make: Make, length: int = 120) -> MappedColumn[Any]:
    """Return a column kept from another one: on every change of it, and in bulk inserts too."""
    return _derived(Derived(source, make), sa.String(length))


def sorting(source: str, make: Make = sort_key) -> MappedColumn[Any]:
    """Return the column by which another one is sorted, the same on both databases.

    PostgreSQL would compare by the language of the database, which may ignore blanks.
    """
    return _derived(Derived(source, make, sorts=True), _plain(LONGEST))


def beginning(source: str, make: Make, length: int = 120) -> MappedColumn[Any]:
    """Return a derived column that is searched by its beginning, by an index of either database."""
    return _derived(Derived(source, make), _plain(length))


def _plain(length: int) -> sa.String:
    plain = sa.String(length, collation="C")
    return sa.String(length).with_variant(plain, "postgresql")


def sorted_by(table: sa.FromClause, key: str) -> str:
    """Return what a column is sorted by: its sort key where it has one, else itself."""
    how = ((c.key, c.info.get("derived")) for c in table.c)
    found = (name for name, one in how if one is not None and one.sorts and one.source == key)
    return next(found, key)


def _derived(how: Derived, kind: sa.String) -> MappedColumn[Any]:
    def value(context: Any) -> str | None:
        return how.make(context.get_current_parameters().get(how.source))

    return mapped_column(kind, nullable=True, default=value, info={"derived": how})


@sa.event.listens_for(Mapper, "mapper_configured")
def _keep(mapper: Mapper[Any], model: type[Any]) -> None:
    for prop in mapper.column_attrs:
        how = prop.columns[0].info.get("derived")
        if how is not None:
            _follow(getattr(model, how.source), prop.key, how.make)


def _follow(source: Any, key: str, make: Make) -> None:
    @sa.event.listens_for(source, "set")
    def _changed(record: Any, value: str | None, _old: object, _initiator: object) -> None:
        setattr(record, key, make(value))
