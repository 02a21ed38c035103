"""What a run is going to do: every record with its rows, every finding, counts that add up."""

import collections
import dataclasses
from array import array
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from models.registry import entity_of
from services.importing.file.mapping import FileMap, Mapping, Target
from services.importing.file.problems import LONGEST_VALUE, Problem
from services.importing.file.sheets import Sheet
from services.importing.mapping.declared import inputs_for
from services.importing.mapping.sources import Source
from services.records.fields import Input

# A row ends as one of these: merged ones gave a record of another row their lines or cells.
OUTCOMES = ("created", "updated", "unchanged", "merged", "repeated", "skipped", "failed")

Values = dict[str, Any]
NONE: frozenset[str] = frozenset()
Notes = tuple[tuple[str, str], ...]  # captions with bad texts that go into the remark
EXAMPLES = 3


@dataclasses.dataclass(slots=True, eq=False)
class FileRow:
    """One row for one entity: what its cells say and what was found.

    `refs` are the texts that name records, looked up when all rows are known; `weak` keys stand
    for blank cells, `blank` are sources of blank cells with a placeholder. A line is its values
    and its refs.
    """

    target: Target
    file: int
    line: int
    values: Values = dataclasses.field(default_factory=dict)
    refs: dict[str, str] = dataclasses.field(default_factory=dict)
    lines: dict[str, tuple[Values, dict[str, str]]] = dataclasses.field(default_factory=dict)
    weak: frozenset[str] = NONE  # a set of its own for each of 100,000 rows would be megabytes
    blank: dict[str, Source] = dataclasses.field(default_factory=dict)
    problems: list[Problem] = dataclasses.field(default_factory=list)
    unread: bool = False  # the file itself is wrong at this line
    outcome: str = ""
    notes: Notes = ()

    @property
    def failed(self) -> bool:
        """Tell whether something keeps the row out."""
        return self.unread or any(problem.fatal for problem in self.problems)

    @property
    def keys(self) -> list[tuple[Any, str, Any]]:
        """Return what the row calls its record: (entity, key, value); of a+b both."""
        model, named = self.target.model, []
        for key in self.target.keys:
            parts = [self.values.get(part) or self.refs.get(part) for part in key.split("+")]
            if key in entity_of(model).imports.unique:  # 85123A and 85123a cannot both be
                parts = [part.lower() if isinstance(part, str) else part for part in parts]
            if all(parts):
                named.append((model, key, tuple(parts) if parts[1:] else parts[0]))
        return named

    def column(self, key: str) -> str:
        """Return the column a field is read from, its caption where there is none."""
        source = self.target.fields.get(key)
        if source is not None and source.columns:
            return source.columns[0]
        known = inputs_for(self.target.model).get(key)
        return str(known.facts.caption) if known is not None else key

    def blame(
        self, key: str, code: str, reason: Any, *, value: Any = None, fatal: bool = True
    ) -> None:
        """Note what is wrong with a field of the row."""
        text = self.refs.get(key) or (self.values.get(key) if value is None else value)
        shown = "" if text is None else str(text)[:LONGEST_VALUE]
        self.problems.append(Problem(self.line, self.column(key), shown, code, reason, fatal))


@dataclasses.dataclass(slots=True, eq=False)
class Planned:
    """One record. `values` may point at records of the same run that have no key yet.

    `rows` tell of it, the first one makes it; `again`: file → lines that told nothing new. A line
    of `lines` came from the row at the same place of `told`. `refs` are key → text → the row that
    says it, `spare` those of blank cells, `weak` the values of such. `id` and `version` are those
    of a found record; `record` is it, `changes` what differs.
    """

    target: Target
    file: int
    line: int
    values: Values
    weak: frozenset[str] = NONE
    refs: dict[str, dict[str, FileRow]] = dataclasses.field(default_factory=dict)
    spare: dict[str, dict[str, FileRow]] = dataclasses.field(default_factory=dict)
    blank: dict[str, tuple[Source, FileRow]] = dataclasses.field(default_factory=dict)
    lines: dict[str, list[Values]] = dataclasses.field(default_factory=dict)
    told: dict[str, list[FileRow]] = dataclasses.field(default_factory=dict)
    rows: list[FileRow] = dataclasses.field(default_factory=list)
    id: int | None = None
    version: int = 0
    record: Any = None
    changes: Values = dataclasses.field(default_factory=dict)
    needs: "frozenset[Planned]" = frozenset()  # to be written before it
    outcome: str = ""
    incomplete: bool = False
    placeholder: bool = False
    notes: Notes = ()
    again: "dict[int, array[int]]" = dataclasses.field(default_factory=dict)

    @property
    def model(self) -> Any:
        """Return the entity."""
        return self.target.model

    @property
    def failed(self) -> bool:
        """Tell whether something keeps the record out, in whichever of its rows."""
        return any(row.failed for row in self.rows)

    def row_of(self, key: str) -> FileRow:
        """Return the row that says a field, the first one when none does."""
        said = (row for row in self.rows if row.values.get(key) is not None or key in row.refs)
        return next(said, next((r for r in self.rows if key in r.target.fields), self.rows[0]))

    def blame(self, key: str, code: str, reason: Any, *, fatal: bool = True) -> None:
        """Note what is wrong with a field of the record, at the row that says it."""
        value = self.values.get(key)
        value = "" if isinstance(value, Planned | list) else value
        self.row_of(key).blame(key, code, reason, value=value, fatal=fatal)


