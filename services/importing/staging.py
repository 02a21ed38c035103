"""Large files: their lines wait in a table, the worker checks and writes them a piece at a time.

A piece and the marks on its lines are one transaction, so a kill leaves both or neither. All or
nothing means here: when a piece fails, the pieces before it are taken back, a piece at a time.
"""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate, outbox
from services.errors import Invalid, Locked
from services.importing import totals
from services.importing.plan import FilePlan
from services.importing.problems import Problem
from services.importing.reading import REMARKS, Sheet
from services.importing.writing import problem_row
from services.settings import get_setting

LATE = "late"  # options of a job: lines that come in after all others, as the check found them
PIECE = 200  # lines a transaction
TASK = "import"
RULE = {"rule": "import"}


def is_large(session: Session, sheet: Sheet) -> bool:
    """Tell whether a file is left to the worker."""
    return len(sheet.rows) > int(get_setting(session, "import.at_once"))


def options_of(sheet: Sheet) -> dict[str, Any]:
    """Return what a job keeps of a large file beside its lines."""
    found = [
        [p.line, p.column, p.value[:200], p.code, str(p.reason), p.fatal] for p in sheet.problems
    ]
    return {"staged": len(sheet.rows), "found": found, "skipped": sheet.skipped}


def store(session: Session, job: m.ImportJob, sheet: Sheet) -> None:
    """Put the lines of a file into the table."""
    places = [n for n, column in enumerate(sheet.head) if column not in REMARKS]
    session.flush()
    session.execute(
        sa.insert(m.ImportLine.__table__),
        [
            {"job_id": job.id, "line": line, "texts": [texts[n] for n in places], "done": False}
            for line, texts in sheet.rows
        ],
        execution_options=RULE,
    )


def sheet_of(
    session: Session, job: m.ImportJob, *, waiting: bool = False, most: int | None = None
) -> Sheet:
    """Return the lines of a job, all or those that wait. Raises Locked when none are kept."""
    row = m.ImportLine.__table__
    query = sa.select(row.c.line, row.c.texts).where(row.c.job_id == job.id)
    if waiting:
        query = query.where(row.c.done.is_(False))
    order = row.c.id if waiting or not job.options.get(LATE) else row.c.line
    found = session.execute(query.order_by(order).limit(most)).all()
    if not found and not waiting:
        raise Locked(_("文件已导入，不再保留"))
    lines = [(one.line, list(one.texts)) for one in found]
    problems = [Problem(*one) for one in job.options["found"]]
    skipped = [] if waiting else [(n, texts) for n, texts in job.options.get("skipped", ())]
    return Sheet(job.file_name, list(job.options["head"]), lines, problems, skipped)


def progress(session: Session, job: m.ImportJob) -> tuple[int, int]:
    """Return (done, total) of what the worker is doing; a check has no pieces."""
    total = int(job.options.get("staged", 0))
    if job.state is m.ImportState.returning:
        table = m.ImportRow.__table__
        query = sa.select(sa.func.count()).where(table.c.job_id == job.id)
        left = int(session.execute(query).scalar_one())
        goal = max(int(job.options.get("returns", left)), left)
        return goal - left, goal
    row = m.ImportLine.__table__
    query = sa.select(sa.func.count()).where(row.c.job_id == job.id, row.c.done)
    return int(session.execute(query).scalar_one()), total


def ask(
    session: Session,
    job: m.ImportJob,
    state: m.ImportState,
    more: dict[str, Any],
    *,
    now: dt.datetime,
) -> None:
    """Let the worker bring a job on; `more` goes into its options."""
    turn = int(job.options.get("turn", 0)) + 1
    with gate.rule(session, "import"):
        job.state, job.options = state, {**job.options, **more, "turn": turn}
    arguments = {"job_id": job.id, "turn": turn}
    outbox.enqueue(session, TASK, arguments, title=job.file_name[:80], now=now)


