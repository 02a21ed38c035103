"""What 回款汇总表 adds up: instalments due in the period, and payments that came in in it."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import Select

from dashboards.core import filters
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import CONTRACT, CUSTOMER, PAYMENT, PLAN_LINE, openable, removed
from dashboards.core.sql import MonthOf, count_if, total
from dashboards.summaries import instalments
from services.query.portable import DaysBetween
from services.rights.actor import Actor

BIG = sa.BigInteger()
SUMS = ("due", "settled", "open", "overdue", "weight", "paid_days", "surplus", "cash")
AGES = (("1–30", 1, 30), ("31–60", 31, 60), ("61–90", 61, 90), ("91–180", 91, 180))
FIRST, LAST = dt.date(1990, 1, 1), dt.date(2099, 12, 31)


def _measured(line: Any, query: CockpitQuery) -> dict[str, Any]:
    """Return what an instalment adds to each measure."""
    today = sa.literal(query.today, sa.Date)
    rest = line.c.amount - line.c.settled
    late = sa.and_(line.c.due_on < today, rest > 0)
    return {
        "lines": sa.cast(1, BIG),
        "due": line.c.amount,
        "settled": line.c.settled,
        "open": rest,
        "overdue": sa.case((late, rest), else_=0),
        "late": sa.case((late, 1), else_=0),
        "longest": sa.case((late, DaysBetween(today, line.c.due_on)), else_=0),
        "weight": line.c.weight,
        "paid_days": line.c.paid_days,
        "surplus": line.c.surplus,
        "cash": sa.cast(0, BIG),
    }


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
        .select_from(CONTRACT.join(CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id))
        .where(*_where(actor, query, "contract"), *due(CONTRACT.c.signed_on))
    )
    return sa.union(planned, made_up).cte("chosen")


def lines(actor: Actor, query: CockpitQuery, *, all_time: bool = False) -> Select[Any]:
    """Return the instalments due in the period (or ever) with their measures, amounts in 分.

    Ever means all that is open: when it was paid is not told then.
    """
    chosen = _chosen(actor, query, all_time=all_time)
    line = instalments.settled_lines(query, chosen, timed=not all_time)
    found = (
        sa.select(
            line.c.line_id,
            line.c.contract_id,
            line.c.ordinal,
            line.c.due_on,
            CONTRACT.c.customer_id,
            MonthOf(line.c.due_on).label("month"),
            line.c.owner_id,
            line.c.owner_department_id.label("department_id"),
            *(value.label(key) for key, value in _measured(line, query).items()),
        )
        .select_from(instalments.joined(line))
        .where(*_where(actor, query, instalments.stamp(line), line.c.contract_id))
    )
    if all_time:
        return found
    return found.where(*_only(line, query), filters.days(line.c.due_on, query.period))


def _only(line: Any, query: CockpitQuery) -> filters.Where:
    """Return what the instalments are cut down to; payments are none of them."""
    rest = line.c.amount - line.c.settled
    clauses = {
        "owing": rest > 0,
        "overdue": sa.and_(rest > 0, line.c.due_on < query.today),
        "surplus": line.c.surplus > 0,
    }
    return [clause for flag, clause in clauses.items() if flag in filters.only(query)]


def _cash(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the payments of the period in the shape of `lines`."""
    zeros = {key: sa.cast(0, BIG) for key in ("lines", *SUMS[:-1], "late", "longest")}
    order = ("lines", "due", "settled", "open", "overdue", "late", "longest", "weight")
    keys = (*order, "paid_days", "surplus")
    return (
        sa.select(
            sa.cast(sa.null(), BIG).label("line_id"),
            PAYMENT.c.contract_id,
            sa.cast(sa.null(), sa.Integer).label("ordinal"),
            PAYMENT.c.paid_on.label("due_on"),
            CONTRACT.c.customer_id,
            MonthOf(PAYMENT.c.paid_on).label("month"),
            PAYMENT.c.owner_id,
            PAYMENT.c.owner_department_id.label("department_id"),
            *(zeros[key].label(key) for key in keys),
            PAYMENT.c.amount.label("cash"),
        )
        .select_from(
            PAYMENT.join(CONTRACT, CONTRACT.c.id == PAYMENT.c.contract_id).join(
                CUSTOMER, CUSTOMER.c.id == PAYMENT.c.customer_id
            )
        )
        .where(*_paid(actor, query))
    )


