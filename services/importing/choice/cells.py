"""Faulty cells that a person mends in the page: kept with the job, laid over what the file says."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.importing.import_job import ImportJob, ImportProblem
from services.core import texts
from services.core.errors import Invalid
from services.importing.choice.findings import WORDED
from services.importing.file.sheets import Sheet
from services.importing.volume.packed import PackedRows
from services.records import lookup

LONGEST, MOST, SHOWN = 2_000, 2_000, 40
Mended = Mapping[str, Mapping[str, str]]  # line → column → text
LinesOf = Callable[[Collection[int]], Mapping[int, Mapping[str, str]]]


@dataclasses.dataclass(frozen=True, slots=True)
class FaultyCell:
    """A cell that keeps its row out, with what stands in it and why."""

    line: int
    column: str
    text: str
    reason: str


def faulty(session: Session, job: ImportJob, lines_of: LinesOf) -> list[FaultyCell]:
    """Return the first cells that must be mended one by one: words that repeat are chosen once.

    `lines_of` gives the texts of some lines by column.
    """
    problem = ImportProblem
    worded = sa.and_(problem.code.in_(WORDED), problem.value != "")
    query = (
        sa.select(problem.line, problem.column, sa.func.min(problem.reason))
        .where(problem.job_id == job.id, problem.fatal, problem.line > 0, ~worded)
        .where(problem.column.in_(job.options["head"]))
        .group_by(problem.line, problem.column)
        .order_by(problem.line, problem.column)
        .limit(SHOWN)
    )
    found = session.execute(query).all()
    rows = lines_of({row[0] for row in found}) if found else {}
    return [
        FaultyCell(line, column, rows[line][column], reason)
        for line, column, reason in found
        if line in rows
    ]


def mended(
    session: Session, job: ImportJob, given: Iterable[tuple[str, str, str]]
) -> dict[str, dict[str, str]]:
    """Return the mended cells of a job with (line, column, text) of a form. Raises Invalid.

    A line is one that something was found at, or that was mended before.
    """
    found = {line: dict(cells) for line, cells in job.options.get("cells", {}).items()}
    said = [(texts.key(line), column, text) for line, column, text in given]
    known = _known(session, job, {line for line, _column, _text in said if line}, found)
    for line, column, text in said:
        if not line or line not in known:
            raise Invalid({"cells": _("没有这一行")})
        if column not in job.options["head"]:
            raise Invalid({"cells": _("没有这一列")})
        if len(text) > LONGEST:
            raise Invalid({"cells": _("最多 %(n)s 个字符", n=LONGEST)})
        found.setdefault(str(line), {})[column] = text.strip()
    if sum(map(len, found.values())) > MOST:
        raise Invalid({"cells": _("一个文件最多在页面上改 %(n)s 格，请在文件中修改", n=MOST)})
    return found


def _known(session: Session, job: ImportJob, lines: set[int], mended: Mended) -> set[int]:
    """Return of some lines those that can be mended."""
    problem, found = ImportProblem, {int(line) for line in mended}
    for part in lookup.parts(sorted(lines - found)):
        query = sa.select(problem.line).where(problem.job_id == job.id, problem.line.in_(part))
        found |= set(session.scalars(query.distinct()))
    return found


def of_same_lines(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mended cells of a file that was read anew, {} where its lines mean others now."""
    where = [[one.get("table", {}).get(key) for key in ("sheet", "line")] for one in (before, now)]
    same = before["head"] == now["head"] and where[0] == where[1]
    return dict(before.get("cells", {})) if same else {}


def laid_over(sheet: Sheet, cells: Mended) -> Sheet:
    """Return a sheet with the mended cells; what was wrong with their texts is gone."""
    if not cells:
        return sheet
    at = {column: n for n, column in enumerate(sheet.head)}
    rows = PackedRows(
        (line, _mended(row, cells.get(str(line), {}), at)) for line, row in sheet.rows
    )
    left = [p for p in sheet.problems if p.column not in cells.get(str(p.line), {})]
    return dataclasses.replace(sheet, rows=rows, problems=left)


def _mended(row: list[str], cells: Mapping[str, str], at: Mapping[str, int]) -> list[str]:
    row = list(row)
    for column, text in cells.items():
        if column in at:
            row[at[column]] = text
    return row
