"""Filters of a query as WHERE clauses; each summary says which stamp and which date they mean."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from dashboards.core.period import Period
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import (
    CONTRACT,
    CUSTOMER,
    DEPARTMENT,
    FOLLOW_UP,
    OPPORTUNITY,
    PAYMENT,
    STAGE,
    STAMPS,
    Stamp,
    in_scope,
    openable,
)
from dashboards.core.sql import count_if, total
from models.core.mixins import Approval
from models.customers.contact import Contact
from models.deals.contract import IN_FORCE
from models.deals.payment import PaymentState
from models.sales.follow_up import Origin
from services.rights.actor import Actor

Where = list[ColumnElement[bool]]
CONTACT = Contact.__table__.alias()
NONE = 0  # "the rows that have none" among keys
INSTALMENTS = frozenset(
    {"owing", "overdue", "surplus"}
)  # what cuts down to them; no payment is one
SEGMENTED = frozenset({"segment", "group"})  # need to know who asks: dashboards/segments.py


def narrow(actor: Actor, query: CockpitQuery, noun: str | Stamp) -> Where:
    """Return scope and the common filters for rows with this stamp; CUSTOMER has to be joined."""
    stamp = STAMPS[noun] if isinstance(noun, str) else noun
    keys = query.keys
    found: Where = [in_scope(actor, stamp)]
    for name, column in _columns(stamp).items():
        if name in keys:
            found.append(among(column, keys[name]))
    if "department" in keys:
        found.append(_in_departments(stamp.department, keys["department"]))
    if "province" in keys:
        found.append(among(sa.func.substr(CUSTOMER.c.region_code, 1, 2), keys["province"]))
    return found + _segmented(actor, query)


def _segmented(actor: Actor, query: CockpitQuery) -> Where:
    """Return the clauses of the segments; a customer that cannot be opened is told by none."""
    if not SEGMENTED & query.keys.keys():
        return []
    if query.members is None:
        raise AssertionError  # a door that did not ask dashboards/segments.py
    return [openable(actor, CUSTOMER.c.id), *query.members]


def _columns(stamp: Stamp) -> dict[str, Any]:
    return {
        "owner": stamp.owner,
        "department_only": stamp.department,
        "customer": CUSTOMER.c.id,
        "level": CUSTOMER.c.level,
        "industry": CUSTOMER.c.industry_id,
        "source": CUSTOMER.c.source_id,
    }


def _in_departments(column: Any, values: tuple[Any, ...]) -> ColumnElement[bool]:
    """Return whether the department is one of these or lies below one of them."""
    real = [value for value in values if value != NONE]
    below = sa.select(DEPARTMENT.c.id).where(DEPARTMENT.c.id.in_(real)).cte(recursive=True)
    child = DEPARTMENT.alias()
    # UNION (not ALL) ends even on a loop.
    tree = below.union(sa.select(child.c.id).join(below, child.c.parent_id == below.c.id))
    inside = column.in_(sa.select(tree.c.id))
    return sa.and_(inside) if len(real) == len(values) else sa.or_(column.is_(None), inside)


def of_contract(query: CockpitQuery, column: Any) -> Where:
    """Return the filters on contracts for rows that name theirs in a column, CONTRACT joined."""
    found = [among(column, query.keys["contract"])] if "contract" in query.keys else []
    if "unpaid" in only(query):
        found.append(_unpaid(query, column))
    return found


def led_to(query: CockpitQuery) -> Where:
    """Return the same filters for opportunities: those that such a contract came from."""
    wanted = of_contract(query, CONTRACT.c.id)
    if not wanted:
        return []
    if "unpaid" in only(query):
        wanted += in_force()
    # Counted, not looked for with EXISTS: that may be turned into a join with all contracts. What
    # they have to be stands in the count: PostgreSQL without statistics would read all that are so.
    came = sa.select(count_if(sa.and_(*wanted))).where(
        CONTRACT.c.opportunity_id == OPPORTUNITY.c.id
    )
    return [came.correlate(OPPORTUNITY).scalar_subquery() > 0]


def only(query: CockpitQuery) -> frozenset[str]:
    """Return what the rows are cut down to."""
    return frozenset(query.keys.get("only", ()))


def _unpaid(query: CockpitQuery, column: Any) -> ColumnElement[bool]:
    """Return whether the contract of a row is not paid in full by the day of `as_of`.

    Asked row by row, after scope and period: the payments of other contracts are not read. The day
    stands in the sum: PostgreSQL without statistics would read all payments before it each time.
    """
    payment = PAYMENT.alias()
    come = sa.case((payment.c.paid_on <= query.today, payment.c.amount), else_=0)
    paid = sa.select(total(come)).where(*confirmed(None, payment), payment.c.contract_id == column)
    return sa.and_(CONTRACT.c.amount > paid.correlate_except(payment).scalar_subquery())


def among(column: Any, values: tuple[Any, ...]) -> ColumnElement[bool]:
    """Return whether the column has one of the values; 0 stands for having none."""
    real = [value for value in values if value not in {NONE, "0"}]
    if len(real) == len(values):
        return sa.and_(column.in_(real))
    return sa.or_(column.is_(None), column.in_(real))


def days(column: Any, period: Period) -> ColumnElement[bool]:
    """Return whether a DATE column lies in the period."""
    return sa.and_(column >= period.start, column < period.end)


def instants(column: Any, period: Period) -> ColumnElement[bool]:
    """Return whether a timestamp lies in the period; the raw column keeps its index."""
    start, end = period.instants
    return sa.and_(column >= start, column < end)


def search(actor: Actor, query: CockpitQuery, *texts: Any, code: Any = None) -> Where:
    """Return one clause a word: customer's name, contact or number, or what else is given.

    A masked row has no text to find: the search only looks at customers the viewer can open.
    """
    if not query.words:
        return []
    found = [sa.or_(*_matches(word, texts, code)) for word in query.words]
    return [openable(actor, CUSTOMER.c.id), *found]


def _matches(word: str, texts: tuple[Any, ...], code: Any) -> list[ColumnElement[bool]]:
    # Lower case on both sides: LIKE minds the case of letters on PostgreSQL, not on SQLite.
    start = f"{escape_like(word.lower())}%"
    contact = sa.select(CONTACT.c.customer_id).where(
        _like(CONTACT.c.name, f"%{start}"), CONTACT.c.deleted_at.is_(None)
    )
    codes = [CUSTOMER.c.code] if code is None else [CUSTOMER.c.code, code]
    return [
        *(_like(c, start) for c in codes),
        *(_like(t, f"%{start}") for t in (CUSTOMER.c.company, *texts)),
        CUSTOMER.c.id.in_(contact),
    ]


def _like(column: Any, pattern: str) -> ColumnElement[bool]:
    return sa.and_(sa.func.lower(column).like(pattern, escape="\\"))


def escape_like(text: str) -> str:
    """Return the text with LIKE's wildcards made literal."""
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def in_force() -> Where:
    """Return what makes a contract count: approved, not deleted, in force (expired ones too)."""
    return [
        CONTRACT.c.state.in_(IN_FORCE),
        CONTRACT.c.deleted_at.is_(None),
        CONTRACT.c.approval == Approval.approved,
    ]


