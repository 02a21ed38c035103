"""What became of every row: nothing that was read is dropped in silence, and the counts add up."""

import collections
from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.importing.import_job import ImportJob, ImportState
from services.core.days import ZONE
from services.importing.file import totals
from services.importing.file.plan import EXAMPLES, FilePlan, FileRow, Planned
from services.importing.file.problems import Problem
from services.importing.file.write_order import TIED, backwards, freed, pointed_at
from services.importing.mapping.declared import MODELS
from services.records.fields import inputs_of

Gap = tuple[int, str, tuple[str, ...]]  # place of a file, entity, fields that are lacking


def spread(records: list[Planned]) -> None:
    """Let records fail that point at new ones which fail, or at each other in a circle."""
    waiting = backwards({one: pointed_at(one) for one in records})
    failed = [one for one in records if one.outcome == "failed"]
    while failed:
        bad = failed.pop()
        for one in waiting[bad] if bad.id is None else ():
            if one.outcome != "failed":
                reason = _("所引用的第 %(line)s 行不能导入", line=bad.line)
                _lean(one, bad, "TOGETHER", reason)
                failed.append(one)
    stuck = _circle(records)
    for one in stuck:
        other = min(pointed_at(one) & set(stuck), key=lambda n: n.line)
        _lean(one, other, "CIRCLE", _("与第 %(line)s 行互相引用", line=other.line))


def _lean(one: Planned, other: Planned, code: str, reason: object) -> None:
    """Note on the row that names another record why it cannot come in."""
    key = next((key for key, value in one.values.items() if value is other), "")
    one.blame(key, code, reason)
    one.outcome = "failed"


def _circle(records: list[Planned]) -> list[Planned]:
    """Return new records that wait for each other; a department and its head are no circle."""
    left, mine = {}, set(records)
    for one in records:
        if one.outcome == "created" and one.id is None:
            tied = one.values.get(TIED.get(one.model, ""))
            new = {n for n in pointed_at(one) if n.outcome == "created" and n.id is None}
            new &= mine
            left[one] = new - {tied}
    free = set(freed(left))
    return [one for one in left if one not in free]


def still_wanted(
    made: list[Planned], good: Iterable[Planned], more: Collection[Planned] = ()
) -> list[Planned]:
    """Return the records made of a name that a row which comes in mentions, `more` among them."""
    wanted = {other for one in good for other in pointed_at(one)}.union(more)
    return [one for one in made if one in wanted]


def tell(records: list[Planned], files: list[FilePlan]) -> None:
    """Give every row its outcome, count it, and put its findings into its file."""
    found: dict[int, list[Problem]] = collections.defaultdict(list)
    for one in records:
        if one.outcome == "failed":
            _keep_together(one)
        for row in one.rows:
            row.outcome = "failed" if one.outcome == "failed" else row.outcome or one.outcome
            _count(files[row.file], one.target.noun, row.outcome)
            found[row.file] += row.problems
        for place, lines in one.again.items():
            outcome = "failed" if one.outcome == "failed" else "repeated"
            _count(files[place], one.target.noun, outcome, len(lines))
    for place, file in enumerate(files):
        file.problems += sorted(found[place], key=lambda problem: problem.line)


def tell_gaps(gaps: Mapping[Gap, int], files: list[FilePlan]) -> None:
    """Tell in one line each what is lacking, with its number of rows."""
    for (place, noun, keys), n in gaps.items():
        known = inputs_of(MODELS[noun])
        names = "、".join(str(known[key].facts.caption) for key in keys)
        reason = _("缺少%(names)s，共 %(n)s 行，标为资料不全", names=names, n=n)
        files[place].problems.append(Problem(0, "", "", "INCOMPLETE", reason, fatal=False))


def tell_again(session: Session, files: list[FilePlan]) -> None:
    """Tell that the same file is in already where records would be made of it once more."""
    job = ImportJob.__table__
    for file in files:
        made = {noun: found["created"] for noun, found in file.counts.items() if found["created"]}
        query = (
            sa.select(job.c.id, job.c.at, job.c.counts)
            .where(job.c.digest == file.digest, job.c.state == ImportState.done)
            .order_by(job.c.id.desc())
            .limit(EXAMPLES)
        )
        for key, at, counts in session.execute(query) if made else ():
            n = sum(k for noun, k in made.items() if counts.get(noun, {}).get("created"))
            if n:
                day = f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"
                reason = _(
                    "同一个文件已于 %(at)s 导入（导入记录 %(key)s），这次会再新建 %(n)s 条",
                    at=day,
                    key=key,
                    n=n,
                )
                file.problems.append(Problem(0, "", "", "SAME_FILE", reason, fatal=False))
                break


def tell_skipped(files: list[FilePlan]) -> None:
    """Count the rows that go into no record of an entity."""
    for file in files:
        for noun in dict.fromkeys(target.noun for target in file.map.targets):
            _count(file, noun, "skipped", len(file.sheet.skipped) + _left(file, noun))


def _left(file: FilePlan, noun: str) -> int:
    """Return how many rows the mapping leaves out of every part that feeds an entity."""
    parts = zip(file.map.targets, file.left, strict=False)
    mine = [left for target, left in parts if target.noun == noun]
    return len(set.intersection(*mine)) if mine else 0


def tell_left(file: FilePlan) -> None:
    """Tell of the rows that go into no record at all, with what their numbers add up to."""
    left = sorted(set.intersection(*file.left)) if file.left else []
    if left:
        sums = totals.of_lines(file, set(left))
        told = "，".join(f"{column} Σ {amount}" for column, amount in sums.items())
        lines = "、".join(str(line) for line in left[:EXAMPLES])
        reason = _(
            "按列对应跳过 %(n)s 行（第 %(lines)s 行等） %(sums)s",
            n=len(left),
            lines=lines,
            sums=told,
        )
        file.problems.append(Problem(0, "", "", "SKIPPED", reason, fatal=False))


def _count(file: FilePlan, noun: str, outcome: str, n: int = 1) -> None:
    if n:
        file.count(noun, "rows", n)
        file.count(noun, outcome, n)


def _keep_together(one: Planned) -> None:
    """Keep all rows of a record out, not only the bad one: a part of its lines is no record."""
    bad = next((row for row in one.rows if row.failed), one.rows[0])
    one.rows += [FileRow(one.target, n, line) for n, lines in one.again.items() for line in lines]
    one.again = {}
    for row in one.rows:
        if row is not bad and not row.failed:
            reason = _("与第 %(line)s 行同属一条记录，该行有误", line=bad.line)
            row.blame(row.keys[0][1] if row.keys else "", "TOGETHER", reason)
