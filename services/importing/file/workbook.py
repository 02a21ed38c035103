"""The error workbook: the same columns as the file, then 错误, 原因, 建议; one sheet a file."""

import io
import re

import xlsxwriter

from services.core.texts import neutral
from services.importing.file.plan import FilePlan, Plan
from services.importing.file.problems import Problem
from services.importing.file.reading import REMARKS

OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def error_workbook(plan: Plan, *, imported: bool) -> bytes:
    """Return an XLSX to be mended and uploaded again.

    After a partial import it holds the rows that stayed out; where nothing was imported it holds
    all rows, so that it stands for the whole file. What concerns no row stands on the last sheet.
    """
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, OPTIONS) as book:
        bold = book.add_format({"bold": True})
        marked = book.add_format({"bg_color": "#FDE8E8"})
        for n, file in enumerate(plan.files, 1):
            sheet = book.add_worksheet(_name(n, file.sheet.name))
            sheet.freeze_panes(1, 0)
            head = [column for column in file.sheet.head if column not in REMARKS]
            sheet.write_row(0, 0, [*head, *REMARKS], bold)
            _fill(sheet, file, head, marked, failed_only=imported)
        _loose(book, plan, bold)
    return buffer.getvalue()


def _fill(sheet: object, file: FilePlan, head: list[str], marked: object, **how: bool) -> None:
    by_line: dict[int, list[Problem]] = {}
    for problem in file.problems:
        by_line.setdefault(problem.line, []).append(problem)
    bad = file.failed_lines
    place = 1
    for line, texts in sorted(file.sheet.rows, key=lambda row: row[0] not in bad):
        if how["failed_only"] and line not in bad:
            continue
        cells = dict(zip(file.sheet.head, texts, strict=True))
        found = by_line.get(line, [])
        told = [
            "；".join(dict.fromkeys(problem.cause for problem in found)),
            "；".join(_told(problem) for problem in found),
            "；".join(dict.fromkeys(problem.advice for problem in found)),
        ]
        columns = {problem.column for problem in found if problem.fatal}
        for n, text in enumerate([*(cells[column] for column in head), *told]):
            hit = n < len(head) and head[n] in columns
            sheet.write_string(place, n, neutral(text), marked if hit else None)  # type: ignore[attr-defined] # xlsxwriter has no stubs
        place += 1


def _told(problem: Problem) -> str:
    return f"{problem.column}：{problem.reason}" if problem.column else str(problem.reason)


def _loose(book: object, plan: Plan, bold: object) -> None:
    loose = [(file.sheet.name, p) for file in plan.files for p in file.problems if p.line == 0]
    if not loose:
        return
    sheet = book.add_worksheet("文件")  # type: ignore[attr-defined] # xlsxwriter has no stubs
    sheet.write_row(0, 0, ["文件", "列", "值", *REMARKS], bold)
    for n, (name, one) in enumerate(loose, 1):
        cells = (name, one.column, one.value, one.cause, str(one.reason), one.advice)
        for place, text in enumerate(cells):
            sheet.write_string(n, place, neutral(text))


def _name(n: int, text: str) -> str:
    """Return a name a sheet may have: at most 31 letters, digits and signs."""
    return f"{n}-{re.sub(r'[^0-9A-Za-z_一-鿿-]', '_', text)}"[:31]
