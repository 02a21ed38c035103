"""Files as rows of texts: CSV (UTF-8, GB18030) and XLSX, bounded before anything is unpacked."""

import csv
import dataclasses
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from flask_babel import lazy_gettext as _
from openpyxl.utils.exceptions import InvalidFileException
from sqlalchemy.orm import Session

from services.importing.problems import BadFile, Problem
from services.settings import get_setting

MOST_UNPACKED = 50 * 1024 * 1024
MOST_MEMBERS = 200
MOST_COLUMNS = 200
MOST_BLANK = 100_000  # blank lines a sheet may hold before we stop looking
EXACT = 10**15  # from here on a spreadsheet has lost digits of a number
REMARKS = ("错误", "原因", "建议")  # what an error workbook adds; left out when it comes back
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
TOTAL = re.compile(r"([合总小共]\s*计|((grand|sub)[\s-]*)?totals?)\s*[:：]?", re.IGNORECASE)
NAMED = 10  # blank lines that are named
FIGURE = re.compile(r"[¥￥]?[+-]?[\d,，.]+[%元]?|[-—/]")
UTF16 = (b"\xff\xfe", b"\xfe\xff")

Row = tuple[int, list[Any]]


@dataclasses.dataclass(slots=True)
class Sheet:
    """The texts of a file: captions of the columns, (line, texts) of what is not blank.

    `skipped` are rows that add others up; every one is named among the problems.
    """

    name: str
    head: list[str]
    rows: list[tuple[int, list[str]]]
    problems: list[Problem] = dataclasses.field(default_factory=list)
    skipped: list[tuple[int, list[str]]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may hold."""

    megabytes: int
    rows: int


def limits_of(session: Session) -> Limits:
    """Return the limits that are set."""
    return Limits(get_setting(session, "import.max_mb"), get_setting(session, "import.max_rows"))


def read(name: str, content: bytes, limits: Limits) -> Sheet:
    """Return the texts of a file by its content, not by its name. Raises BadFile."""
    if len(content) > limits.megabytes * 1024 * 1024:
        raise BadFile(_("%(name)s：文件超过 %(n)s MB", name=name, n=limits.megabytes))
    if not content.strip():
        raise BadFile(_("%(name)s：文件是空的", name=name))
    if content.startswith(OLE):
        raise BadFile(_("%(name)s：请把旧版或加密的 Excel 文件另存为 .xlsx", name=name))
    rows = _xlsx(name, content) if content.startswith(ZIP) else _csv(name, content)
    try:
        return _sheet(name, rows, limits)
    except (csv.Error, ParseError, ValueError, KeyError, zipfile.BadZipFile) as problem:
        raise BadFile(_("%(name)s：文件已损坏，无法读取", name=name)) from problem


def _sheet(name: str, rows: Iterable[Row], limits: Limits) -> Sheet:
    found: Sheet | None = None
    blank: list[int] = []
    for line, cells in rows:
        if len(cells) > MOST_COLUMNS:
            raise BadFile(
                _("%(name)s 第 %(line)s 行：超过 %(n)s 列", name=name, line=line, n=MOST_COLUMNS)
            )
        if all(cell in {None, ""} for cell in cells):
            blank.append(line)
            if len(blank) > MOST_BLANK:
                break
        elif found is None:
            found = Sheet(name, _head(name, line, cells), [])
        elif len(found.rows) >= limits.rows:
            raise BadFile(_("%(name)s：超过 %(n)s 行", name=name, n=limits.rows))
        else:
            _add(found, line, cells)
    if found is None or not found.rows:
        raise BadFile(_("%(name)s：没有数据行", name=name))
    found.problems += _blank([line for line in blank if line < found.rows[-1][0]])
    return found


def _head(name: str, line: int, cells: list[Any]) -> list[str]:
    head = [_text(cell).strip().strip("\ufeff\u200b") for cell in cells]
    while head and not head[-1]:
        head.pop()
    twice = next((h for n, h in enumerate(head) if h and h in head[:n]), None)
    if twice is not None:
        raise BadFile(
            _(
                "%(name)s 第 %(line)s 行：列名「%(column)s」出现两次",
                name=name,
                line=line,
                column=twice,
            )
        )
    if "" in head:
        place = head.index("") + 1
        raise BadFile(
            _("%(name)s 第 %(line)s 行：第 %(n)s 列没有列名", name=name, line=line, n=place)
        )
    return head


def _add(sheet: Sheet, line: int, cells: list[Any]) -> None:
    extra = [cell for cell in cells[len(sheet.head) :] if cell not in {None, ""}]
    if extra:
        reason = _("此行的单元格比列名多")
        sheet.problems.append(Problem(line, "", _text(extra[0]), "EXTRA_CELLS", reason))
    texts = [_text(cell) for cell in cells[: len(sheet.head)]]
    for column, cell in zip(sheet.head, cells, strict=False):
        if isinstance(cell, int | float) and abs(cell) >= EXACT:
            reason = _("数字超过 15 位，表格软件已丢失精度")
            sheet.problems.append(Problem(line, column, _text(cell), "PRECISION", reason))
    texts += [""] * (len(sheet.head) - len(texts))
    if _is_total(texts):
        reason = _("合计行，已跳过")
        first = next(text for text in texts if text.strip())
        sheet.problems.append(Problem(line, "", first, "TOTAL_ROW", reason, fatal=False))
        sheet.skipped.append((line, texts))
    else:
        sheet.rows.append((line, texts))


def _is_total(texts: list[str]) -> bool:
    """Tell whether a row only adds others up: a word for it, then numbers."""
    given = [text.strip() for text in texts if text.strip()]
    word = TOTAL.fullmatch(given[0]) if given else None
    alone = word is not None and (len(given) > 1 or not word[0].isascii())
    return alone and all(FIGURE.fullmatch(text) for text in given[1:])


def _blank(lines: list[int]) -> list[Problem]:
    """Name blank lines; those at the end of a sheet are nobody's rows."""
    told = "、".join(str(line) for line in lines[:NAMED]) + ("…" if len(lines) > NAMED else "")
    reason = _("第 %(lines)s 行为空，共 %(n)s 行，已跳过", lines=told, n=len(lines))
    return [Problem(0, "", "", "BLANK_ROWS", reason, fatal=False)] if lines else []


def _text(cell: Any) -> str:
    """Return a cell as people see it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return f"{Decimal(repr(cell)):f}".removesuffix(".0")
    if isinstance(cell, dt.datetime):
        midnight = cell.time() == dt.time()
        return f"{cell:%Y-%m-%d}" if midnight else f"{cell:%Y-%m-%d %H:%M:%S}"
    return str(cell)


def _csv(name: str, content: bytes) -> Iterator[Row]:
    text = _decoded(name, content)
    first = text.split("\n", 1)[0]
    separator = max(",\t;", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as problem:
        raise BadFile(
            _("%(name)s 第 %(line)s 行：引号或分隔符有误", name=name, line=reader.line_num)
        ) from problem


def _decoded(name: str, content: bytes) -> str:
    """Return the text: UTF-8 with or without its mark, else GB18030, which Excel writes here."""
    if content.startswith(UTF16):
        raise BadFile(_("%(name)s：请把文件另存为 UTF-8 编码的 CSV 或 .xlsx", name=name))
    marked = content.startswith(b"\xef\xbb\xbf")
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
    try:
        if not marked:
            return content.decode("gb18030")
    except UnicodeDecodeError:
        pass
    raise BadFile(
        _("%(name)s 第 %(line)s 行：既不是 UTF-8 也不是 GB18030 编码", name=name, line=line)
    )


def _xlsx(name: str, content: bytes) -> Iterator[Row]:
    """Yield the first sheet; what it unpacks to is known from the directory and bounded."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as problem:
        raise BadFile(_("%(name)s：文件已损坏，无法读取", name=name)) from problem
    if len(members) > MOST_MEMBERS or sum(one.file_size for one in members) > MOST_UNPACKED:
        raise BadFile(_("%(name)s：解压后过大，拒绝读取", name=name))
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        sheet = book.worksheets[0]
    except (InvalidFileException, KeyError, ValueError, IndexError, ParseError) as problem:
        raise BadFile(_("%(name)s：不是有效的 .xlsx 文件", name=name)) from problem
    sheet.reset_dimensions()  # what the file says about its own size is not to be believed
    for line, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        yield line, _trimmed(cells)


def _trimmed(cells: Iterable[Any]) -> list[Any]:
    found = [re.sub(r"_x000D_\n?", "\n", c) if isinstance(c, str) else c for c in cells]
    while found and found[-1] is None:
        found.pop()
    return found
