"""Chinese phone numbers as people write them: extensions, service numbers, full-width digits."""

import re
import unicodedata

import phonenumbers

SERVICE = re.compile(r"(95\d{3,6}|[48]00-?\d{3}-?\d{4}|1\d{4}|12\d{3}|110|119|120)")
EXTENSION = re.compile(r"(?:转|分机|-|#|ext\.?)\s*(\d{1,6})$", re.IGNORECASE)
MOBILE = re.compile(r"(?:\+?86-?)?1[3-9]\d(?:-?\d{8}|-\d{4}-\d{4})")


def is_mobile(text: str) -> bool:
    """Tell whether it is a mainland mobile number, or a foreign one in international form."""
    plain = _plain(text)
    return bool(MOBILE.fullmatch(plain)) or (plain.startswith("+") and _valid(plain))


def is_phone(text: str) -> bool:
    """Tell whether it is a landline, a service number or a mobile, with or without extension."""
    plain = _plain(text)
    if SERVICE.fullmatch(plain) or is_mobile(text):
        return True
    if _valid(plain):
        return True
    return _valid(EXTENSION.sub("", plain))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).replace("—", "-").replace("－", "-")
    return re.sub(r"[\s()]", "", folded)


def _valid(text: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, "CN"))
    except phonenumbers.NumberParseException:
        return False
