"""What a check found, by cause: one line a cause with count and examples, one a strange word."""

import dataclasses
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.importing.import_job import ImportJob, ImportProblem

EXAMPLES, CAUSES, WORDS, LOOKED = 3, 60, 60, 30
# What a word of a column may be wrong by: another one can be chosen for it.
WORDED = ("BAD_VALUE", "NOT_FOUND")
TOGETHER = frozenset({"NOT_MAPPED", "IGNORED", "COMPUTED"})  # one line for all columns


@dataclasses.dataclass(slots=True)
class Cause:
    """What is wrong in the same way: the columns, how many rows, examples with their lines."""

    code: str
    columns: list[str]
    fatal: bool
    rows: int
    first: list[tuple[list[int], ImportProblem]]

    @property
    def worded(self) -> bool:
        """Tell whether the words themselves are asked for in the page."""
        return self.fatal and self.code in WORDED

    @property
    def advice(self) -> str:
        """Return what to do about it."""
        return self.first[0][1].advice if self.first else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """A text of a column that means nothing yet, with its number of rows."""

    column: str
    text: str
    rows: int
    reason: str


def causes(session: Session, job: ImportJob) -> list[Cause]:
    """Return what was found, what keeps rows out first, the commonest first."""
    problem = ImportProblem
    alike = (problem.fatal, problem.code, problem.column)
    rows = sa.func.count(sa.distinct(problem.line))
    query = (
        sa.select(*alike, rows, sa.func.max(problem.line))
        .where(problem.job_id == job.id)
        .group_by(*alike)
        .order_by(problem.fatal.desc(), rows.desc(), problem.code, problem.column)
        .limit(CAUSES)
    )
    found: list[Cause] = []
    for fatal, code, column, n, last in session.execute(query):
        same = next((one for one in found if one.code == code and code in TOGETHER), None)
        if same is not None:
            same.columns.append(column)
            continue
        first = (
            sa.select(problem)
            .where(problem.job_id == job.id, problem.fatal == fatal)
            .where(problem.code == code, problem.column == column)
            .order_by(problem.id)
            .limit(LOOKED)
        )
        examples = _examples(session.scalars(first))
        found.append(Cause(code, [column] if column else [], fatal, n if last else 0, examples))
    return found


def _examples(rows: Iterable[ImportProblem]) -> list[tuple[list[int], ImportProblem]]:
    """Return the first findings that read differently, each with its first lines."""
    found: dict[str, tuple[list[int], ImportProblem]] = {}
    for one in rows:
        lines, _first = found.setdefault(one.reason, ([], one))
        if one.line and one.line not in lines and len(lines) < EXAMPLES:
            lines.append(one.line)
    return list(found.values())[:EXAMPLES]


def words(session: Session, job: ImportJob) -> list[Word]:
    """Return the texts that mean nothing in their column, the commonest first."""
    problem = ImportProblem
    rows = sa.func.count(sa.distinct(problem.line))
    query = (
        sa.select(problem.column, problem.value, rows, sa.func.min(problem.reason))
        .where(problem.job_id == job.id, problem.fatal, problem.code.in_(WORDED))
        .where(problem.value != "", problem.column.in_(job.options["head"]))
        .group_by(problem.column, problem.value)
        .order_by(rows.desc(), problem.column, problem.value)
        .limit(WORDS)
    )
    return [Word(*row) for row in session.execute(query)]


def fatal_count(session: Session, job: ImportJob) -> int:
    """Return how many findings keep rows out."""
    problem = ImportProblem
    query = sa.select(sa.func.count(problem.id)).where(problem.job_id == job.id, problem.fatal)
    return int(session.execute(query).scalar_one())


def blank_columns(session: Session, job: ImportJob) -> set[str]:
    """Return the columns (or captions of fields) that rows leave blank though they must not."""
    problem = ImportProblem
    query = sa.select(problem.column).where(problem.job_id == job.id, problem.code == "REQUIRED")
    return {str(column) for column in session.scalars(query.distinct())}
