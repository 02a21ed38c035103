"""What a run is going to do: every record with its rows, every finding, counts that add up."""

import collections
import dataclasses
from typing import Any

from services.importing.mapping import FileMap, Mapping, Source, Target, inputs_for
from services.importing.problems import LONGEST_VALUE, Problem
from services.importing.reading import Sheet

# A row ends as one of these: merged ones gave a record of another row their lines or cells.
OUTCOMES = ("created", "updated", "unchanged", "merged", "repeated", "skipped", "failed")

Values = dict[str, Any]
NONE: frozenset[str] = frozenset()


@dataclasses.dataclass(slots=True, eq=False)
class Row:
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

    @property
    def failed(self) -> bool:
        """Tell whether something keeps the row out."""
        return self.unread or any(problem.fatal for problem in self.problems)

    @property
    def keys(self) -> list[tuple[Any, str, Any]]:
        """Return what the row calls its record: (entity, key, value)."""
        model = self.target.model
        named = ((key, self.values.get(key) or self.refs.get(key)) for key in self.target.keys)
        return [(model, key, value) for key, value in named if value]

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

    `rows` tell of it, the first one makes it; a line of `lines` came from the row at the same place
    of `told`. `refs` are key → text → the row that says it, `spare` those of blank cells, `weak`
    the values of such. `id` and `version` are those of a found record; `record` is it, `changes`
    what differs.
    """

    target: Target
    file: int
    line: int
    values: Values
    weak: frozenset[str] = NONE
    refs: dict[str, dict[str, Row]] = dataclasses.field(default_factory=dict)
    spare: dict[str, dict[str, Row]] = dataclasses.field(default_factory=dict)
    blank: dict[str, tuple[Source, Row]] = dataclasses.field(default_factory=dict)
    lines: dict[str, list[Values]] = dataclasses.field(default_factory=dict)
    told: dict[str, list[Row]] = dataclasses.field(default_factory=dict)
    rows: list[Row] = dataclasses.field(default_factory=list)
    id: int | None = None
    version: int = 0
    record: Any = None
    changes: Values = dataclasses.field(default_factory=dict)
    needs: "frozenset[Planned]" = frozenset()  # to be written before it
    outcome: str = ""
    incomplete: bool = False
    placeholder: bool = False

    @property
    def model(self) -> Any:
        """Return the entity."""
        return self.target.model

    @property
    def failed(self) -> bool:
        """Tell whether something keeps the record out, in whichever of its rows."""
        return any(row.failed for row in self.rows)

    def row_of(self, key: str) -> Row:
        """Return the row that says a field, the first one when none does."""
        said = (row for row in self.rows if row.values.get(key) is not None or key in row.refs)
        return next(said, next((r for r in self.rows if key in r.target.fields), self.rows[0]))

    def blame(self, key: str, code: str, reason: Any, *, fatal: bool = True) -> None:
        """Note what is wrong with a field of the record, at the row that says it."""
        value = self.values.get(key)
        value = "" if isinstance(value, Planned | list) else value
        self.row_of(key).blame(key, code, reason, value=value, fatal=fatal)


@dataclasses.dataclass(slots=True)
class FilePlan:
    """One file: its rows, what was found, and counts by entity and outcome.

    counts[noun]: rows = the sum of OUTCOMES; `extra` are records made for names the rows mention.
    totals[noun][column]: what a column of numbers adds up to in the file, by outcome.
    """

    sheet: Sheet
    map: FileMap
    digest: str
    problems: list[Problem] = dataclasses.field(default_factory=list)
    counts: dict[str, collections.Counter[str]] = dataclasses.field(default_factory=dict)
    totals: dict[str, dict[str, dict[str, str]]] = dataclasses.field(default_factory=dict)

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
    """A whole run over one or several files."""

    mapping: Mapping
    files: list[FilePlan] = dataclasses.field(default_factory=list)
    records: list[Planned] = dataclasses.field(default_factory=list)

    @property
    def fatal(self) -> int:
        """Return how many findings keep rows out."""
        return sum(len(one.fatal) for one in self.files)

    @property
    def broken(self) -> bool:
        """Tell whether a file as a whole cannot be imported, even partially."""
        return any(problem.line == 0 for one in self.files for problem in one.fatal)

    @property
    def work(self) -> list[Planned]:
        """Return the records to write."""
        return [one for one in self.records if one.record is None or one.changes]
