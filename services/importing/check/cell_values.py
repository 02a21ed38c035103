"""What the cells of a file say: values at once, names of records as texts until all are known."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from flask_babel import lazy_gettext as _

from models.core.normal import name_key
from services.core import phones
from services.importing.check.finding import Finder
from services.importing.check.noun_rules import Judge
from services.importing.file.mapping import Mapping, Target
from services.importing.file.plan import FilePlan, FileRow
from services.importing.file.problems import LONGEST_VALUE, Problem
from services.importing.file.sheets import Line
from services.importing.mapping.declared import inputs_for, parts_of
from services.importing.mapping.sources import Source
from services.records.fields import Input

Cells = dict[str, str]
Row = tuple[int, Cells]  # a line and what its cells say
TOGETHER = 5_000  # rows whose names are looked up together


class Reader:
    """Reads the rows of one file for one entity."""

    def __init__(self, finder: Finder, mapping: Mapping, target: Target, place: int) -> None:
        """Read for one entity of the file at a place of the run."""
        self.finder, self.mapping, self.target, self.place = finder, mapping, target, place
        self.inputs = inputs_for(target.model)
        self.parts = {key: parts_of(target.model, key) for key in target.lines}
        # What is called by a name that may come in the same run is looked up at the end.
        self.named = {"ref", "dictionary"} if mapping.brings("dictionary") else {"ref"}
        self.twice = False  # whether a row makes several records of the entity
        self.unread: frozenset[int] = frozenset()  # lines at which the file itself is wrong
        # (column, text, what it became) → how many rows, the last of them
        self.mapped: dict[tuple[str, str, str], tuple[int, int]] = {}

    def meant(self, file: FilePlan, *, note: bool = True) -> Iterator[tuple[int, Row]]:
        """Yield the rows of a file that are meant, with their places; note which are left."""
        left: set[int] = set()
        if note:
            file.left.append(left)
        for place, (line, cells) in enumerate(self.cells(file, file.sheet.rows)):
            if self.target.takes(cells):
                yield place, (line, cells)
            else:
                left.add(line)

    def cells(self, file: FilePlan, rows: Iterable[Line]) -> Iterator[Row]:
        """Yield what rows say by column."""
        head, blank = file.sheet.head, file.map.blank
        for line, texts in rows:
            row = dict(zip(head, texts, strict=True))
            if blank:
                row = {c: "" if t.strip().casefold() in blank else t for c, t in row.items()}
            yield line, row

    def read(self, file: FilePlan, judge: Judge, rows: Iterable[Row]) -> Iterator[FileRow]:
        """Yield rows as values and names."""
        rows = iter(rows)
        while part := list(itertools.islice(rows, TOGETHER)):
            self._prefetch([cells for _line, cells in part], judge)
            for line, cells in part:
                row = self._row(file, line, cells)
                row.unread = line in self.unread
                yield row

    def names(self, line: int, cells: Cells) -> list[int]:
        """Return what makes a row belong to others: the names of its record, as hashes."""
        noun, fields = self.target.noun, self.target.fields
        found = []
        beside = fields.keys() & {"contract_id"}  # what is given back leans on what came in there
        for key in (*self.target.keys, *beside):
            parts = [fields[part].for_row(cells).text(cells) for part in key.split("+")]
            if all(parts):
                found.append(hash((noun, key, *(name_key(text) or text for text in parts))))
        return [*found, hash((noun, self.place, line))] if self.twice else found

    def sum_up(self, file: FilePlan) -> None:
        """Tell in one line each what was mapped."""
        for (column, raw, text), (n, _line) in self.mapped.items():
            reason = _("按列对应改为「%(text)s」，共 %(n)s 行", text=text, n=n)
            file.problems.append(Problem(0, column, raw, "MAPPED", reason, fatal=False))

    def _prefetch(self, cells: list[Cells], judge: Judge) -> None:
        parts = [(self.target.fields, self.inputs)]
        parts += [(part, self.parts[key]) for key, part in self.target.lines.items()]
        for n, (fields, inputs) in enumerate(parts):
            for key, source in fields.items():
                if inputs[key].kind == "ref":
                    texts = [source.for_row(row).text(row) for row in cells]
                    self.finder.prefetch(inputs[key], texts, source.by)
                elif n == 0 and judge.asks(self.target.noun, key):
                    texts = [source.for_row(row).text(row) for row in cells]
                    judge.prefetch(self.target.model, key, texts)

    def _row(self, file: FilePlan, line: int, cells: Cells) -> FileRow:
        row = FileRow(self.target, self.place, line)
        row.values, row.refs = self._read((file, row), cells, self.target.fields, self.inputs)
        for key, rule in self.target.fields.items():
            source = rule.for_row(cells)
            if not source.raw(cells) and (row.values.get(key) or row.refs.get(key)):
                row.weak |= {key}
            elif source.placeholder and not source.text(cells):
                row.blank[key] = source
        for key, part in self.target.lines.items():
            asked = [source.for_row(cells) for source in part.values()]
            said = [source.raw(cells) for source in asked if source.own]
            if any(said) or not said:
                row.lines[key] = self._read((file, row), cells, part, self.parts[key])
        return row

    def _read(
        self, place: tuple[FilePlan, FileRow], cells: Cells, fields: Any, inputs: dict[str, Input]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the values of a row, and the texts of its references."""
        file, row = place
        values: dict[str, Any] = {}
        refs: dict[str, str] = {}
        for key, rule in fields.items():
            source = rule.for_row(cells)
            raw, text = source.raw(cells), source.text(cells)
            column = source.own[0] if source.own else str(inputs[key].facts.caption)
            if raw in source.map:
                n, last = self.mapped.get((column, raw, text), (0, 0))
                self.mapped[column, raw, text] = (n + (last != row.line), row.line)
            if inputs[key].kind in self.named:
                refs |= {key: text} if text else {}
                continue
            values[key] = None
            try:
                values[key] = self._value(inputs[key], source, text, cells) if text else None
            except ValueError as problem:
                code = "FORMULA" if text.startswith("=") else "BAD_VALUE"
                found = Problem(row.line, column, text[:LONGEST_VALUE], code, problem.args[0])
                file.refuse(row, inputs[key], source, found)
        return values, refs

    def _value(self, one: Input, source: Source, text: str, cells: Cells) -> Any:
        if one.key == "external_ref" and self.mapping.source:
            text = f"{self.mapping.source}:{text}"
        if source.country:
            text = phones.abroad(text, source.country)
        value = self.finder.value(one, source, source.reckoned(text, one.kind, cells))
        if not self.mapping.historic and self.finder.is_off(one, value):
            raise ValueError(_("「%(name)s」已停用", name=text))
        return value
