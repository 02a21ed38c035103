"""Chinese phone numbers as people write them: extensions, service numbers, full-width digits."""

import re

import phonenumbers

from models.core.normal import dialled

SERVICE = re.compile(r"(95\d{3,6}|[48]00-?\d{3}-?\d{4}|1\d{4}|12\d{3}|110|119|120)")
EXTENSION = re.compile(r"(?:转|分机|-|#|ext\.?)\s*(\d{1,6})$", re.IGNORECASE)
MOBILE = re.compile(r"(?:(?:\+|00)?86-?)?1[3-9]\d-?\d{4}-?\d{4}")
TAIL = re.compile(r"(.*\d{7,})-(\d{1,6})")  # a stored number with its extension
CHINA, MAINLAND = 86, 11  # country code; digits of a mobile


def is_mobile(text: str) -> bool:
    """Tell whether it is a mainland mobile number, or a foreign one in international form."""
    plain = dialled(text)
    return bool(MOBILE.fullmatch(plain)) or (plain.startswith("+") and _valid(plain))


def is_phone(text: str) -> bool:
    """Tell whether it is a landline, a service number or a mobile, with or without extension."""
    plain = dialled(text)
    if SERVICE.fullmatch(plain) or is_mobile(text):
        return True
    if _valid(plain):
        return True
    return _valid(EXTENSION.sub("", plain))


def stored(text: str) -> str:
    """Return a sound number in the one form it is kept in: 13971002233, 027-87654321-801."""
    plain = dialled(text)
    if MOBILE.fullmatch(plain):
        return re.sub("[^0-9]", "", plain)[-MAINLAND:]
    if SERVICE.fullmatch(plain):
        found = re.fullmatch(r"([48]00)-?(\d{3})-?(\d{4})", plain)
        return "-".join(found.groups()) if found else plain
    tail = "" if _valid(plain) else (EXTENSION.search(plain) or [""])[0]
    number = phonenumbers.parse(plain.removesuffix(tail), "CN")
    extension = number.extension or re.sub("[^0-9]", "", tail)
    number.extension = None
    if number.country_code != CHINA:
        kept = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    else:
        digits = phonenumbers.national_significant_number(number)
        area = phonenumbers.length_of_geographical_area_code(number)
        kept = f"0{digits[:area]}-{digits[area:]}" if area else digits
    return f"{kept}-{extension}" if extension else kept


def abroad(text: str, country: str) -> str:
    """Return a number as it is dialled in a country (DE) in international form.

    One that is none there is returned as it is, and refused by its parser.
    """
    try:
        number = phonenumbers.parse(dialled(text), country)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_valid_number(number):
        return text
    extension, number.extension = number.extension, None
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{found}-{extension}" if extension else found


def readable(text: str) -> str:
    """Return a kept number as people read it: 139 7100 2233; what is masked or odd stays."""
    plain = dialled(text)
    if MOBILE.fullmatch(plain):
        digits = re.sub("[^0-9]", "", plain)[-MAINLAND:]
        return f"{digits[:3]} {digits[3:7]} {digits[7:]}"
    return stored(text) if "*" not in text and is_phone(text) else text


def dial(text: str) -> str:
    """Return a number as a telephone takes it: +4930901820, 02787654321,801; "" for none.

    A comma is a pause before the extension. What is masked is no number.
    """
    if "*" in text or not is_phone(text):
        return ""
    found = TAIL.fullmatch(stored(text))
    return re.sub("[^0-9+,]", "", f"{found[1]},{found[2]}" if found else stored(text))


def _valid(text: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, "CN"))
    except phonenumbers.NumberParseException:
        return False
