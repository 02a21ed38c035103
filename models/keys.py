"""What two spellings of one thing share: the keys by which duplicates are found."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn, mapped_column

LEGAL = re.compile(r"(?<=.)(股份有限公司|有限责任公司|有限公司|集团公司|总公司|集团|公司)$")
PLACE = re.compile(r"^([\u4e00-\u9fff]{2,3})[省市](?=.)")
EXTENSION = re.compile(r"(?:转|分机|#|ext\.?)\d{1,6}$|(?<=\d{7})-\d{1,6}$", re.IGNORECASE)
ABROAD, FULL = 12, 8  # digits from which 86 is a country code; beyond which 0 is an area's


def company_key(text: str | None) -> str | None:
    """Return a company without width, case, signs, 省/市 and legal form; None for nothing.

    武汉光谷精工有限公司, 武汉市光谷精工（有限责任公司） and 武汉光谷精工 share one key.
    """
    folded = unicodedata.normalize("NFKC", text or "").lower()
    name = "".join(sign for sign in folded if sign.isalnum())
    while (shorter := LEGAL.sub("", name)) != name:
        name = shorter
    while (shorter := PLACE.sub(r"\1", name)) != name:
        name = shorter
    return name or None


def phone_key(text: str | None) -> str | None:
    """Return the digits of a number without country code and extension; None for nothing."""
    plain = re.sub(r"[\s()]", "", unicodedata.normalize("NFKC", text or "")).replace("—", "-")
    digits = re.sub(r"[^0-9]", "", EXTENSION.sub("", plain))
    if digits.startswith("86") and len(digits) >= ABROAD:
        digits = digits[2:]
    return (digits.lstrip("0") if len(digits) > FULL else digits) or None


def derived(
    source: str, make: Callable[[str | None], str | None], length: int = 120
) -> MappedColumn[Any]:
    """Return a column kept from another one, in bulk inserts too (`validates` keeps changes)."""

    def value(context: Any) -> str | None:
        return make(context.get_current_parameters().get(source))

    return mapped_column(sa.String(length), nullable=True, default=value)
