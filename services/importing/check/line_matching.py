"""Lines of a file against those a record has: equal, changed, added; none is dropped in silence.

A line of the file that equals one of the record is that one, so a second run changes nothing. What
else becomes of it says `existing` of the mapping: merge (a line of the same product, or of the
same due date, is corrected, another one is added), add (it is added), replace (the record has the
lines of the file and no other).
"""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from models.core.line import FULL_PRICE
from models.deals.contract import Contract
from models.deals.order import MilestoneState
from models.sales.opportunity import Opportunity
from services.importing.file.plan import FileRow, Planned, Values
from services.importing.file.problems import Problem
from services.records import lines
from services.records.fields import inputs_of

# What a line of a record is told apart by.
TOLD_BY = {"lines": "product_id", "plan": "due_on", "milestones": "name"}
PRICED = (Contract, Opportunity)


@dataclasses.dataclass(slots=True)
class Meeting:
    """The lines a record is to have, and how many of the file are new or correct one."""

    rows: list[Values]
    added: int = 0
    changed: int = 0
    unclear: tuple[int, ...] = ()  # places in the file that may mean one of several lines


def meet(key: str, there: Sequence[Any], told: list[Values], mode: str) -> Meeting:
    """Return what becomes of a record's lines under those of the file."""
    rows = [_plain(line) for line in there]
    free, rest = list(range(len(rows))), []
    for n, line in enumerate(told):
        given = {k: v for k, v in line.items() if v is not None}
        same = next((i for i in free if all(rows[i].get(k) == given[k] for k in given)), None)
        if same is None:
            rest.append(n)
        else:
            free.remove(same)
    if mode == "replace":
        return Meeting([dict(line) for line in told], len(rest), len(free))
    if mode == "add":
        return Meeting(rows + [dict(told[n]) for n in rest], len(rest))
    return _merge(TOLD_BY.get(key, ""), rows, free, [(n, told[n]) for n in rest])


def _merge(by: str, rows: list[Values], free: list[int], rest: list[tuple[int, Values]]) -> Meeting:
    found, new = Meeting(rows), []
    for name in dict.fromkeys(line.get(by) for _n, line in rest):
        mine = [(n, line) for n, line in rest if line.get(by) == name]
        mates = [i for i in free if rows[i].get(by) == name]
        if len(mates) > len(mine):
            found.unclear += tuple(n for n, _line in mine)
            continue
        for i, (_n, line) in zip(mates, mine, strict=False):
            rows[i] |= {k: v for k, v in line.items() if v is not None}
        new += mine[len(mates) :]
        found.changed += len(mates)
    rows += [dict(line) for _n, line in sorted(new, key=lambda pair: pair[0])]
    found.added = len(new)
    return found


def _plain(line: Any) -> Values:
    return {key: getattr(line, key) for key in inputs_of(type(line))}


def priced(row: Values) -> Values:
    """Return a product line with what a blank quantity, price and discount mean."""
    discount = row.get("discount_bp")
    return row | {
        "quantity": row.get("quantity") or Decimal(1),
        "price": row.get("price") or 0,
        "discount_bp": FULL_PRICE if discount is None else discount,
    }


def sum_of(rows: list[Values]) -> int:
    """Return what product lines come to, in 分."""
    full = map(priced, rows)
    return sum(lines.subtotal(r["quantity"], r["price"], r["discount_bp"]) for r in full)


def check(one: Planned, day: dt.date) -> None:
    """Note on its row what is wrong with a line of the file; `day` is today."""
    for key, rows in one.lines.items():
        for row, line in zip(one.told[key], rows, strict=True):
            faults = _step(line, day) if key == "milestones" else _faults(key, line, one)
            faults = _share(line) if key == "allocations" else faults
            for field, reason in faults:
                blame(row, key, field, reason)


def _step(line: Values, day: dt.date) -> list[tuple[str, Any]]:
    """Let a day of completion mean done; return what is wrong with a step."""
    done_on = line.get("done_on")
    if line.get("state") is None and done_on is not None:
        line["state"] = MilestoneState.done
    found = [] if line.get("name") else [("name", _("请填写节点名称"))]
    if done_on is not None and done_on > day:
        found.append(("done_on", _("完成日期不能晚于今天")))
    if (line.get("state") is MilestoneState.done) != (done_on is not None):
        found.append(("done_on", _("完成的节点必须有完成日期，其他节点不能有")))
    if (line.get("weight") or 0) < 0:
        found.append(("weight", _("权重不能为负数")))
    return found


def _share(line: Values) -> list[tuple[str, Any]]:
    """Return what is wrong with a part of a payment."""
    found = [] if line.get("due_on") else [("due_on", _("请填写应收日期"))]
    return found if (line.get("amount") or 0) > 0 else [*found, ("amount", _("金额必须大于 0"))]


def _faults(key: str, line: Values, one: Planned) -> list[tuple[str, Any]]:
    if key == "plan":
        amount, ratio = line.get("amount"), line.get("ratio_bp")
        bad = (amount is None and ratio is None) or (amount or 0) < 0
        found = [("amount", _("请填写比例或金额"))] if bad else []
        return found + ([] if line.get("due_on") else [("due_on", _("请填写应收日期"))])
    found = [] if line.get("product_id") else [("product_id", _("请选择产品"))]
    if line.get("price") is not None and line["price"] < 0:
        found.append(("price", _("请填写不小于 0 的单价")))
    unpriced = line.get("price") is None and one.model is Contract
    if unpriced and one.values.get("amount"):
        found.append(("price", _("有合同金额时，产品明细须有单价")))
    return found


def blame(row: FileRow, key: str, field: str, reason: Any, code: str = "BAD_VALUE") -> None:
    """Note what is wrong with a field of the line that a row gave, unless it is told already."""
    source = row.target.lines[key].get(field)
    column = source.columns[0] if source is not None and source.columns else field
    if column not in {problem.column for problem in row.problems if problem.fatal}:
        row.problems.append(Problem(row.line, column, "", code, reason))
