"""What a run is going to do: every record with its values, every finding, counts that add up."""

import collections
import dataclasses
from typing import Any

from services.importing.mapping import FileMap, Mapping, Target
from services.importing.problems import Problem
from services.importing.reading import Sheet

OUTCOMES = ("created", "updated", "unchanged", "repeated", "failed")


@dataclasses.dataclass(slots=True, eq=False)
class Planned:
    """One record. `values` may point at records of the same run that have no key yet.

    `id` and `version` are those of a found record; `record` is it, `changes` what differs.
    """

    target: Target
    file: int
    line: int
    values: dict[str, Any]
    lines: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    id: int | None = None
    version: int = 0
    record: Any = None
    changes: dict[str, Any] = dataclasses.field(default_factory=dict)
    incomplete: bool = False
    placeholder: bool = False

    @property
    def model(self) -> Any:
        """Return the entity."""
        return self.target.model


@dataclasses.dataclass(slots=True)
class FilePlan:
    """One file: its rows, what was found, and counts by entity and outcome.

    counts[noun]: rows = created + updated + unchanged + repeated + failed; `extra` are records
    made for names the rows mention.
    """

    sheet: Sheet
    map: FileMap
    digest: str
    problems: list[Problem] = dataclasses.field(default_factory=list)
    counts: dict[str, collections.Counter[str]] = dataclasses.field(default_factory=dict)

    def count(self, noun: str, outcome: str) -> None:
        """Count one row of an entity."""
        self.counts.setdefault(noun, collections.Counter())[outcome] += 1

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
