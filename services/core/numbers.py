"""Record numbers without gaps: one counter row a key and day, in the record's own transaction."""

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.core.number import NumberCounter, NumberRule
from models.registry import reviewed
from services.core.errors import Locked
from services.core.settings import get_setting

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
KNOWN, NEEDED = frozenset({"prefix", "yyyymmdd", "letter", "n"}), frozenset({"yyyymmdd", "n"})
WIDTHS = range(1, 10)  # digits of the count, the CHECK's bounds
LONGEST = 40  # characters a number has room for in its record
LETTERS = {"high_value": "G", "project": "X"}
LETTERED = frozenset({"customer"})  # whose classes count by themselves


def allocate(session: Session, noun: str, *, on: dt.date, letter: str = "") -> str:
    """Return the next number, e.g. `YAV-20220823-G2`."""
    return allocate_many(session, noun, 1, on=on, letter=letter)[0]


def allocate_many(
    session: Session, noun: str, many: int, *, on: dt.date, letter: str = ""
) -> list[str]:
    """Return the next numbers in order.

    The row lock lasts until the commit: a roll-back gives the numbers back, so there is never a
    gap or a duplicate.
    """
    last = count(session, counter_key(noun, letter, on), step=many)
    text = pattern_of(session, noun)
    return [text(letter, on, n) for n in range(last - many + 1, last + 1)]


def allocate_each(session: Session, noun: str, asked: list[tuple[dt.date, str]]) -> list[str]:
    """Return the next number of each (day, letter), in order; a counter moves on once for all."""
    places: dict[tuple[dt.date, str], list[int]] = {}
    for n, one in enumerate(asked):
        places.setdefault(one, []).append(n)
    found = [""] * len(asked)
    for (on, letter), mine in places.items():
        codes = allocate_many(session, noun, len(mine), on=on, letter=letter)
        for n, code in zip(mine, codes, strict=True):
            found[n] = code
    return found


def count(session: Session, key: str, *, step: int = 1) -> int:
    """Return a counter moved on by `step`, which it starts with, in one statement."""
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    table = NumberCounter.__table__
    statement = (
        build(table)
        .values(key=key, n=step)
        .on_conflict_do_update(index_elements=[table.c.key], set_={"n": table.c.n + step})
        .returning(table.c.n)
    )
    found = session.execute(statement, execution_options={"rule": "numbers"})
    return int(found.scalar_one())


def previews(
    session: Session, noun: str, *, on: dt.date, letters: Iterable[str] = ("",)
) -> dict[str, str]:
    """Return letter → the number a submission would get now; nothing is reserved."""
    keys = {letter: counter_key(noun, letter, on) for letter in letters}
    table = NumberCounter.__table__
    query = sa.select(table.c.key, table.c.n).where(table.c.key.in_(keys.values()))
    last: dict[str, int] = dict(session.execute(query).all())
    text = pattern_of(session, noun)
    return {letter: text(letter, on, last.get(key, 0) + 1) for letter, key in keys.items()}


def counter_key(noun: str, letter: str, on: dt.date) -> str:
    """Return the key of the counter row of an entity, class letter and day."""
    return f"{noun}:{letter}:{on:%Y%m%d}"


def pattern_of(session: Session, noun: str) -> Callable[[str, dt.date, int], str]:
    """Return what makes a number of (letter, day, count) by the noun's rule. Raises Locked."""
    table = NumberRule.__table__
    rule = session.execute(
        sa.select(table.c.pattern, table.c.width).where(table.c.noun == noun)
    ).first()
    if rule is None:
        told = _(
            "「%(what)s」还没有编号规则，请管理员运行 flask seed roles 后重试", what=_called(noun)
        )
        raise Locked(told, code="NO_NUMBER_RULE")
    pattern, what = str(rule.pattern), _called(noun)
    if not known_only(pattern) or not unique(pattern, noun):
        told = _("「%(what)s」的编号规则有误，请管理员在“编号规则”中修改后重试", what=what)
        raise Locked(told, code="BAD_NUMBER_RULE")
    prefix = get_setting(session, "company.prefix")

    def text(letter: str, on: dt.date, n: int) -> str:
        day, count = f"{on:%Y%m%d}", str(n).zfill(rule.width)
        found = pattern.format(prefix=prefix, yyyymmdd=day, letter=letter, n=count)
        if len(found) > LONGEST:
            told = _(
                "「%(what)s」的编号超过 %(n)s 个字符，请管理员缩短编号规则", what=what, n=LONGEST
            )
            raise Locked(told, code="BAD_NUMBER_RULE")
        return found

    return text


def known_only(pattern: str) -> bool:
    """Tell whether a pattern has no other placeholders than str.format will be given."""
    rest = PLACEHOLDER.sub("", pattern)
    return set(PLACEHOLDER.findall(pattern)) <= KNOWN and "{" not in rest and "}" not in rest


def unique(pattern: str, noun: str = "") -> bool:
    """Tell whether a pattern has what makes each of its numbers another one.

    Where each class counts by itself, only its letter tells two numbers of a day apart.
    """
    needed = NEEDED | {"letter"} if noun in LETTERED else NEEDED
    return set(PLACEHOLDER.findall(pattern)) >= needed


def length(pattern: str, width: int, prefix: str) -> int:
    """Return how many characters the numbers of a sound pattern have."""
    return len(pattern.format(prefix=prefix, yyyymmdd="20261128", letter="G", n="1" * width))


def _called(noun: str) -> Any:
    return next((one.__caption__ for one in reviewed() if one.__noun__ == noun), noun)
