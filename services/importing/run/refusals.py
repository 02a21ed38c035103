"""Records that a partial run leaves out while it writes: told, and counted as failed."""

import collections
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from services.core.errors import Refused
from services.importing.file import totals
from services.importing.file.plan import Plan, Planned
from services.importing.file.problems import Problem
from services.importing.file.write_order import pointed_at


class Refusals:
    """What the database or a rule refused of a checked plan, and what leans on that."""

    def __init__(self, plan: Plan) -> None:
        """Begin with nothing refused."""
        self.plan, self.lost = plan, set[Planned]()
        self.found: dict[int, list[Problem]] = collections.defaultdict(list)
        self.moved: list[tuple[Planned, str]] = []  # with what was told of each before
        self.out = collections.Counter[int]()  # file → records its job does not write

    def put(self, one: Planned, problem: Exception) -> None:
        """Leave a record out."""
        self._put(one, problem if isinstance(problem, Refused) else _("与已有的记录冲突"))

    def fall(self, one: Planned) -> None:
        """Leave a record out that was sound when it was checked: its rows say why it is not now."""
        bad = next(row for row in one.rows if row.failed)
        self._put(one, _("与第 %(line)s 行同属一条记录，该行有误", line=bad.line), "TOGETHER")

    def without(self, records: list[Planned]) -> list[Planned]:
        """Return records without those that point at what was left out."""
        if not self.lost:
            return records
        left = []
        for one in records:
            other = next((n for n in pointed_at(one) if n in self.lost and n.id is None), None)
            if other is None:
                left.append(one)
            else:
                self._put(one, _("所引用的第 %(line)s 行不能导入", line=other.line), "TOGETHER")
        return left

    def close(self) -> None:
        """Tell of everything that was left out, and let its numbers count as failed."""
        for place, file in enumerate(self.plan.files):
            file.problems += self.found[place]
            self._count(place)

    def problems(self, place: int) -> list[Problem]:
        """Return what was refused of a file."""
        return self.found[place]

    def _put(self, one: Planned, reason: Any, code: str = "REFUSED") -> None:
        self.lost.add(one)
        self.moved.append((one, one.outcome))
        if one.outcome != "unchanged":
            self.out[one.file] += 1
        for row in one.rows:
            counts = self.plan.files[row.file].counts[one.target.noun]
            counts[row.outcome or one.outcome] -= 1
            counts["failed"] += 1
            own = [problem for problem in row.problems if problem.fatal]
            self.found[row.file] += own or [Problem(row.line, "", "", code, str(reason))]
        for place, lines in one.again.items():
            counts = self.plan.files[place].counts[one.target.noun]
            counts["repeated"] -= len(lines)
            counts["failed"] += len(lines)
            self.found[place] += [Problem(line, "", "", code, str(reason)) for line in lines]

    def _count(self, place: int) -> None:
        """Let the numbers of all rows of a file that were left out count as failed, in one pass."""
        mine = [(one, was) for one, was in self.moved if any(r.file == place for r in one.rows)]
        if not mine:
            return
        file, records = self.plan.files[place], [one for one, _was in mine]
        lines = {row.line for one in records for row in one.rows if row.file == place}
        rows = [row for row in file.sheet.rows if row[0] in lines]
        nouns = {one.target.noun for one in records}
        known, told = file.sums, []
        for failed in (False, True):
            for one, was in mine:
                one.outcome = "failed" if failed else was
            file.sums = {}
            totals.add_up(file, rows, records, (place, nouns))
            told.append(file.sums)
        file.sums = known
        for (noun, column), sums in told[1].items():
            more = {part: str(n - told[0][noun, column][part]) for part, n in sums.items()}
            kept = {part: n for part, n in more.items() if Decimal(n)}
            file.totals = totals.add(file.totals, {noun: {column: kept}})
