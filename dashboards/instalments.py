"""What of each instalment is settled.

Allocations come first, money without a line then fills the oldest lines first; a refund without a
line empties the newest.

One row an instalment of a contract in force. A contract without a plan has one line, due on
signing, whose `line_id` is the contract's key negated. Payments count up to the day of `as_of`.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from dashboards import filters
from dashboards.query import CockpitQuery
from dashboards.scope import ALLOCATION, CONTRACT, CUSTOMER, PAYMENT, PLAN_LINE, Stamp
from dashboards.sql import DaysBetween, clamp, positive
from services.money import total, whole

ALL_BEFORE = (None, -1)  # ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
UP_TO_HERE = (None, 0)


def plan_lines() -> Any:
    """Return the lines of contracts in force, made up where a contract has no plan."""
    planned = (
        sa.select(
            PLAN_LINE.c.id.label("line_id"),
            PLAN_LINE.c.contract_id,
            PLAN_LINE.c.ordinal,
            PLAN_LINE.c.amount,
            PLAN_LINE.c.due_on,
            PLAN_LINE.c.owner_id,
            PLAN_LINE.c.owner_department_id,
        )
        .select_from(PLAN_LINE.join(CONTRACT, CONTRACT.c.id == PLAN_LINE.c.contract_id))
        .where(*filters.in_force())
    )
    known = sa.select(PLAN_LINE.alias().c.contract_id)
    without = sa.select(
        (-CONTRACT.c.id).label("line_id"),
        CONTRACT.c.id.label("contract_id"),
        sa.literal(1).label("ordinal"),
        whole(CONTRACT.c.amount).label("amount"),
        CONTRACT.c.signed_on.label("due_on"),
        CONTRACT.c.signer_id.label("owner_id"),
        CONTRACT.c.signer_department_id.label("owner_department_id"),
    ).where(*filters.in_force(), CONTRACT.c.id.not_in(known))
    return sa.union_all(planned, without).cte("plan_lines")


def _money(query: CockpitQuery) -> Any:
    """Return each counted payment with what of it has no line."""
    spread = (
        sa.select(ALLOCATION.c.payment_id, total(ALLOCATION.c.amount).label("amount"))
        .group_by(ALLOCATION.c.payment_id)
        .subquery("spread")
    )
    rest = whole(PAYMENT.c.amount) - whole(spread.c.amount)
    return (
        sa.select(
            PAYMENT.c.id,
            PAYMENT.c.contract_id,
            PAYMENT.c.amount,
            PAYMENT.c.paid_on,
            rest.label("rest"),
        )
        .select_from(PAYMENT.outerjoin(spread, spread.c.payment_id == PAYMENT.c.id))
        .where(*filters.confirmed(query))
        .cte("money")
    )


def _opened(query: CockpitQuery, money: Any) -> Any:
    """Return the lines with what allocations settle and the contract's money without a line."""
    line = plan_lines()
    allocated = (
        sa.select(ALLOCATION.c.plan_id, total(ALLOCATION.c.amount).label("amount"))
        .join_from(ALLOCATION, money, money.c.id == ALLOCATION.c.payment_id)
        .group_by(ALLOCATION.c.plan_id)
        .subquery("allocated")
    )
    pool = (
        sa.select(
            money.c.contract_id,
            total(money.c.rest).label("free"),
            total(money.c.amount).label("paid"),
        )
        .group_by(money.c.contract_id)
        .subquery("pool")
    )
    del query
    return (
        sa.select(
            line,
            clamp(whole(allocated.c.amount), line.c.amount).label("direct"),
            whole(pool.c.free).label("free"),
            whole(pool.c.paid).label("paid"),
        )
        .select_from(
            line.outerjoin(allocated, allocated.c.plan_id == line.c.line_id).outerjoin(
                pool, pool.c.contract_id == line.c.contract_id
            )
        )
        .cte("opened")
    )


