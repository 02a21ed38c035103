"""What became of every row: nothing that was read is dropped in silence, and the counts add up."""

import collections
from collections.abc import Iterable

from flask_babel import lazy_gettext as _

from services.importing.plan import FilePlan, Planned
from services.importing.problems import Problem
from services.importing.waves import TIED, backwards, freed, pointed_at


def spread(records: list[Planned]) -> None:
    """Let records fail that point at new ones which fail, or at each other in a circle."""
    waiting = backwards({one: pointed_at(one) for one in records})
    failed = [one for one in records if one.outcome == "failed"]
    while failed:
        bad = failed.pop()
        for one in waiting[bad] if bad.id is None else ():
            if one.outcome != "failed":
                reason = _("它所指的第 %(line)s 行不能导入", line=bad.line)
                _lean(one, bad, "NOT_FOUND", reason)
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
    left = {}
    for one in records:
        if one.outcome == "created":
            tied = one.values.get(TIED.get(one.model, ""))
            left[one] = {n for n in pointed_at(one) if n.outcome == "created" and n is not tied}
    free = set(freed(left))
    return [one for one in left if one not in free]


def still_wanted(made: list[Planned], good: Iterable[Planned]) -> list[Planned]:
    """Return the records made of a name that a row which comes in mentions."""
    wanted = {other for one in good for other in pointed_at(one)}
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
    for place, file in enumerate(files):
        for noun in dict.fromkeys(target.noun for target in file.map.targets):
            _count(file, noun, "skipped", len(file.sheet.skipped))
        file.problems += sorted(found[place], key=lambda problem: problem.line)


def _count(file: FilePlan, noun: str, outcome: str, n: int = 1) -> None:
    if n:
        file.count(noun, "rows", n)
        file.count(noun, outcome, n)


def _keep_together(one: Planned) -> None:
    """Keep all rows of a record out, not only the bad one: a part of its lines is no record."""
    bad = next((row for row in one.rows if row.failed), one.rows[0])
    for row in one.rows:
        if row is not bad and not row.failed:
            reason = _("与第 %(line)s 行同属一条记录，该行有误", line=bad.line)
            row.blame(row.keys[0][1] if row.keys else "", "TOGETHER", reason)
