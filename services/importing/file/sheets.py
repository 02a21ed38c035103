"""What is read of a file: the table a person means, and what he chose about it."""

import collections
import dataclasses
from collections.abc import Collection, Iterable

from services.importing.file.problems import Problem
from services.importing.volume.packed import PackedRows

ALL = "*"
Line = tuple[int, list[str]]
# Cells that belong together: first line, first column, last line, last column; columns from 0.
Merge = tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class TableChoice:
    """What is meant in a file; what is left open is found.

    `head` is the line of the column names, `fill` the columns whose merged cells hold for all
    their lines (ALL for every one), `keep` lines that look like sums and are records. `known` are
    heads somebody understands, spelt as `aliases.plain` leaves them: they tell where the heads are.
    """

    sheet: str = ""
    head: int = 0
    encoding: str = ""
    fill: frozenset[str] = frozenset()
    keep: frozenset[int] = frozenset()
    keep_all: bool = False
    known: frozenset[str] = frozenset()

    def fills(self, column: str) -> bool:
        """Tell whether merged cells of a column hold for all their lines."""
        return ALL in self.fill or column in self.fill

    def keeps(self, line: int) -> bool:
        """Tell whether a line is a record although it looks like a sum."""
        return self.keep_all or line in self.keep


@dataclasses.dataclass(slots=True)
class SheetPage:
    """A sheet as it stands, before anybody knows where its heads are.

    `wrong` is (line, column) → code of cells that cannot be read, `computed` counts the results
    of formulas by column, `hidden` are lines nobody sees. Cells of a text file shift when a
    separator is lost, those of a workbook never do: `fixed`.
    """

    name: str
    rows: Iterable[Line]
    merges: list[Merge] = dataclasses.field(default_factory=list)
    wrong: dict[tuple[int, int], str] = dataclasses.field(default_factory=dict)
    computed: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    hidden: Collection[int] = frozenset()
    width: int = 0
    fixed: bool = False
    problems: list[Problem] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Found:
    """Where a table was found and what else there was to choose from: what a page shows."""

    sheet: str = ""
    head: int = 0
    sheets: list[tuple[str, bool]] = dataclasses.field(default_factory=list)  # name, hidden
    encoding: str = ""
    top: list[Line] = dataclasses.field(default_factory=list)
    merged: dict[str, int] = dataclasses.field(default_factory=dict)  # column → places
    sums: list[Line] = dataclasses.field(default_factory=list)  # what looks so, kept or not


@dataclasses.dataclass(slots=True)
class Sheet:
    """The texts of a file: captions of the columns, (line, texts) of what is not blank.

    `skipped` are rows that add others up; every one is named among the problems.
    """

    name: str
    head: list[str]
    rows: PackedRows
    problems: list[Problem] = dataclasses.field(default_factory=list)
    skipped: list[Line] = dataclasses.field(default_factory=list)
    found: Found = dataclasses.field(default_factory=Found)