def _queued(opened: Any) -> Any:
    """Return the lines with the room before them (oldest first) and the money behind them."""
    oldest = {"partition_by": opened.c.contract_id, "order_by": [opened.c.due_on, opened.c.line_id]}
    newest = {
        "partition_by": opened.c.contract_id,
        "order_by": [opened.c.due_on.desc(), opened.c.line_id.desc()],
    }
    room = opened.c.amount - opened.c.direct
    return sa.select(
        opened,
        room.label("room"),
        whole(sa.func.sum(room).over(**oldest, rows=ALL_BEFORE)).label("room_before"),
        whole(sa.func.sum(opened.c.direct).over(**newest, rows=ALL_BEFORE)).label("behind"),
        sa.func.row_number().over(**newest).label("from_end"),
    ).cte("queued")


def _events(money: Any, queued: Any) -> Any:
    """Return line → Σ paid and Σ paid × days after the due date, for 平均回款天数.

    Money without a line is laid end to end, so is the room of the lines; where a payment and a
    line overlap, that much of the payment settled that line.
    """
    direct = sa.select(
        ALLOCATION.c.plan_id.label("line_id"), ALLOCATION.c.amount.label("part"), money.c.paid_on
    ).join_from(ALLOCATION, money, money.c.id == ALLOCATION.c.payment_id)
    flow = (
        sa.select(
            money.c.contract_id,
            money.c.paid_on,
            money.c.rest,
            whole(
                sa.func.sum(money.c.rest).over(
                    partition_by=money.c.contract_id,
                    order_by=[money.c.paid_on, money.c.id],
                    rows=UP_TO_HERE,
                )
            ).label("until"),
        )
        .where(money.c.rest > 0)
        .subquery("flow")
    )
    until = _least(_least(flow.c.until, queued.c.room_before + queued.c.room), queued.c.free)
    since = _most(flow.c.until - flow.c.rest, queued.c.room_before)
    queue = sa.select(queued.c.line_id, (until - since).label("part"), flow.c.paid_on).join_from(
        flow, queued, sa.and_(queued.c.contract_id == flow.c.contract_id, until > since)
    )
    part = sa.union_all(direct, queue).subquery("part")
    line = queued.alias("due")
    days = DaysBetween(part.c.paid_on, line.c.due_on)
    return (
        sa.select(
            part.c.line_id,
            total(part.c.part).label("weight"),
            total(part.c.part * days).label("paid_days"),
        )
        .join_from(part, line, line.c.line_id == part.c.line_id)
        .group_by(part.c.line_id)
        .subquery("events")
    )


def _least(one: Any, other: Any) -> ColumnElement[Any]:
    return sa.case((one < other, one), else_=other)


def _most(one: Any, other: Any) -> ColumnElement[Any]:
    return sa.case((one > other, one), else_=other)


def settled_lines(query: CockpitQuery) -> Any:
    """Return the instalments with `settled`, `surplus`, `weight` and `paid_days`, as a CTE.

    `surplus` is what the contract got beyond its plan, told on its last line.
    """
    money = _money(query)
    queued = _queued(_opened(query, money))
    events = _events(money, queued)
    settled = (
        queued.c.direct
        + clamp(positive(queued.c.free) - queued.c.room_before, queued.c.room)
        - clamp(positive(-queued.c.free) - queued.c.behind, queued.c.direct)
    )
    line = (
        sa.select(
            *(
                queued.c[key]
                for key in (
                    "line_id",
                    "contract_id",
                    "ordinal",
                    "amount",
                    "due_on",
                    "owner_id",
                    "owner_department_id",
                    "paid",
                    "from_end",
                )
            ),
            settled.label("settled"),
            whole(events.c.weight).label("weight"),
            whole(events.c.paid_days).label("paid_days"),
        )
        .select_from(queued.outerjoin(events, events.c.line_id == queued.c.line_id))
        .cte("settling")
    )
    of_contract = sa.func.sum(line.c.settled).over(partition_by=line.c.contract_id)
    surplus = sa.case((line.c.from_end == 1, positive(line.c.paid - whole(of_contract))), else_=0)
    return sa.select(line, surplus.label("surplus")).cte("instalment")


def joined(line: Any) -> Any:
    """Return the FROM clause of instalments with their contract and customer."""
    return line.join(CONTRACT, CONTRACT.c.id == line.c.contract_id).join(
        CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id
    )


def stamp(line: Any) -> Stamp:
    """Return whose an instalment is."""
    return Stamp(line.c.owner_id, line.c.owner_department_id)
