"""Where one field's text comes from: a column, a constant, a template; how it is mended."""

import dataclasses
import re
from collections.abc import Iterator
from collections.abc import Mapping as Dict
from decimal import ROUND_HALF_UP, Decimal

from flask_babel import lazy_gettext as _

from services.importing.mapping.conditions import ALWAYS, Row, RowCondition
from services.importing.mapping.numbers import number, share

PLACE = re.compile(r"\{(slug:)?([^{}]+)\}")
PLACES = {"money": 2, "percent": 2, "quantity": 3}  # decimals that a kind keeps


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """What a number is multiplied by: always the same, or as a column says.

    With a map the column holds a word (a currency), without one it holds the number (a price).
    """

    factor: Decimal = Decimal(1)
    column: str = ""
    map: Dict[str, Decimal] = dataclasses.field(default_factory=dict)
    default: str = ""

    def of(self, row: Row) -> Decimal:
        """Return the factor of a row. Raises ValueError for a word that has none."""
        if not self.column:
            return self.factor
        word = row[self.column].strip() or self.default
        if not self.map:
            found = number(word)
            if found is None:
                raise ValueError(
                    _("「%(column)s」列不是数字：%(word)s", column=self.column, word=word[:40])
                )
            return found
        if word not in self.map:
            allowed = ", ".join(self.map)
            raise ValueError(
                _("「%(word)s」没有换算率，只有 %(allowed)s", word=word[:40], allowed=allowed)
            )
        return self.map[word]


ONCE = Scale()


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where one field's text comes from: the first of column, template, value that is given.

    `when` says of which rows; `other` is asked for the rest. docs/import.md explains the words.
    """

    column: str = ""
    value: str = ""
    template: tuple[str, ...] = ()
    join: str = ""
    map: Dict[str, str] = dataclasses.field(default_factory=dict)
    formats: tuple[str, ...] = ()
    default: str = ""
    create: bool = False
    placeholder: str = ""
    by: str = ""
    blank: frozenset[str] = frozenset()  # without case
    negate: bool = False
    scale: Scale = ONCE
    subtract_from: Decimal | None = None
    sum: bool = False
    country: str = ""
    invalid: str = ""
    when: RowCondition = ALWAYS
    other: "Source | None" = None

    @property
    def all(self) -> Iterator["Source"]:
        """Yield itself and those that are asked after it."""
        one: Source | None = self
        while one is not None:
            yield one
            one = one.other

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns it reads; what the text is made of comes first."""
        told = [column for one in self.all for column in one.own]
        beside = [c for one in self.all for c in (one.scale.column, *one.when.columns) if c]
        return tuple(dict.fromkeys((*told, *beside)))

    @property
    def own(self) -> tuple[str, ...]:
        """Return the columns its text is made of."""
        if self.column:
            return (self.column,)
        return tuple(found[2] for part in self.template for found in PLACE.finditer(part))

    def for_row(self, row: Row) -> "Source":
        """Return the source that speaks of a row; one that says nothing where none does."""
        if not self.when.ways:
            return self
        return next((one for one in self.all if one.when.holds(row)), SILENT)

    def raw(self, row: Row) -> str:
        """Return the text before the value map."""
        if self.column:
            return self._cell(row, self.column)
        if not self.template:
            return self.value
        return self.join.join(filter(None, (self._filled(part, row) for part in self.template)))

    def text(self, row: Row) -> str:
        """Return the text that is to be read, "" for none."""
        raw = self.raw(row)
        return self.map.get(raw, raw) or self.default

    def reckoned(self, text: str, kind: str, row: Row) -> str:
        """Return the text of a number as it is after subtraction, scale and sign.

        Raises ValueError where a row names no known scale. What is no number is left to its parser.
        """
        if not self.negate and self.scale is ONCE and self.subtract_from is None:
            return text
        plain = self.scale is ONCE and self.subtract_from is None
        found = number(text) if plain else share(text)
        if found is None:
            return text
        if self.subtract_from is not None:
            found = self.subtract_from - found
        found *= self.scale.of(row)
        if kind in PLACES and self.scale is not ONCE:
            found = found.quantize(Decimal(1).scaleb(-PLACES[kind]), ROUND_HALF_UP)
        found = -found if self.negate else found
        return f"{found.normalize() if found else Decimal(0):f}"

    def _cell(self, row: Row, column: str) -> str:
        text = row[column].strip()
        return "" if text.casefold() in self.blank else text

    def _filled(self, part: str, row: Row) -> str:
        """Return a part with its columns put in, nothing when all of them are blank."""
        given = [self._cell(row, found[2]) for found in PLACE.finditer(part)]
        if given and not any(given):
            return ""

        def put(found: re.Match[str]) -> str:
            text = self._cell(row, found[2])
            return re.sub(r"\W+", ".", text.lower()).strip(".") if found[1] else text

        return PLACE.sub(put, part)


SILENT = Source()
