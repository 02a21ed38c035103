"""Instalments of contracts in force by the day they are due; `ageing` tells all that is open."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import Select

from dashboards.core import filters
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, PLAN_LINE
from dashboards.core.sql import total
from dashboards.measures import contracts, instalments
from dashboards.measures.declared import Fact, Key, Measure, Relation
from dashboards.measures.dimensions import COMMON
from services.query.portable import DaysBetween
from services.rights.actor import Actor

ROWS = "collections?by=plan"
AGES = (("1–30", 1, 30), ("31–60", 31, 60), ("61–90", 61, 90), ("91–180", 91, 180))
FIRST, LAST = dt.date(1990, 1, 1), dt.date(2099, 12, 31)


def _where(
    actor: Actor, query: CockpitQuery, stamp: Any, contract: Any = CONTRACT.c.id
) -> filters.Where:
    """Return scope and filters of rows with this stamp that name their contract in a column."""
    return [
        *filters.narrow(actor, query, stamp),
        *filters.of_contract(query, contract),
        *filters.search(actor, query, CONTRACT.c.name, code=CONTRACT.c.code),
    ]


def _chosen(actor: Actor, query: CockpitQuery, *, all_time: bool) -> Any:
    """Return the contracts an instalment of which may count: only these have to be settled."""

    def due(column: Any) -> filters.Where:
        return [] if all_time else [filters.days(column, query.period)]

    planned = (
        sa.select(PLAN_LINE.c.contract_id)
        .select_from(instalments.joined(PLAN_LINE))
        .where(
            *_where(actor, query, "plan_line", PLAN_LINE.c.contract_id), *due(PLAN_LINE.c.due_on)
        )
    )
    made_up = (
        sa.select(CONTRACT.c.id)
        .select_from(contracts.SIGNED)
        .where(*_where(actor, query, "contract"), *due(CONTRACT.c.signed_on))
    )
    return sa.union(planned, made_up).cte()


def _relation(actor: Actor, query: CockpitQuery, *, all_time: bool) -> Relation:
    """Return the instalments due in the period (or ever)."""
    chosen = _chosen(actor, query, all_time=all_time)
    line = instalments.settled_lines(query, chosen, None if all_time else query.period)
    where = _where(actor, query, instalments.stamp(line), line.c.contract_id)
    if not all_time:
        where += [*_only(line, query), filters.days(line.c.due_on, query.period)]
    return Relation(
        instalments.joined(line),
        where,
        instalments.stamp(line),
        line.c.due_on,
        {"line": line, "today": sa.literal(query.today, sa.Date)},
    )


def _rows(actor: Actor, query: CockpitQuery, _keys: frozenset[Key]) -> Relation:
    return _relation(actor, query, all_time=False)


def _only(line: Any, query: CockpitQuery) -> filters.Where:
    """Return what the instalments are cut down to; payments are none of them."""
    rest = line.c.amount - line.c.settled
    clauses = {
        "owing": rest > 0,
        "overdue": sa.and_(rest > 0, line.c.due_on < query.today),
        "surplus": line.c.surplus > 0,
    }
    return [clause for flag, clause in clauses.items() if flag in filters.only(query)]


LINES = Fact(
    "lines",
    _("生效合同的回款计划期次；没有计划的合同为一期，签订日到期"),
    _("期次的销售员"),
    _("应收日期"),
    _rows,
    COMMON | {"contract"},
    ahead=lambda _query: True,
)


def line(name: str) -> Key:
    """Return a column of the instalment."""
    return lambda r: r.row["line"].c[name]


def _rest(relation: Relation) -> Any:
    return relation.row["line"].c.amount - relation.row["line"].c.settled


def _late(relation: Relation) -> Any:
    return sa.and_(relation.day < relation.row["today"], _rest(relation) > 0)


def _if_late(value: Key) -> Key:
    return lambda r: sa.case((_late(r), value(r)), else_=0)


def _money(key: str, caption: Any, help_: Any, value: Key, **more: Any) -> Measure:
    return Measure(key, caption, "money", help_, LINES, value, **{"drill": ROWS} | more)


COUNT = Measure("lines", _("应收笔数"), "int", _("期内到期的期次"), LINES, lambda _r: 1, drill=ROWS)
DUE = _money("due", _("应收"), _("期内到期的回款计划金额"), line("amount"))
SETTLED = _money(
    "settled", _("已收"), _("截至统计时间分摊到这些期次的回款，每期不超过应收"), line("settled")
)
OPEN = _money("open", _("未收"), _("应收 − 已收"), _rest, drill=f"{ROWS}&only=owing")
RATE = Measure(
    "due_rate",
    _("计划回款率"),
    "ratio",
    _("已收 ÷ 应收"),
    of=(SETTLED, DUE),
    drill=ROWS,
    name="rate",
)
OVERDUE = _money(
    "overdue",
    _("逾期金额"),
    _("应收日期早于今天且未收齐的部分；今天到期不算"),
    _if_late(_rest),
    drill=f"{ROWS}&only=overdue",
)
OVERDUE_LINES = Measure(
    "overdue_lines",
    _("逾期笔数"),
    fact=LINES,
    value=_if_late(lambda _r: 1),
    drill=f"{ROWS}&only=overdue",
)
OVERDUE_RATE = Measure(
    "overdue_rate", _("逾期率"), "ratio", _("逾期金额 ÷ 应收"), of=(OVERDUE, DUE), drill=ROWS
)
LONGEST = Measure(
    "longest",
    _("最长逾期（天）"),
    "days",
    fact=LINES,
    value=_if_late(lambda r: DaysBetween(r.row["today"], r.day)),
    how="max",
    drill=f"{ROWS}&only=overdue",
)
PAID_DAYS = Measure("paid_days", fact=LINES, value=line("paid_days"))
WEIGHT = Measure("weight", fact=LINES, value=line("weight"))
MEAN_DAYS = Measure(
    "mean_days",
    _("平均回款天数"),
    "mean",
    _("Σ（回款金额 ×（回款日 − 应收日））÷ Σ 回款金额；负数表示提前"),
    of=(PAID_DAYS, WEIGHT),
    drill=ROWS,
)
SURPLUS = _money(
    "surplus",
    _("未分摊"),
    _("合同收到的、没有分到任何一期的部分：预收或多收"),
    line("surplus"),
    drill=f"{ROWS}&only=surplus",
)
MEASURES = (
    COUNT, DUE, SETTLED, OPEN, RATE, OVERDUE, OVERDUE_LINES, OVERDUE_RATE, LONGEST, MEAN_DAYS,
    SURPLUS,
)  # fmt: skip


def ageing(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return what is open by days overdue, over all open instalments: one row of sums in 分.

    What the rows of the page are cut down to does not narrow it: it tells all that is open.
    """
    found = _relation(actor, query.without("only"), all_time=True)
    late = _if_late(lambda r: DaysBetween(r.row["today"], r.day))(found)

    def between(low: int, high: int | None) -> Any:
        inside = late >= low if high is None else sa.and_(late >= low, late <= high)
        return total(sa.case((inside, _rest(found)), else_=0))

    known = {"open": OPEN, "overdue": OVERDUE, "overdue_lines": OVERDUE_LINES, "longest": LONGEST}
    return (
        sa.select(
            *(one.aggregate(found).label(name) for name, one in known.items()),
            between(0, 0).label("not_due"),
            *(between(low, high).label(name) for name, low, high in AGES),
            between(181, None).label(">180"),
        )
        .select_from(found.source)
        .where(*found.where)
    )
