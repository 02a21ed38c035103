"""Workbooks: their sheets, and the cells of one as people see them."""

import datetime as dt
import io
import posixpath
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from services.importing.file.cell_marks import Marks, TooFarError, percent_styles, scan
from services.importing.file.problems import BadFile
from services.importing.file.sheets import Line, SheetPage

MOST_UNPACKED = 50 * 1024 * 1024
MOST_MEMBERS = 200
MOST_COLUMNS = 200
MOST_BLANK = 100_000  # blank lines a sheet may hold between its rows
EXACT = 10**15  # from here on a spreadsheet has lost digits of a number
DIGITS = 15  # a spreadsheet keeps no more; what a float says beyond is dust
RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
WRONG = (
    CalamineError,
    ET.ParseError,
    KeyError,
    ValueError,
    NotImplementedError,
    zipfile.BadZipFile,
    OSError,
)


class Book:
    """A workbook whose members are known and bounded before anything is unpacked."""

    def __init__(self, name: str, content: bytes) -> None:
        """Open a workbook. Raises BadFile."""
        self.name, self.content = name, content
        self.secret: set[str] = set()  # sheets that no menu shows
        try:
            self.archive = zipfile.ZipFile(io.BytesIO(content))
        except zipfile.BadZipFile as problem:
            raise BadFile(_("%(name)s：文件已损坏，无法读取", name=name)) from problem
        members = self.archive.infolist()
        if len(members) > MOST_MEMBERS or sum(one.file_size for one in members) > MOST_UNPACKED:
            raise BadFile(_("%(name)s：解压后过大，拒绝读取", name=name))
        # As the reader looks members up: whatever the case. Two of a name would be two truths.
        self.members = {one.filename.replace("\\", "/").lower(): one.filename for one in members}
        try:
            if len(self.members) < len(members):
                raise ValueError
            self.parts = self._parts()
            self.percent = self._percent()
            self.reader = CalamineWorkbook.from_filelike(io.BytesIO(content))
        except WRONG as problem:
            raise BadFile(_("%(name)s：不是有效的 .xlsx 文件", name=name)) from problem

    @property
    def sheets(self) -> list[tuple[str, bool]]:
        """Return (name, hidden) of every sheet with cells, in order; not what nobody can show."""
        told = [(t, hid) for t, (_part, hid) in self.parts.items() if t not in self.secret]
        return told or [(title, hidden) for title, (_part, hidden) in self.parts.items()]

    def page(self, title: str, most_rows: int) -> SheetPage:
        """Return a sheet. Raises BadFile."""
        part, _hidden = self.parts[title]
        try:
            with self.archive.open(self.members[part]) as stream:
                marks = scan(stream, self.percent, (most_rows + MOST_BLANK, MOST_COLUMNS))
            sheet = self.reader.get_sheet_by_name(title)
            merges = [
                (top + 1, left, bottom + 1, right)
                for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
            ]
        except TooFarError as problem:
            raise self._far(problem.line, problem.column, most_rows) from problem
        except WRONG as problem:
            raise BadFile(_("%(name)s：文件已损坏，无法读取", name=self.name)) from problem
        page = SheetPage(title, (), merges, width=marks.width, fixed=True)
        page.wrong = dict.fromkeys(marks.uncomputed, "FORMULA")
        page.wrong |= dict.fromkeys(marks.errors, "CELL_ERROR")
        page.hidden = marks.hidden
        page.computed.update(column for _line, column in marks.computed)
        page.rows = _lines(sheet, marks, page) if sheet.start is not None else ()
        return page

    def _far(self, line: int, column: int, most_rows: int) -> BadFile:
        if column >= MOST_COLUMNS:
            return BadFile(
                _(
                    "%(name)s 第 %(line)s 行：超过 %(n)s 列",
                    name=self.name,
                    line=line,
                    n=MOST_COLUMNS,
                )
            )
        return BadFile(
            _("%(name)s 第 %(line)s 行：超过 %(n)s 行", name=self.name, line=line, n=most_rows)
        )

    def _parts(self) -> dict[str, tuple[str, bool]]:
        """Return sheet → (member, hidden)."""
        targets = {
            one.get("Id"): _member(one.get("Target", ""))
            for one in self._xml("xl/_rels/workbook.xml.rels").iter()
            if one.get("Type", "").endswith("/worksheet")
        }
        found = {}
        for one in self._xml("xl/workbook.xml").iter():
            if one.tag.endswith("}sheet"):
                target = targets.get(one.get(RELATIONS) or one.get(STRICT))
                if target is not None:
                    hidden = one.get("state", "visible") != "visible"
                    if one.get("state") == "veryHidden":
                        self.secret.add(one.get("name", ""))
                    found[one.get("name", "")] = target, hidden
        if not found:
            raise ValueError
        return found

    def _percent(self) -> frozenset[str]:
        styles = self.members.get("xl/styles.xml")
        return percent_styles(self.archive.read(styles)) if styles else frozenset()

    def _xml(self, member: str) -> ET.Element:
        content = self.archive.read(self.members[member])
        return ET.fromstring(content)  # noqa: S314 # expat bounds what entities grow to


def _member(target: str) -> str:
    """Return the member a relation of the workbook means, as the reader finds it."""
    path = target.removeprefix("/") if target.startswith(("/xl/", "xl/")) else f"xl/{target}"
    return posixpath.normpath(path).lower()


def _lines(sheet: Any, marks: Marks, page: SheetPage) -> Iterator[Line]:
    left = [""] * sheet.start[1]
    percent, wrong = _by_line(marks.percent), _by_line(page.wrong)
    for line, cells in enumerate(sheet.iter_rows(), 1):
        texts = left + [shown(cell) for cell in cells]
        for n, cell in enumerate(cells, len(left)):
            if isinstance(cell, int | float) and abs(cell) >= EXACT:
                page.wrong[line, n] = "PRECISION"
        for n in percent.get(line, ()):
            value = cells[n - len(left)] if n >= len(left) else ""
            if isinstance(value, int | float) and not isinstance(value, bool):
                texts[n] = f"{_plain(value, 100)}%"
        for n in wrong.get(line, ()):
            texts += [""] * (n + 1 - len(texts))
            texts[n] = marks.errors.get((line, n), "=")
        yield line, texts


def _by_line(cells: Any) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for line, column in cells:
        found.setdefault(line, []).append(column)
    return found


def shown(cell: Any) -> str:
    """Return a cell as people see it."""
    if isinstance(cell, str):
        return cell.replace("_x000D_", "").replace("\r\n", "\n") if "\r" in cell else cell
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, int | float):
        return _plain(cell)
    if isinstance(cell, dt.datetime):
        cell = (cell + dt.timedelta(microseconds=500_000)).replace(microsecond=0)
        midnight = cell.time() == dt.time()
        return f"{cell:%Y-%m-%d}" if midnight else f"{cell:%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, dt.time):
        return f"{cell:%H:%M:%S}"
    if isinstance(cell, dt.timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(cell)


def _plain(value: float, times: int = 1) -> str:
    """Return a number without the dust of binary fractions and without an exponent."""
    number = Decimal(f"{value:.{DIGITS}g}" if abs(value) < EXACT else repr(value)) * times
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
