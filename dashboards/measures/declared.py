"""What a fact, a measure and a dimension are.

Each is declared once; columns, totals, drills, exports, comparison and glossary come from it.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from dashboards.core.columns import TableColumn
from dashboards.core.filters import Where
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import Stamp
from dashboards.core.sql import total, whole
from services.rights.actor import Actor

Key = Callable[["Relation"], Any]

# Facts, measures and dimensions are themselves, not their values (eq=False): by value every look
# into a set would translate their captions.


@dataclasses.dataclass(frozen=True, slots=True)
class Relation:
    """The rows of a fact that a query asks for; CUSTOMER is joined.

    `day` is the DATE they count by, `row` holds what is worked out beside the tables. `shift` moves
    the months of a base to those of the period that is compared with it.
    """

    source: Any
    where: Where
    stamp: Stamp
    day: Any
    row: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    shift: int = 0


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """A population with one stamp and one date: what the glossary says of it, and its rows.

    `rows` is told the dimensions too: by product an opportunity is its lines.
    """

    key: str
    population: Any
    whose: Any
    dated: Any
    rows: Callable[[Actor, CockpitQuery, frozenset[Key]], Relation]
    dimensions: frozenset[str]
    ahead: Callable[[CockpitQuery], bool] = lambda _query: False  # its days may be still to come


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A number: what a row of its fact adds, or a ratio or mean of two others (`of`).

    `key` is its name in the registry, `name` its column in a summary where that differs. `how` is
    sum, max or distinct. Without a caption it is only a part of others.
    """

    key: str
    caption: Any = ""
    type: str = "int"
    help: Any = ""
    fact: Fact | None = None
    value: Key | None = None
    how: str = "sum"
    of: tuple["Measure", "Measure"] | None = None
    drill: str = ""
    name: str = ""

    @property
    def column(self) -> TableColumn:
        """Return its column in a summary."""
        return self._column(lambda one: one.name or one.key)

    @property
    def named(self) -> TableColumn:
        """Return its column where measures of all facts stand side by side."""
        return self._column(lambda one: one.key)

    def _column(self, name: Callable[["Measure"], str]) -> TableColumn:
        parts = None if self.of is None else (name(self.of[0]), name(self.of[1]))
        return TableColumn(
            name(self), self.caption, self.type, self.help, of=parts, drill=self.drill,
            total="max" if self.how == "max" else "",
        )  # fmt: skip

    @property
    def leaves(self) -> tuple["Measure", ...]:
        """Return what has to be read for it."""
        return (self,) if self.of is None else (*self.of[0].leaves, *self.of[1].leaves)

    @property
    def additive(self) -> bool:
        """Tell whether its sum over rows that share nothing is its total."""
        return self.of is None and self.how == "sum"

    def aggregate(self, relation: Relation) -> Any:
        """Return it over the rows of its fact."""
        if self.value is None:
            raise AssertionError  # a part of others, or of others itself
        value = self.value(relation)
        if self.how == "max":
            return whole(sa.func.max(value))
        return whole(sa.func.count(value.distinct())) if self.how == "distinct" else total(value)

    def gathered(self, column: Any) -> Any:
        """Return it of one key, of which the statements of all facts are stacked."""
        return whole(sa.func.max(column)) if self.how == "max" else total(column)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Dimension:
    """What measures are told by: a key of each row, and the filter that keeps to one key.

    `above` is the next wider one of its hierarchy. An `ordered` one goes by its keys, not by size.
    """

    key: str
    caption: Any
    column: Key
    parameter: str = ""
    above: str = ""
    ordered: bool = False
    help: Any = ""


def leaves(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """Return what has to be read for these, each once."""
    return tuple(dict.fromkeys(leaf for one in measures for leaf in one.leaves))
