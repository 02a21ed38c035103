"""Numbers of a table that stand out: a limit a column, reached from below or from above."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from dashboards.core.columns import FEN, TableColumn, missing
from dashboards.core.money import percent
from dashboards.core.query import BadParameter
from services.core import texts

SIGNS = {"ge": ("≥", "▲", ">="), "le": ("≤", "▼", "<=")}  # to read, in a cell, in a workbook
SHARES = frozenset({"ratio", "growth"})
WAN, YI = 10_000, 100_000_000
LARGE = {"万": WAN, "亿": YI}


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """A limit of a column in the unit of its values (分, a share, a count), and as it was given."""

    column: TableColumn
    how: str  # ge, le
    given: str
    limit: Decimal

    def reached(self, value: Any) -> bool:
        """Tell whether a value stands out; what is unknown does not."""
        if missing(value):
            return False
        return bool(value >= self.limit if self.how == "ge" else value <= self.limit)

    @property
    def flag(self) -> str:
        """Return the sign that stands beside a number."""
        return SIGNS[self.how][1]

    @property
    def rule(self) -> tuple[str, Decimal]:
        """Return the comparison as a workbook writes it, with the limit of its cells."""
        money = self.column.type == "money"
        return SIGNS[self.how][2], self.limit / FEN if money else self.limit

    @property
    def said(self) -> str:
        """Return the rule in words: ≥ 100,000.00 元."""
        if self.column.type == "money":
            number = f"{texts.yuan(int(self.limit))} {self.column.unit}"
        elif self.column.type in SHARES:
            number = percent(self.limit)
        else:
            number = f"{self.limit.normalize():,f} {self.column.unit}".rstrip()
        return f"{SIGNS[self.how][0]} {number}"


def limit(text: str, column: TableColumn) -> Decimal:
    """Return a number as people write it, in the unit of a column's values: `20%`, `100万`.

    Raises ValueError.
    """
    plain = text.strip().removesuffix("元").strip()
    if column.type != "money":
        return Decimal(texts.points(plain)) / (10_000 if column.type in SHARES else 100)
    times = LARGE.get(plain[-1:], 1)
    return Decimal(texts.money(plain[:-1].strip() if times > 1 else plain) * times)


def read(text: str, known: Mapping[str, TableColumn]) -> tuple[Mark, ...]:
    """Return the marks of `amount:ge;100000;rate:le;20`: the fields of a form as they follow.

    Raises BadParameter.
    """
    found: dict[str, Mark] = {}
    parts = [part.strip() for part in text.split(";") if part.strip()]
    for head, number in zip(parts[::2], [*parts[1::2], ""], strict=False):
        key, _mark, how = head.partition(":")
        if how not in SIGNS:
            raise BadParameter("marks", _("请先选 ≥ 或 ≤，再填数值"))
        if key not in known or not known[key].numeric:
            raise BadParameter("marks", _("没有这一列"))
        if key in found:
            raise BadParameter("marks", _("每列只能设一个"))
        try:
            found[key] = Mark(known[key], how, number, limit(number, known[key]))
        except ValueError as problem:
            why = f"{known[key].label} {SIGNS[how][0]}{_('：')}{problem.args[0]}"
            raise BadParameter("marks", why) from None
    return tuple(found.values())