def stalled(session: Session, job: m.ImportJob, *, now: dt.datetime) -> bool:
    """Tell whether the worker has not come for a job."""
    arguments = {"job_id": job.id, "turn": job.options.get("turn", 0)}
    return outbox.stalled(session, TASK, arguments, now=now)


def start(session: Session, job: m.ImportJob, *, partial: bool, now: dt.datetime) -> None:
    """Begin to write what was checked. Raises Invalid where a bad line forbids it."""
    problem, row = m.ImportProblem.__table__, m.ImportLine.__table__
    query = sa.select(problem.c.line).where(problem.c.job_id == job.id, problem.c.fatal).distinct()
    bad = set(session.execute(query).scalars())
    if not job.counts or (bad and not partial) or 0 in bad:
        raise Invalid({"file": _("有 %(n)s 处问题，未导入任何记录", n=len(bad))})
    mine = row.c.job_id == job.id
    session.execute(sa.update(row).where(mine).values(done=False), execution_options=RULE)
    _put_last(session, job)
    lines = sorted(bad)
    for n in range(0, len(lines), 500):
        left = sa.update(row).where(mine, row.c.line.in_(lines[n : n + 500]))
        session.execute(left.values(done=True), execution_options=RULE)
    out = {"failed": len(bad), "skipped": len(job.options.get("skipped", ()))}
    out = {outcome: n for outcome, n in out.items() if n}
    out |= {"rows": sum(out.values())} if out else {}
    told = totals.kept_out(job.options.get("totals", {}))
    with gate.rule(session, "import"):
        job.counts, job.options = {job.noun: out}, {**job.options, "totals": told}
    ask(session, job, m.ImportState.running, {"partial": partial}, now=now)


def _put_last(session: Session, job: m.ImportJob) -> None:
    """Let lines that wait for others, as refunds do for payments, come in the last pieces."""
    row, late = m.ImportLine.__table__, job.options.get(LATE, [])
    for n in range(0, len(late), 500):
        mine = sa.and_(row.c.job_id == job.id, row.c.line.in_(late[n : n + 500]))
        keep = [row.c[key] for key in ("job_id", "line", "texts", "done")]
        rows = session.execute(sa.select(*keep).where(mine)).mappings().all()
        session.execute(sa.delete(row).where(mine), execution_options=RULE)
        moved = {one["line"]: dict(one) for one in rows}
        ordered = [moved[line] for line in late[n : n + 500] if line in moved]
        session.execute(sa.insert(row), ordered, execution_options=RULE)


def mark(session: Session, job: m.ImportJob, lines: list[int]) -> bool:
    """Mark lines as dealt with; False when somebody else already did."""
    row = m.ImportLine.__table__
    statement = sa.update(row).where(
        row.c.job_id == job.id, row.c.done.is_(False), row.c.line.in_(lines)
    )
    done: Any = session.execute(statement.values(done=True), execution_options=RULE)
    return int(done.rowcount) == len(lines)


def add_up(job: m.ImportJob, file: FilePlan) -> dict[str, dict[str, int]]:
    """Return the counts of a job with those of one more piece."""
    found = {noun: dict(counts) for noun, counts in job.counts.items()}
    for noun, counts in file.counts.items():
        mine = found.setdefault(noun, {})
        for outcome, n in counts.items():
            mine[outcome] = mine.get(outcome, 0) + n
    return found


def keep(session: Session, job: m.ImportJob, problems: list[Problem]) -> None:
    """Add findings to those the check left."""
    rows = [problem_row(job, one) for one in problems]
    if rows:
        session.execute(sa.insert(m.ImportProblem.__table__), rows, execution_options=RULE)


def forget(session: Session, job: m.ImportJob) -> None:
    """Drop the lines that came in; those that failed are kept for the error workbook."""
    row, problem = m.ImportLine.__table__, m.ImportProblem.__table__
    bad = sa.select(problem.c.line).where(problem.c.job_id == job.id, problem.c.fatal)
    gone = sa.delete(row).where(row.c.job_id == job.id, row.c.line.not_in(bad))
    session.execute(gone, execution_options=RULE)
