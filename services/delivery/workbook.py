"""Rows as a workbook: typed cells, widths that hold what stands in them, the head in sight."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

DAY, MOMENT, MONEY, TEXT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "#,##0.00", "@"
RATIO, COUNT, MEAN = "0.00%", "#,##0", "#,##0.0"
# A number that is typed over keeps its leading zero and all its digits where the cell is text.
FORMATS = {
    "date": DAY,
    "datetime": MOMENT,
    "money": MONEY,
    "ratio": RATIO,
    "count": COUNT,
    "mean": MEAN,
    "mobile": TEXT,
    "phone": TEXT,
    "digits": TEXT,
}
WIDTHS = {
    "date": 12, "datetime": 17, "money": 16, "ratio": 11, "count": 12, "mean": 12, "mobile": 15,
    "phone": 18, "name": 28, "long": 60, "words": 90,
}  # fmt: skip
WIDE = 16
REACHED = {"bold": True, "font_color": "#8A4B00", "bg_color": "#FFF4E0"}
Row = Sequence[Any]


@dataclasses.dataclass(frozen=True, slots=True)
class BookSheet:
    """A sheet: its captions, the kinds of its columns, how many of these stay in sight.

    `limits` are (place of a column, comparison, number): cells that reach it stand out.
    """

    name: str
    head: list[str]
    kinds: list[str]
    frozen: int = 0
    limits: tuple[tuple[int, str, Decimal], ...] = ()


class Sum(list[Any]):
    """A row of totals: bold, under a line."""


def write(file: IO[bytes], sheets: list[BookSheet], rows: Iterable[tuple[int, Row]]) -> None:
    """Write rows, each with the place of its sheet, in the order they come."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        made = [_Writer(book, sheet, alone=len(sheets) == 1) for sheet in sheets]
        for place, row in rows:
            made[place].add(row)
        for one in made:
            one.mark()


class _Writer:
    """One sheet that is being written."""

    def __init__(self, book: Any, sheet: BookSheet, *, alone: bool) -> None:
        self.kinds, self.limits = sheet.kinds, sheet.limits
        self.book, self.line, self.formats = book, 0, dict[tuple[str, bool], Any]()
        self.sheet = book.add_worksheet(None if alone else _tab(sheet.name))
        self.sheet.freeze_panes(1, sheet.frozen)
        for place, kind in enumerate(self.kinds):
            if kind in FORMATS or kind in WIDTHS:
                self.sheet.set_column(place, place, WIDTHS.get(kind, WIDE), self._format(kind))
        self.sheet.write_row(0, 0, sheet.head, book.add_format({"bold": True}))

    def add(self, row: Row) -> None:
        """Write one row under the last."""
        self.line += 1
        total = isinstance(row, Sum)
        for place, value in enumerate(row):
            kind = self.kinds[place] if place < len(self.kinds) else ""
            if isinstance(value, dt.datetime):
                self.sheet.write_datetime(
                    self.line, place, value, self._format("datetime", total=total)
                )
            elif isinstance(value, dt.date):
                self.sheet.write_datetime(
                    self.line, place, value, self._format("date", total=total)
                )
            else:
                look = self._format(kind, total=True) if total else None
                self.sheet.write(self.line, place, value, look)

    def mark(self) -> None:
        """Let what reaches a limit stand out, also where somebody types it in later."""
        for place, how, number in self.limits:
            cell = xl_rowcol_to_cell(1, place)
            rule = f"=AND(ISNUMBER({cell}),{cell}{how}{number:f})"  # a text is above all numbers
            look = {"type": "formula", "criteria": rule, "format": self.book.add_format(REACHED)}
            self.sheet.conditional_format(1, place, max(self.line, 1), place, look)

    def _format(self, kind: str, *, total: bool = False) -> Any:
        found = self.formats.get((kind, total))
        if found is None:
            look: dict[str, Any] = {"num_format": FORMATS[kind]} if kind in FORMATS else {}
            look |= {"text_wrap": True, "valign": "top"} if kind == "words" else {}
            look |= {"bold": True, "top": 1} if total else {}
            found = self.formats[kind, total] = self.book.add_format(look)
        return found


def _tab(name: str) -> str:
    return "".join(sign for sign in name if sign not in "[]:*?/\\'")[:31]
