"""What nothing of the run points at is planned a window at a time, so that memory stays flat.

First all windows are checked, each forgotten when what became of its rows is told; then, when all
else is written, each is planned again and written before the next one.
"""

import collections
from collections.abc import Callable, Iterator
from typing import Any

from services.core.engine import writing
from services.deals import payment
from services.importing.check import row_outcomes
from services.importing.check.cell_values import Reader
from services.importing.check.noun_rules import Judge
from services.importing.check.resolving import Resolver
from services.importing.file import totals
from services.importing.file.grouping import Groups
from services.importing.file.mapping import FileMap, Target
from services.importing.file.plan import FilePlan, FileRow, Planned
from services.importing.file.write_order import pointed_at
from services.importing.mapping.declared import inputs_for, parts_of
from services.importing.volume.outcomes import Outcomes
from services.importing.volume.partition import Partition, Window

Settle = Callable[[list[Planned], Judge], None]


class Windows:
    """The windows of one run: `nouns` are the entities that come in them, none at first."""

    def __init__(self, judge: Judge, resolver: Resolver, settle: Settle) -> None:
        """Leave everything to the plan."""
        self.judge, self.resolver, self.settle = judge, resolver, settle
        self.nouns, self.size = frozenset[str](), 0
        self.sources: list[tuple[Reader, FilePlan]] = []
        self.partition = Partition()
        self.parts: list[Window] = []
        self.lost: list[Planned] = []  # records outside of windows that stay out
        self.outcomes = Outcomes()  # of those in windows, when they were checked
        self.awaited = collections.Counter[int]()  # file → how many records are to be written
        self.ordered: set[Planned] = set()  # contracts which windows give their orders
        self.held: dict[int, set[int]] = {}  # file of a row → files of its records

    def begin(self, files: list[FileMap], size: int) -> None:
        """Take the entities over that nothing in these files may point at."""
        targets = [target for file in files for target in file.targets]
        pointed = {model for target in targets for model in _pointed(target)}
        nouns = {target.noun for target in targets if target.model not in pointed}
        self.nouns, self.size = frozenset(nouns - {"dictionary"}), size

    def add(self, reader: Reader, file: FilePlan) -> None:
        """Note which rows of a file belong together."""
        mine = [target for target in file.map.targets if target.noun == reader.target.noun]
        reader.twice = len(mine) > 1
        self.sources.append((reader, file))
        rows = reader.meant(file)
        self.partition.add((place, reader.names(line, cells)) for place, (line, cells) in rows)

    def mention(self) -> None:
        """Make what rows only mention, each name once, before anything is looked up."""
        for reader, file in self.sources:
            made = _making(reader.target)
            known: set[tuple[str, str, str]] = set()
            for _place, (line, cells) in reader.meant(file, note=False) if made else ():
                for part, key, source in made:
                    text = source.for_row(cells).text(cells)
                    if text and (part, key, text) not in known:
                        known.add((part, key, text))
                        row = FileRow(reader.target, reader.place, line)
                        row.refs, row.lines = (
                            ({}, {part: ({}, {key: text})}) if part else ({key: text}, {})
                        )
                        self.resolver.mention(row)

    def check(self, files: list[FilePlan], lost: list[Planned]) -> set[Planned]:
        """Tell what becomes of all rows; return the records they point at. `lost` stay out."""
        self.lost, wanted = lost, set[Planned]()
        self.parts = list(self.partition.windows(self.size)) if self.sources else []
        meant = {(r.place, r.target.noun): bytearray(len(f.sheet.rows)) for r, f in self.sources}
        for part in self.parts:
            records = self._planned(files, part, self.judge)
            row_outcomes.tell(records, files)
            for (place, noun), mine in _by_file(self.sources, part).items():
                rows = files[place].sheet.rows.pick(sorted(mine))
                totals.add_up(files[place], rows, records, (place, {noun}))
                for n in mine:
                    meant[place, noun][n] = 1
            wanted |= self._note(records)
        for (place, noun), told in meant.items():
            rows = files[place].sheet.rows.pick(n for n, one in enumerate(told) if not one)
            totals.add_up(files[place], rows, (), (place, {noun}))
        return wanted

    def _note(self, records: list[Planned]) -> set[Planned]:
        """Note what will be written; return what that points at."""
        wanted = set[Planned]()
        for one in records:
            self.outcomes.put(_part(one), one.line, one.outcome)
            if one.outcome == "failed":
                continue
            wanted |= {other for other in pointed_at(one) if other.id is None}
            if one.record is None or one.changes:
                self.awaited[one.file] += 1
                for place in {row.file for row in one.rows}:
                    self.held.setdefault(place, set()).add(one.file)
            contract: Any = one.values.get("contract_id")
            if one.target.noun == "order" and isinstance(contract, Planned):
                self.ordered.add(contract)
        return wanted

    def again(self, files: list[FilePlan]) -> Iterator[list[Planned]]:
        """Yield what is to be written of each window.

        What was sound when it was checked and fails by now is among it, with its reasons on its
        rows and the outcome that was told.
        """
        call = self.judge.call
        judge = Judge(call, self.judge.approval)
        self.judge.lines, self.judge.taken = {}, {}  # of the check
        for part in self.parts:
            with writing(on=False), payment.together(call.session):
                records = self._planned(files, part, judge)
                call.session.rollback()
            yield list(self._sound(records))

    def _sound(self, records: list[Planned]) -> Iterator[Planned]:
        for one in records:
            was = self.outcomes.of(_part(one), one.line)
            if was == "failed":
                continue
            if one.outcome == "failed":
                one.outcome = was
                yield one
            elif one.record is None or one.changes:
                yield one

    def _planned(self, files: list[FilePlan], part: Window, judge: Judge) -> list[Planned]:
        groups = Groups(files)
        for n, places in part:
            reader, file = self.sources[n]
            rows = reader.cells(file, file.sheet.rows.pick(places))
            for row in reader.read(file, judge, rows):
                groups.put(row)
        self.settle(groups.records, judge)
        row_outcomes.spread(groups.records + self.lost)
        return groups.records


def _part(one: Planned) -> tuple[int, int]:
    """Return what tells a planned record beside its line: its file and the part of a row."""
    return one.file, id(one.target)


def _pointed(target: Target) -> Iterator[Any]:
    """Yield the entities that records of an entity point at."""
    inputs = inputs_for(target.model)
    parts = [(target.fields, inputs)]
    parts += [(part, parts_of(target.model, key)) for key, part in target.lines.items()]
    for fields, known in parts:
        yield from (known[key].target for key in fields if known[key].kind == "ref")


def _making(target: Target) -> list[tuple[str, str, Any]]:
    """Return (lines, "" for none, field, source) of what makes a record of a name."""
    parts = [("", target.fields), *target.lines.items()]
    return [(name, k, one) for name, part in parts for k, one in part.items() if one.create]


def _by_file(
    sources: list[tuple[Reader, FilePlan]], part: Window
) -> dict[tuple[int, str], set[int]]:
    """Return (place of a file, entity) → places of the rows of a window."""
    found: dict[tuple[int, str], set[int]] = {}
    for n, places in part:
        reader = sources[n][0]
        found.setdefault((reader.place, reader.target.noun), set()).update(places)
    return found
