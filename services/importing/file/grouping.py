"""Rows of one key are one record with all its lines, in any order, over targets and files."""

from array import array
from typing import Any

from flask_babel import lazy_gettext as _

from services.importing.file.plan import FilePlan, FileRow, Planned
from services.importing.file.problems import LONGEST_VALUE, Problem
from services.importing.file.totals import has_numbers

WINS = {"first": _("与第一次不同，取第一个值"), "last": _("与以前不同，取最后一个值")}


class Groups:
    """The records of a run by what their rows call them."""

    def __init__(self, files: list[FilePlan]) -> None:
        """Start with none; `files` are those of the run, for messages."""
        self.files = files
        self.known: dict[tuple[Any, str, Any], Planned] = {}
        self.records: list[Planned] = []
        self.numeric: dict[int, bool] = {}  # target → whether numbers of it are added up

    def put(self, row: FileRow) -> None:
        """Give a row to its record; one that may not join a record stands alone and fails."""
        alone = row.failed and not row.target.grouped
        names = [] if alone else row.keys
        hits = list(dict.fromkeys(self.known[name] for name in names if name in self.known))
        if len(hits) > 1:
            self._twice(row, hits[1].rows[0])
        elif hits and self._join(hits[0], row):
            record = hits[0]
            for name in names:
                self.known.setdefault(name, record)
            return
        record = Planned(row.target, row.file, row.line, {})
        self.records.append(record)
        _take(record, row)
        if not hits:
            self.known |= dict.fromkeys(names, record)

    def _join(self, record: Planned, row: FileRow) -> bool:
        """Merge a row into a record of other rows; False when it stays out alone."""
        plain = not row.target.grouped
        twin = next((r for r in record.rows if plain and r.target is row.target), None)
        if twin is not None and not row.target.distinct:
            self._twice(row, twin)
            return False
        clash = _clash(record, row)
        if row.target.distinct in WINS:
            self._differs(record, row)
        elif clash is not None:
            other = record.row_of(clash)
            reason = _(
                "%(place)s的「%(column)s」不同",
                place=self.place(row, other),
                column=other.column(clash),
            )
            row.blame(clash, "KEY_TWICE", reason)
            if twin is not None:
                return False
        adds = bool(row.lines) or _adds(record, row)
        row.outcome = "merged" if twin is None or adds else "repeated"
        new = adds or twin is None or self._counts(record, row)
        _take(record, row)
        if not new:
            record.rows.pop()
            record.again.setdefault(row.file, array("l")).append(row.line)
        return True

    def _counts(self, record: Planned, row: FileRow) -> bool:
        """Tell whether a repeated row is to be kept: something is said of it, or it has numbers."""
        spelt = any(text not in record.refs.get(key, ()) for key, text in row.refs.items())
        if spelt or row.failed or row.problems or row.notes:
            return True
        if id(row.target) not in self.numeric:
            self.numeric[id(row.target)] = has_numbers(row.target)
        return self.numeric[id(row.target)]

    def _differs(self, record: Planned, row: FileRow) -> None:
        """Tell where a row says another thing than the rows before it, and which one holds."""
        for key in _different(record, row):
            text = str(row.refs.get(key) or row.values.get(key))[:LONGEST_VALUE]
            reason = WINS[row.target.distinct]
            told = Problem(row.line, row.column(key), text, "DIFFERS", reason, fatal=False)
            self.files[row.file].note(told)

    def _twice(self, row: FileRow, other: FileRow) -> None:
        reason = _("%(place)s重复", place=self.place(row, other))
        row.blame(row.keys[0][1], "KEY_TWICE", reason, value="")

    def place(self, row: FileRow, other: FileRow) -> Any:
        """Return words for the place of another row."""
        if row.file == other.file:
            return _("与第 %(line)s 行", line=other.line)
        name = self.files[other.file].sheet.name
        return _("与「%(file)s」第 %(line)s 行", file=name, line=other.line)


def _take(record: Planned, row: FileRow) -> None:
    """Put what a row says into its record; a default of a blank cell gives way to what is said."""
    fields, wins = row.target.fields, row.target.distinct
    for key, value in row.values.items():
        weak, known = key in row.weak, record.values.get(key)
        if value is None or (
            known is not None and (weak or (wins == "first" and key not in record.weak))
        ):
            record.values.setdefault(key, None)
            continue
        adds = known is not None and key in fields and fields[key].sum
        record.values[key] = known + value if adds else value
        record.weak = record.weak | {key} if weak else record.weak - {key}
    for key, text in row.refs.items():
        known = record.spare if key in row.weak else record.refs
        if wins == "first" and known.get(key):
            continue
        if wins == "last":
            known[key] = {}
        known.setdefault(key, {}).setdefault(text, row)
    for key, source in row.blank.items():
        record.blank.setdefault(key, (source, row))
    record.rows.append(row)


def _clash(record: Planned, row: FileRow) -> str | None:
    """Return a field of which the row says another thing than the rows before it."""
    return next((key for key in _different(record, row) if key not in row.refs), None)


def _different(record: Planned, row: FileRow) -> list[str]:
    """Return the fields of which the row says another thing; names only by their spelling."""
    fields, found = row.target.fields, []
    for key, value in row.values.items():
        known = record.values.get(key)
        if value is None or known is None or key in row.weak | record.weak or fields[key].sum:
            continue
        if known != value:
            found.append(key)
    return found + [k for k, text in row.refs.items() if text not in record.refs.get(k, {text})]


def _adds(record: Planned, row: FileRow) -> bool:
    if any(source.sum for source in row.target.fields.values()):
        return True
    given = {key for key, value in row.values.items() if value is not None}
    known = {key for key, value in record.values.items() if value is not None}
    return bool(given - known or row.refs.keys() - record.refs.keys() - record.spare.keys())
