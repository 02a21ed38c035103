"""Telephone numbers and mailboxes as they are searched for: as pasted, by beginning, by end.

Only numbers the person sees plainly are looked at: everybody else would learn a masked one digit
by digit from what is found.
"""

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from models.core import normal
from models.core.keys import TAIL, phone_key, phone_tail
from models.customers.contact import Contact
from models.customers.customer import Customer
from services.rights.actor import Actor, may
from services.rights.row_scope import alias

Text = Any  # a column, of a class or of an alias
SHORTEST = 3  # digits
COUNTRY = r"(?:(?:\+|00)?\s?86[\s-]*)?"
EXTENSION = r"(?:\s*(?:转|分机|#|ext\.?)\s*\d{1,6}|-\d{1,6})?"
# Numbers that people write in groups: 139 7100 2233, (027) 8765 4321 转 801, +852 2345 6789.
# A whole mobile in whatever groups: 1397100 2233, 139 71 00 22 33, 139 – 7100 – 2233.
MOBILE = rf"{COUNTRY}1[3-9](?:[\s{normal.DASH}]{{0,3}}\d){{9}}"
GROUPED = re.compile(
    rf"(?<![\w+-])(?:{MOBILE}|{COUNTRY}1[3-9]\d{{1,2}}(?:[\s-]\d{{1,4}}){{1,2}}"
    rf"|(?:{COUNTRY}\(?0\d{{2,3}}\)?|\+?86[\s-]*[1-9]\d{{1,2}})"
    rf"[\s-]*\d{{3,4}}[\s-]?\d{{4}}{EXTENSION}"
    rf"|\+\d{{1,3}}(?:[\s-]\d{{1,5}}){{2,5}})(?![\w-])"
)
NUMBER = re.compile(r"\+?[\d()-]+(?:(?:转|分机|#|ext\.?)\d{1,6})?")


def joined(text: str) -> str:
    """Return a text whose telephone numbers are one word each."""
    return GROUPED.sub(lambda one: normal.dialled(one[0]), text)


def reached(actor: Actor, word: str) -> list[Any]:
    """Return clauses of Contact: "a number begins or ends so", "a mailbox begins so", or none.

    Each walks one index; they are not joined by OR, which PostgreSQL would answer by a scan.
    """
    found = _ways(word) or _mailbox(word)
    if not found or may(actor, "sensitive:read"):
        return found
    own = _own(actor, Contact.customer_id)
    return [sa.and_(way, own) for way in found] if may(actor, "sensitive:own") else []


def compared(op: str, digits: str, key: Text, tail: Text) -> ColumnElement[bool]:
    """Return "the number is, begins or ends so" (eq, starts, ends), by an index of each."""
    if op == "eq":
        return sa.and_(key == digits)
    if op == "ends":
        return sa.and_(tail == phone_tail(digits), key.like(f"%{digits}"))
    return _begins(key, digits)


def plainly(actor: Actor | None, customer_id: Text) -> ColumnElement[bool] | None:
    """Return "the person sees the customer's numbers plainly", None for all of them."""
    if actor is None:
        return sa.false()
    return None if may(actor, "sensitive:read") else _own(actor, customer_id)


def _begins(key: Text, digits: str) -> ColumnElement[bool]:
    return sa.and_(key >= digits, key < f"{digits[:-1]}{chr(ord(digits[-1]) + 1)}")


def _ways(word: str) -> list[Any]:
    digits = phone_key(word) if word.isascii() or "转" in word or "分机" in word else None
    if not NUMBER.fullmatch(word) or digits is None or len(digits) < SHORTEST:
        return []
    begin = digits.lstrip("0") if normal.dialled(word).startswith("0") else digits
    ways = []
    if len(begin) >= SHORTEST:
        ways += [_begins(key, begin) for key in (Contact.mobile_key, Contact.landline_key)]
    if len(digits) >= TAIL:
        tail = phone_tail(digits)
        for key, end in (
            (Contact.mobile_key, Contact.mobile_tail),
            (Contact.landline_key, Contact.landline_tail),
        ):
            ways.append(sa.and_(end == tail, key.like(f"%{digits}")))
    return ways


def _mailbox(word: str) -> list[Any]:
    """Return "the mailbox begins so" for a word with @ and something before it."""
    return [_begins(Contact.email_key, word)] if word.find("@") > 0 else []


def _own(actor: Actor, customer_id: Text) -> ColumnElement[bool]:
    """Return "of one of his customers", asked of each contact; sight is a matter of the caller."""
    mine = alias(Customer, "mine")
    people = (mine.c.owner_id, mine.c.technical_id, mine.c.created_by_id)
    return sa.exists().where(
        mine.c.id == customer_id,
        mine.c.owner_id.is_not(None),
        sa.or_(*(person == actor.id for person in people)),
    )