def _paid(actor: Actor, query: CockpitQuery) -> filters.Where:
    return [
        *filters.confirmed(query),
        filters.days(PAYMENT.c.paid_on, query.period),
        *filters.in_force(),
        *_where(actor, query, "payment", PAYMENT.c.contract_id),
    ]


def payments(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the payments that came in in the period one by one, amounts in 分."""
    return (
        sa.select(
            PAYMENT.c.id.label("payment_id"),
            *PAYMENT.c["code", "paid_on", "contract_id", "customer_id", "owner_id"],
            PAYMENT.c.amount.label("cash"),
            CONTRACT.c.code.label("contract"),
            CUSTOMER.c.company,
            openable(actor, CUSTOMER.c.id).label("opened"),
            removed(actor).label("removed"),
        )
        .select_from(
            PAYMENT.join(CONTRACT, CONTRACT.c.id == PAYMENT.c.contract_id).join(
                CUSTOMER, CUSTOMER.c.id == PAYMENT.c.customer_id
            )
        )
        .where(*_paid(actor, query))
    )


def other_totals(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the totals that a grain of instalments, or of payments, does not hold."""
    if query.by == "payment":
        due = _sums(lines(actor, query).subquery("fact"))
        return sa.select(*(one for one in due if one.name != "cash"))
    came = _cash(actor, query).subquery("fact")
    return sa.select(total(came.c.cash).label("cash"))


def _sums(fact: Any) -> list[Any]:
    return [
        total(fact.c.lines).label("lines"),
        *(total(fact.c[key]).label(key) for key in SUMS),
        total(fact.c.late).label("overdue_lines"),
        sa.func.coalesce(sa.func.max(fact.c.longest), 0).label("longest"),
    ]


def _grouped(actor: Actor, query: CockpitQuery) -> Any:
    """Return instalments and cash added up by the keys of the grain."""
    parts = lines(actor, query)
    fact = (parts if query.by == "plan" else sa.union_all(parts, _cash(actor, query))).subquery(
        "fact"
    )
    keys = {
        "month": ("month", "owner_id"),
        "plan": ("line_id", "contract_id", "customer_id", "ordinal", "due_on", "owner_id"),
        "contract": ("contract_id", "customer_id"),
    }.get(query.by, (f"{query.by}_id",))
    columns_ = [fact.c[key] for key in keys]
    return sa.select(*columns_, *_sums(fact)).group_by(*columns_)


def named(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return the grouped rows with the names of customer and contract where the grain has them."""
    grouped: Select[Any] = _grouped(actor, query)
    if query.by not in {"customer", "contract", "plan"}:
        return grouped
    row = grouped.subquery("grouped")
    source = row.join(CUSTOMER, CUSTOMER.c.id == row.c.customer_id)
    extra: list[Any] = [
        CUSTOMER.c.company,
        openable(actor, CUSTOMER.c.id).label("opened"),
        removed(actor).label("removed"),
    ]
    if query.by == "customer":
        extra.append(CUSTOMER.c.code)
    else:
        source = source.join(CONTRACT, CONTRACT.c.id == row.c.contract_id)
        extra += [CONTRACT.c.code, CONTRACT.c.name]
    return sa.select(row, *extra).select_from(source)


def ageing(actor: Actor, query: CockpitQuery) -> Select[Any]:
    """Return what is open by days overdue, over all open instalments: one row of sums in 分.

    What the rows of the page are cut down to does not narrow it: it tells all that is open.
    """
    line = lines(actor, query.without("only"), all_time=True).subquery("line")
    late = line.c.longest

    def between(low: int, high: int | None) -> Any:
        inside = late >= low if high is None else sa.and_(late >= low, late <= high)
        return total(sa.case((inside, line.c.open), else_=0))

    return sa.select(
        total(line.c.open).label("open"),
        between(0, 0).label("not_due"),
        *(between(low, high).label(name) for name, low, high in AGES),
        between(181, None).label(">180"),
        total(line.c.overdue).label("overdue"),
        count_if(late > 0).label("overdue_lines"),
        sa.func.coalesce(sa.func.max(late), 0).label("longest"),
    )
