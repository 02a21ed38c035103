"""Rows of one key are one record with all its lines, in any order, over targets and files."""

from typing import Any

from flask_babel import lazy_gettext as _

from services.importing.plan import FilePlan, Planned, Row


class Groups:
    """The records of a run by what their rows call them."""

    def __init__(self, files: list[FilePlan]) -> None:
        """Start with none; `files` are those of the run, for messages."""
        self.files = files
        self.known: dict[tuple[Any, str, Any], Planned] = {}
        self.records: list[Planned] = []

    def put(self, row: Row) -> None:
        """Give a row to its record; one that may not join a record stands alone and fails."""
        alone = row.failed and not row.target.lines
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

    def _join(self, record: Planned, row: Row) -> bool:
        """Merge a row into a record of other rows; False when it stays out alone."""
        plain = not row.target.lines
        twin = next((r for r in record.rows if plain and r.target is row.target), None)
        if twin is not None and not row.target.distinct:
            self._twice(row, twin)
            return False
        clash = _clash(record, row)
        if clash is not None:
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
        _take(record, row)
        return True

    def _twice(self, row: Row, other: Row) -> None:
        reason = _("%(place)s重复", place=self.place(row, other))
        row.blame(row.keys[0][1], "KEY_TWICE", reason, value="")

    def place(self, row: Row, other: Row) -> Any:
        """Return words for the place of another row."""
        if row.file == other.file:
            return _("与第 %(line)s 行", line=other.line)
        name = self.files[other.file].sheet.name
        return _("与「%(file)s」第 %(line)s 行", file=name, line=other.line)


def _take(record: Planned, row: Row) -> None:
    """Put what a row says into its record; a default of a blank cell gives way to what is said."""
    for key, value in row.values.items():
        weak = key in row.weak
        if value is None or (weak and record.values.get(key) is not None):
            record.values.setdefault(key, None)
            continue
        record.values[key] = value
        record.weak = record.weak | {key} if weak else record.weak - {key}
    for key, text in row.refs.items():
        known = record.spare if key in row.weak else record.refs
        known.setdefault(key, {}).setdefault(text, row)
    for key, source in row.blank.items():
        record.blank.setdefault(key, (source, row))
    record.rows.append(row)


def _clash(record: Planned, row: Row) -> str | None:
    """Return a field of which the row says another thing than the rows before it."""
    for key, value in row.values.items():
        known = record.values.get(key)
        if value is None or known is None or key in row.weak | record.weak:
            continue
        if known != value:
            return key
    return None


def _adds(record: Planned, row: Row) -> bool:
    given = {key for key, value in row.values.items() if value is not None}
    known = {key for key, value in record.values.items() if value is not None}
    return bool(given - known or row.refs.keys() - record.refs.keys() - record.spare.keys())
