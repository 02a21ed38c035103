"""Which rows of a file are meant: `{ type = "RETURN", qty = "<0" }`; of a list any one.

A text is compared without case, `*` stands for anything, "" for a blank cell, a list for any of
its words. `<0`, `<=0`, `>0` and `>=0` compare numbers, `!=` before a text turns it around.
"""

import dataclasses
import operator
import re
from collections.abc import Callable
from collections.abc import Mapping as Dict
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from services.importing.mapping.numbers import number

Row = Dict[str, str]
COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclasses.dataclass(frozen=True, slots=True)
class ColumnTest:
    """What one column must say."""

    column: str
    words: tuple[str, ...] = ()

    def holds(self, row: Row) -> bool:
        """Tell whether the cell of a row is as it must be."""
        cell = row[self.column].strip()
        return any(_meets(cell, word) for word in self.words)


@dataclasses.dataclass(frozen=True, slots=True)
class RowCondition:
    """Any of these, each of them as a whole; without any it always holds."""

    ways: tuple[tuple[ColumnTest, ...], ...] = ()

    def holds(self, row: Row) -> bool:
        """Tell whether a row is meant."""
        return not self.ways or any(all(test.holds(row) for test in way) for way in self.ways)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns it reads."""
        return tuple(test.column for way in self.ways for test in way)


ALWAYS = RowCondition()


def _meets(cell: str, word: str) -> bool:
    for sign, holds in COMPARE.items():
        if word.startswith(sign):
            there, asked = number(cell), number(word.removeprefix(sign))
            return there is not None and asked is not None and holds(there, asked)
    if word.startswith("!="):
        return not _like(cell, word.removeprefix("!=").strip())
    return _like(cell, word)


def _like(cell: str, word: str) -> bool:
    parts = (re.escape(part) for part in word.casefold().split("*"))
    return re.fullmatch(".*".join(parts), cell.casefold(), re.DOTALL) is not None


def parse(data: Any) -> RowCondition:
    """Return the condition of a table or a list of tables. Raises ValueError with a lazy reason."""
    ways = data if isinstance(data, list) else [data]
    if not ways or not all(isinstance(way, dict) and way for way in ways):
        raise ValueError(_("应为条件，例如 %(words)s", words='{ "列名" = "值" }'))
    return RowCondition(tuple(tuple(_test(*pair) for pair in way.items()) for way in ways))


def _test(column: str, said: Any) -> ColumnTest:
    words = said if isinstance(said, list) else [said]
    if not words or not all(isinstance(one, str | int | float) for one in words):
        raise ValueError(_("应为条件，例如 %(words)s", words='{ "列名" = "值" }'))
    test = ColumnTest(column, tuple(str(one).strip() for one in words))
    for word in test.words:
        sign = next((sign for sign in COMPARE if word.startswith(sign)), None)
        if sign is not None and number(word.removeprefix(sign)) is None:
            raise ValueError(_("「%(word)s」之后应为数字", word=sign))
    return test