@dataclasses.dataclass(slots=True)
class Noted:
    """How many rows share a finding, and the first of them."""

    first: list[Problem] = dataclasses.field(default_factory=list)
    rows: int = 0

    def add(self, problem: Problem) -> None:
        """Count one more."""
        self.rows += 1
        if len(self.first) < EXAMPLES:
            self.first.append(problem)

    @property
    def words(self) -> Any:
        """Return the reason with the count and the examples."""
        lines = "、".join(str(one.line) for one in self.first)
        cells = "、".join(dict.fromkeys(f"「{one.value}」" for one in self.first if one.value))
        words = {"reason": self.first[0].reason, "n": self.rows, "lines": lines, "cells": cells}
        return _("%(reason)s（共 %(n)s 行，如第 %(lines)s 行%(cells)s）", **words)


@dataclasses.dataclass(slots=True)
class FilePlan:
    """One file: its rows, what was found, and counts by entity and outcome.

    counts[noun]: rows = the sum of OUTCOMES; `extra` are records made for names the rows mention.
    totals[noun][column]: what a column of numbers adds up to in the file, by outcome; `sums` are
    the same while they are added up.
    left[n]: the lines that `only` and `skip` keep from the n-th entity.
    """

    sheet: Sheet
    map: FileMap
    digest: str
    problems: list[Problem] = dataclasses.field(default_factory=list)
    counts: dict[str, collections.Counter[str]] = dataclasses.field(default_factory=dict)
    totals: dict[str, dict[str, dict[str, str]]] = dataclasses.field(default_factory=dict)
    sums: dict[tuple[str, str], dict[str, Decimal]] = dataclasses.field(default_factory=dict)
    left: list[set[int]] = dataclasses.field(default_factory=list)
    noted: dict[tuple[str, str, str], "Noted"] = dataclasses.field(default_factory=dict)

    def note(self, problem: Problem) -> None:
        """Keep a finding that is told once for all its lines."""
        cause = (problem.code, problem.column, str(problem.reason))
        self.noted.setdefault(cause, Noted()).add(problem)

    def refuse(self, row: FileRow, one: Input, source: Source, problem: Problem) -> None:
        """Note a bad cell: it keeps its row out, unless the mapping lets it stand blank."""
        if not source.invalid:
            row.problems.append(problem)
            return
        self.note(dataclasses.replace(problem, code="LEFT_BLANK", fatal=False))
        if source.invalid == "remark":
            row.notes += ((str(one.facts.caption), problem.value),)

    def sum_up(self) -> None:
        """Tell each cause that was noted, with its number of lines and some examples."""
        for (code, column, _reason), one in self.noted.items():
            self.problems.append(Problem(0, column, "", code, one.words, fatal=False))

    def count(self, noun: str, outcome: str, n: int = 1) -> None:
        """Count rows of an entity."""
        self.counts.setdefault(noun, collections.Counter())[outcome] += n

    @property
    def fatal(self) -> list[Problem]:
        """Return what keeps rows (or the file) out."""
        return [one for one in self.problems if one.fatal]

    @property
    def failed_lines(self) -> set[int]:
        """Return the lines that cannot be imported."""
        return {one.line for one in self.fatal}

    def total(self, outcome: str) -> int:
        """Return a count over all entities."""
        return sum(found[outcome] for found in self.counts.values())


@dataclasses.dataclass(slots=True)
class Plan:
    """A whole run over one or several files.

    `later` plans the records that nothing else of the run points at, a window at a time, when they
    are written, those that fail by then included; `awaited` is file → how many. `ordered` are
    contracts which those give their orders, `held` are file of a row → files of the records it
    tells of.
    `begun`: place of a file → the job of an unfinished run, `seen` → how much of it was written
    when the plan was made; `mark` tells which mapping it goes by.
    """

    mapping: Mapping
    files: list[FilePlan] = dataclasses.field(default_factory=list)
    records: list[Planned] = dataclasses.field(default_factory=list)
    later: Callable[[], Iterator[list[Planned]]] = lambda: iter(())
    awaited: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    ordered: set[Planned] = dataclasses.field(default_factory=set)
    held: dict[int, set[int]] = dataclasses.field(default_factory=dict)
    begun: dict[int, int] = dataclasses.field(default_factory=dict)
    seen: dict[int, int] = dataclasses.field(default_factory=dict)
    mark: str = ""

    @property
    def fatal(self) -> int:
        """Return how many findings keep rows out."""
        return sum(len(one.fatal) for one in self.files)

    @property
    def broken(self) -> bool:
        """Tell whether a file as a whole cannot be imported, even partially."""
        return any(problem.line == 0 for one in self.files for problem in one.fatal)

    @property
    def holders(self) -> dict[int, set[int]]:
        """Return file of a row → the files whose jobs hold what it writes."""
        found = {place: set(files) for place, files in self.held.items()}
        for one in self.work:
            for place in {row.file for row in one.rows} | one.again.keys():
                found.setdefault(place, set()).add(one.file)
        return found

    @property
    def expected(self) -> int:
        """Return how many records are planned later."""
        return self.awaited.total()

    @property
    def goals(self) -> collections.Counter[int]:
        """Return file → how many records its job is to write."""
        return self.awaited + collections.Counter(one.file for one in self.work)

    @property
    def work(self) -> list[Planned]:
        """Return the records to write."""
        return [one for one in self.records if one.record is None or one.changes]
