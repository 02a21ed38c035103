"""Large files: their lines wait in a table, the worker checks them and writes them in pieces.

All or nothing means here: when a piece fails, those before it are taken back, a piece at a time.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.importing.import_job import ImportJob, ImportLine, ImportProblem, ImportRow, ImportState
from services.core.errors import Invalid, Locked
from services.core.settings import get_setting
from services.delivery import outbox
from services.importing.file.problems import Problem
from services.importing.file.reading import REMARKS
from services.importing.file.sheets import Sheet
from services.importing.volume.pace import DONE, GOAL
from services.importing.volume.packed import PackedRows
from services.records import lookup
from services.rights import gate

BATCH = 1_000  # lines that are read together
PIECE = 200  # records that are taken back in a transaction; rows that a request writes itself
TASK = "import"
RULE = {"rule": "import"}


def is_large(session: Session, sheet: Sheet) -> bool:
    """Tell whether a file is left to the worker."""
    return len(sheet.rows) > min(int(get_setting(session, "import.at_once")), PIECE)


def options_of(sheet: Sheet) -> dict[str, Any]:
    """Return what a job keeps of a large file beside its lines."""
    found = [
        [p.line, p.column, p.value[:200], p.code, str(p.reason), p.fatal] for p in sheet.problems
    ]
    return {"staged": len(sheet.rows), "found": found, "skipped": sheet.skipped}


def store(session: Session, job: ImportJob, sheet: Sheet) -> None:
    """Put the lines of a file into the table."""
    places = [n for n, column in enumerate(sheet.head) if column not in REMARKS]
    session.flush()
    session.execute(
        sa.insert(ImportLine.__table__),
        [
            {"job_id": job.id, "line": line, "texts": [texts[n] for n in places], "done": False}
            for line, texts in sheet.rows
        ],
        execution_options=RULE,
    )


def clear(session: Session, job: ImportJob) -> None:
    """Drop all lines and findings of a job: its file is read anew."""
    for table in (ImportLine.__table__, ImportProblem.__table__):
        session.execute(sa.delete(table).where(table.c.job_id == job.id), execution_options=RULE)


def sheet_of(session: Session, job: ImportJob) -> Sheet:
    """Return the lines of a job. Raises Locked when none are kept."""
    row = ImportLine.__table__
    query = sa.select(row.c.line, row.c.texts).where(row.c.job_id == job.id).order_by(row.c.line)
    found = session.execute(query.execution_options(yield_per=BATCH))
    lines = PackedRows((one.line, list(one.texts)) for one in found)
    if not lines:
        raise Locked(_("文件已导入，不再保留"))
    problems = [Problem(*one) for one in job.options["found"]]
    skipped = [(n, texts) for n, texts in job.options.get("skipped", ())]
    return Sheet(job.file_name, list(job.options["head"]), lines, problems, skipped)


def lines_of(session: Session, job: ImportJob, lines: Collection[int]) -> dict[int, list[str]]:
    """Return the texts of some lines of a job."""
    row, found = ImportLine.__table__, dict[int, list[str]]()
    for part in lookup.parts(sorted(lines)):
        query = sa.select(row.c.line, row.c.texts)
        query = query.where(row.c.job_id == job.id, row.c.line.in_(part))
        found |= {one.line: list(one.texts) for one in session.execute(query)}
    return found


def progress(session: Session, job: ImportJob) -> tuple[int, int]:
    """Return (done, total) of what the worker is doing: records; a check counts lines only."""
    total = int(job.options.get("staged", 0))
    if job.state is ImportState.checking:
        return 0, total
    if job.state is ImportState.returning:
        row = ImportRow.__table__
        query = sa.select(sa.func.count()).where(row.c.job_id == job.id, row.c.seen_version > 0)
        left = int(session.execute(query).scalar_one())
        goal = max(int(job.options.get("returns", left)), left)
        return goal - left, goal
    return int(job.options.get(DONE, 0)), int(job.options.get(GOAL, total))


def ask(
    session: Session, job: ImportJob, state: ImportState, more: dict[str, Any], *, now: dt.datetime
) -> None:
    """Let the worker bring a job on; `more` goes into its options."""
    turn = int(job.options.get("turn", 0)) + 1
    with gate.rule(session, "import"):
        job.state, job.options = state, {**job.options, **more, "turn": turn}
    arguments = {"job_id": job.id, "turn": turn}
    outbox.enqueue(session, TASK, arguments, title=job.file_name[:80], now=now)


def stalled(session: Session, job: ImportJob, *, now: dt.datetime) -> bool:
    """Tell whether the worker has not come for a job."""
    arguments = {"job_id": job.id, "turn": job.options.get("turn", 0)}
    return outbox.stalled(session, TASK, arguments, now=now)


def start(session: Session, job: ImportJob, *, partial: bool, now: dt.datetime) -> None:
    """Begin to write what was checked. Raises Invalid where a bad line forbids it."""
    problem = ImportProblem.__table__
    query = sa.select(problem.c.line).where(problem.c.job_id == job.id, problem.c.fatal).distinct()
    bad = set(session.execute(query).scalars())
    if not job.counts or (bad and not partial) or 0 in bad:
        raise Invalid({"file": _("有 %(n)s 处问题，未导入任何记录", n=len(bad))})
    with gate.rule(session, "import"):
        job.counts = {}
    more = {"partial": partial, DONE: 0}
    ask(session, job, ImportState.running, more, now=now)


def returned_not(reason: str) -> Problem:
    """Return the finding of a job that could not be taken back."""
    return Problem(0, "", "", "NOT_RETURNED", reason)


def forget(session: Session, job: ImportJob) -> None:
    """Drop the lines that came in; those that failed are kept for the error workbook."""
    row, problem = ImportLine.__table__, ImportProblem.__table__
    bad = sa.select(problem.c.line).where(problem.c.job_id == job.id, problem.c.fatal)
    gone = sa.delete(row).where(row.c.job_id == job.id, row.c.line.not_in(bad))
    session.execute(gone, execution_options=RULE)
