"""What of each instalment is settled.

Allocations come first, money without a line then fills the oldest lines first; a refund without a
line empties the newest.

One row an instalment of a contract in force. A contract without a plan has one line, due on
signing, whose `line_id` is the contract's key negated. Payments count up to the day of `as_of`.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from dashboards.core import filters
from dashboards.core.period import Period
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import ALLOCATION, CONTRACT, CUSTOMER, PAYMENT, PLAN_LINE, Stamp
from dashboards.core.sql import clamp, positive
from dashboards.measures.plan_lines import _of, plan_lines
from dashboards.rollups import instalments as stored
from dashboards.rollups.rollup import RollUp
from services.core.money import total, whole
from services.query.portable import DaysBetween

ALL_BEFORE = (None, -1)  # ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
UP_TO_HERE = (None, 0)
LINE = (
    "line_id", "contract_id", "ordinal", "amount", "due_on", "owner_id", "owner_department_id",
    "paid", "settled",
)  # fmt: skip


def _money(query: CockpitQuery | None, contracts: Any) -> Any:
    """Return each counted payment with what of it has no line."""
    # Asked payment by payment: the allocations of other contracts are not read.
    spread = (
        sa.select(total(ALLOCATION.c.amount))
        .where(ALLOCATION.c.payment_id == PAYMENT.c.id)
        .correlate(PAYMENT)
        .scalar_subquery()
    )
    rest = whole(PAYMENT.c.amount) - spread
    return (
        sa.select(
            PAYMENT.c.id,
            PAYMENT.c.contract_id,
            PAYMENT.c.amount,
            PAYMENT.c.paid_on,
            rest.label("rest"),
        )
        .where(*filters.confirmed(query), *_of(PAYMENT.c.contract_id, contracts))
        .cte()
    )


def _opened(money: Any, contracts: Any) -> Any:
    """Return the lines with what allocations settle and the contract's money without a line."""
    line = plan_lines(contracts)
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
        .cte()
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
    ).cte()


def _parts(money: Any, queued: Any) -> Any:
    """Return what settled each line: `part` of a payment and its days after the due date.

    Money without a line is laid end to end, so is the room of the lines; where a payment and a
    line overlap, that much of the payment settled that line.
    """
    direct = (
        sa.select(
            ALLOCATION.c.plan_id.label("line_id"),
            ALLOCATION.c.amount.label("part"),
            DaysBetween(money.c.paid_on, PLAN_LINE.c.due_on).label("days"),
        )
        .join_from(ALLOCATION, money, money.c.id == ALLOCATION.c.payment_id)
        .join(PLAN_LINE, PLAN_LINE.c.id == ALLOCATION.c.plan_id)
        .where(ALLOCATION.c.amount > 0)  # a refund tells no day on which a line was paid
    )
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
    queue = sa.select(
        queued.c.line_id,
        (until - since).label("part"),
        DaysBetween(flow.c.paid_on, queued.c.due_on).label("days"),
    ).join_from(flow, queued, sa.and_(queued.c.contract_id == flow.c.contract_id, until > since))
    return sa.union_all(direct, queue).subquery("part")


def _timed(queued: Any, part: Any) -> Any:
    """Return the lines with `weight` (Σ paid) and `paid_days` (Σ paid × days after the due date).

    Lines and what settled them are stacked and added up by line: a join of two such tables has no
    index, and SQLite reads one of them once for every row of the other.
    """
    keys = [queued.c[name] for name in LINE]
    zero = sa.cast(0, sa.BigInteger())
    lines = sa.select(*keys, zero.label("weight"), zero.label("paid_days"))
    nothing = [sa.cast(sa.null(), c.type).label(c.name) for c in keys[1:]]
    paid = sa.select(part.c.line_id, *nothing, part.c.part, part.c.part * part.c.days)
    stack = sa.union_all(lines, paid).subquery("stack")
    return (
        sa.select(
            stack.c.line_id,
            *(sa.func.max(stack.c[name]).label(name) for name in LINE[1:]),
            total(stack.c.weight).label("weight"),
            total(stack.c.paid_days).label("paid_days"),
        )
        .group_by(stack.c.line_id)
        # An allocation to a line of a contract that does not count has no line here.
        .having(sa.func.max(stack.c.contract_id).is_not(None))
        .cte()
    )


def _least(one: Any, other: Any) -> ColumnElement[Any]:
    return sa.case((one < other, one), else_=other)


def _most(one: Any, other: Any) -> ColumnElement[Any]:
    return sa.case((one > other, one), else_=other)


def _settled(queued: Any) -> Any:
    """Return the lines with what of each is settled: a refund without a line empties the newest."""
    settled = (
        queued.c.direct
        + clamp(positive(queued.c.free) - queued.c.room_before, queued.c.room)
        - clamp(positive(-queued.c.free) - queued.c.behind, queued.c.direct)
    )
    own = (queued.c[name] for name in LINE if name != "settled")
    return sa.select(*own, whole(settled).label("settled")).subquery("settling")


def worked_out(query: CockpitQuery | None, contracts: Any) -> Any:
    """Return the lines of contracts as the raw rows say, with the columns of `SETTLED.stored`.

    `contracts` is a CTE of `contract_id`, None all of them; without a query payments of any day
    count. `beyond` is what the contract got beyond its plan, on each of its lines.
    """
    money = _money(query, contracts)
    queued = _queued(_opened(money, contracts))
    line = _timed(_settled(queued), _parts(money, queued))
    of_contract = sa.func.sum(line.c.settled).over(partition_by=line.c.contract_id)
    beyond = positive(line.c.paid - whole(of_contract)).label("beyond")
    return sa.select(line, beyond).cte()


SETTLED = RollUp(
    named="contract",
    stored=stored.STORED,
    notes=stored.NOTES,
    whose=CONTRACT,
    live=lambda contracts: worked_out(None, contracts),
    lock=20_261_130,
    # One may be stored under the contract it had before.
    strayed=lambda keys: sa.select(PLAN_LINE.c.id).where(PLAN_LINE.c.contract_id.in_(keys)),
)


def settled_lines(query: CockpitQuery, contracts: Any = None, period: Period | None = None) -> Any:
    """Return the instalments with `settled`, `surplus`, `weight` and `paid_days`, as a CTE.

    `contracts`, a CTE of `contract_id`, keeps what has to be worked out to them; every line of a
    contract is needed to tell what one of them got. `surplus` is what the contract got beyond its
    plan, told on its last line due in the period (or ever), so that a period shows it with any of
    its lines.
    """
    line = stored.both(query, contracts, period, lambda some: worked_out(query, some))
    later = PLAN_LINE.alias()
    inside = [filters.days(later.c.due_on, period)] if period else []
    last = ~sa.exists().where(
        later.c.contract_id == line.c.contract_id,
        sa.tuple_(later.c.due_on, later.c.id) > sa.tuple_(line.c.due_on, line.c.line_id),
        *inside,
    ).correlate(line)
    surplus = sa.case((sa.and_(line.c.beyond > 0, last), line.c.beyond), else_=0)
    return sa.select(line, surplus.label("surplus")).cte()


def joined(line: Any) -> Any:
    """Return the FROM clause of instalments with their contract and customer."""
    return line.join(CONTRACT, CONTRACT.c.id == line.c.contract_id).join(
        CUSTOMER, CUSTOMER.c.id == CONTRACT.c.customer_id
    )


def stamp(line: Any) -> Stamp:
    """Return whose an instalment is."""
    return Stamp(line.c.owner_id, line.c.owner_department_id)
