"""Findings of a job: what the check found, what a run refused, what an undo left."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.importing.import_job import ImportJob, ImportProblem
from services.importing.file.problems import Problem

RULE = {"rule": "import"}


def stored(job: ImportJob, one: Problem) -> dict[str, Any]:
    """Return a finding as it is stored."""
    return {
        "job_id": job.id,
        "line": one.line,
        "column": one.column[:80],
        "value": one.value.replace("\x00", "")[:200],
        "code": one.code,
        "fatal": one.fatal,
        "reason": str(one.reason)[:300],
        "advice": one.advice[:300],
    }


def keep(session: Session, job: ImportJob, problems: list[Problem]) -> None:
    """Add findings to those the check left."""
    rows = [stored(job, one) for one in problems]
    if rows:
        session.execute(sa.insert(ImportProblem.__table__), rows, execution_options=RULE)


def keep_new(session: Session, job: ImportJob, problems: list[Problem]) -> None:
    """Add the findings that nobody told of yet: what changed since the check."""
    table = ImportProblem.__table__
    told = sa.select(table.c.line, table.c.column, table.c.code).where(table.c.job_id == job.id)
    known = {tuple(row) for row in session.execute(told.where(table.c.fatal))}
    keep(session, job, [p for p in problems if (p.line, p.column[:80], p.code) not in known])
