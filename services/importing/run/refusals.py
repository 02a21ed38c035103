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

    def put(self, one: Planned, problem: Exception) -> None:
        """Leave a record out."""
        self._put(one, problem if isinstance(problem, Refused) else _("与已有的记录冲突"))

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

    def problems(self, place: int) -> list[Problem]:
        """Return what was refused of a file."""
        return self.found[place]

    def _put(self, one: Planned, reason: Any, code: str = "REFUSED") -> None:
        self.lost.add(one)
        was = one.outcome
        for row in one.rows:
            counts = self.plan.files[row.file].counts[one.target.noun]
            counts[row.outcome or was] -= 1
            counts["failed"] += 1
            self.found[row.file].append(Problem(row.line, "", "", code, str(reason)))
        for place, lines in one.again.items():
            counts = self.plan.files[place].counts[one.target.noun]
            counts["repeated"] -= len(lines)
            counts["failed"] += len(lines)
            self.found[place] += [Problem(line, "", "", code, str(reason)) for line in lines]
        self._move(one, was)

    def _move(self, one: Planned, was: str) -> None:
        """Let the numbers of its rows count as failed."""
        for place in {row.file for row in one.rows}:
            file = self.plan.files[place]
            lines = {row.line for row in one.rows if row.file == place}
            rows = [row for row in file.sheet.rows if row[0] in lines]
            known, file.sums = file.sums, {}
            told = []
            for outcome in (was, "failed"):
                one.outcome = outcome
                totals.add_up(file, rows, [one], (place, {one.target.noun}))
                told.append(file.sums)
                file.sums = {}
            file.sums = known
            for (noun, column), sums in told[1].items():
                more = {part: str(n - told[0][noun, column][part]) for part, n in sums.items()}
                kept = {part: n for part, n in more.items() if Decimal(n)}
                file.totals = totals.add(file.totals, {noun: {column: kept}})
