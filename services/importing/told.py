"""What the cells of a file say: values at once, names of records as texts until all are known."""

import collections
from typing import Any

from flask_babel import lazy_gettext as _

from services.fields import Input
from services.importing.finding import Finder
from services.importing.mapping import Mapping, Source, Target, inputs_for
from services.importing.nouns import Judge
from services.importing.plan import FilePlan, Row
from services.importing.problems import LONGEST_VALUE, Problem

Cells = dict[str, str]


class Reader:
    """Reads the rows of one file for one entity."""

    def __init__(self, finder: Finder, mapping: Mapping, target: Target, place: int) -> None:
        """Read for one entity of the file at a place of the run."""
        self.finder, self.mapping, self.target, self.place = finder, mapping, target, place
        self.inputs = inputs_for(target.model)
        self.parts = {key: inputs_for(self.inputs[key].target) for key in target.lines}
        self.mapped: dict[tuple[str, str, str], set[int]] = collections.defaultdict(set)

    def rows(self, file: FilePlan, judge: Judge) -> list[Row]:
        """Return the rows of a file."""
        head = file.sheet.head
        cells = [(n, dict(zip(head, texts, strict=True))) for n, texts in file.sheet.rows]
        self._prefetch([row for _n, row in cells], judge)
        return [self._row(n, row) for n, row in cells]

    def sum_up(self, file: FilePlan) -> None:
        """Tell in one line each what was mapped."""
        for (column, raw, text), lines in self.mapped.items():
            reason = _("按映射改为「%(text)s」，共 %(n)s 行", text=text, n=len(lines))
            file.problems.append(Problem(0, column, raw, "MAPPED", reason, fatal=False))

    def _prefetch(self, cells: list[Cells], judge: Judge) -> None:
        parts = [(self.target.fields, self.inputs)]
        parts += [(part, self.parts[key]) for key, part in self.target.lines.items()]
        for n, (fields, inputs) in enumerate(parts):
            for key, source in fields.items():
                if inputs[key].kind == "ref":
                    self.finder.prefetch(inputs[key], [_text(source, row) for row in cells])
                elif n == 0 and judge.asks(self.target.noun, key):
                    texts = [_text(source, row) for row in cells]
                    judge.prefetch(self.target.model, key, texts)

    def _row(self, line: int, cells: Cells) -> Row:
        row = Row(self.target, self.place, line)
        given = self._read(row, cells, self.target.fields, self.inputs)
        row.values, row.refs = given
        for key, source in self.target.fields.items():
            if not source.raw(cells) and (row.values.get(key) or row.refs.get(key)):
                row.weak |= {key}
            elif source.placeholder and not _text(source, cells):
                row.blank[key] = source
        for key, part in self.target.lines.items():
            said = [source.raw(cells) for source in part.values() if source.columns]
            if any(said) or not said:
                row.lines[key] = self._read(row, cells, part, self.parts[key])
        return row

    def _read(
        self, row: Row, cells: Cells, fields: Any, inputs: dict[str, Input]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        values: dict[str, Any] = {}
        refs: dict[str, str] = {}
        for key, source in fields.items():
            raw, text = source.raw(cells), _text(source, cells)
            column = source.columns[0] if source.columns else key
            if raw in source.map:
                self.mapped[column, raw, text].add(row.line)
            if inputs[key].kind == "ref":
                refs |= {key: text} if text else {}
                continue
            values[key] = None
            try:
                values[key] = self._value(inputs[key], source, text) if text else None
            except ValueError as problem:
                code = "FORMULA" if text.startswith("=") else "BAD_VALUE"
                cell = text[:LONGEST_VALUE]
                row.problems.append(Problem(row.line, column, cell, code, problem.args[0]))
        return values, refs

    def _value(self, one: Input, source: Source, text: str) -> Any:
        if one.key == "external_ref" and self.mapping.source:
            text = f"{self.mapping.source}:{text}"
        value = self.finder.value(one, source, text)
        if not self.mapping.historic and self.finder.is_off(one, value):
            raise ValueError(_("「%(name)s」已停用", name=text))
        return value


def _text(source: Source, cells: Cells) -> str:
    raw = source.raw(cells)
    return source.map.get(raw, raw) or source.default