def confirmed(query: CockpitQuery | None, payment: Any = PAYMENT) -> Where:
    """Return what makes a payment count: confirmed, not deleted, paid by the day of `as_of`.

    Without a query payments of any day count.

    Nearly all are confirmed: said by what they are not, so that no index on the state looks useful.
    """
    return [
        payment.c.state.not_in([one for one in PaymentState if one is not PaymentState.confirmed]),
        payment.c.deleted_at.is_(None),
        *([] if query is None else [payment.c.paid_on <= query.today]),
    ]


def counted_opportunity() -> Where:
    """Return what makes an opportunity count."""
    return [OPPORTUNITY.c.approval == Approval.approved, OPPORTUNITY.c.deleted_at.is_(None)]


def counted_customer() -> Where:
    """Return what makes a customer count."""
    return [CUSTOMER.c.approval == Approval.approved, CUSTOMER.c.deleted_at.is_(None)]


def made_by_people(table: Any) -> ColumnElement[bool]:
    """Return whether a follow-up was written by a person, not left by an approval.

    Said by what it is not: nearly all are, so an index on the origin must never look useful. With
    "= manual" PostgreSQL without statistics reads it whole for every customer.
    """
    return sa.and_(table.c.origin != Origin.approval)


def done(query: CockpitQuery | None) -> Where:
    """Return what makes a follow-up count for its customer: by people, up to `as_of`.

    Without a query those of any time count.
    """
    return [
        made_by_people(FOLLOW_UP),
        FOLLOW_UP.c.deleted_at.is_(None),
        *([] if query is None else [FOLLOW_UP.c.at <= query.as_of]),
    ]


def counted_follow_up() -> Where:
    """Return what makes a follow-up show: not deleted, on a customer that counts."""
    return [FOLLOW_UP.c.deleted_at.is_(None), *counted_customer()]


def by_stage(query: CockpitQuery) -> Where:
    """Return the filter on the stage, given as keys or codes."""
    if "stage" not in query.keys or "stage" in query.idle:
        return []
    keys = [value for value in query.keys["stage"] if isinstance(value, int)]
    codes = [value for value in query.keys["stage"] if isinstance(value, str)]
    named = sa.select(STAGE.c.id).where(STAGE.c.code.in_(codes))
    stage = OPPORTUNITY.c.stage_id
    return [sa.or_(stage.in_(keys), stage.in_(named)) if codes else stage.in_(keys)]
