"""What a list of customers is filtered by beside their own fields: contact, number, follow-ups.

Each clause begins where there are fewest rows: at the index of names or numbers, at the plans that
are open, at the follow-ups of a period. They stand on Core tables: who sees a customer sees these.
"""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from models.customers.contact import Contact
from models.customers.customer import Customer
from models.sales.follow_up import FollowUp
from models.sales.plan import FollowUpPlan
from services.query import phone_search, search
from services.query.beside import DIALLED, Question, asked
from services.query.condition_sql import CLAUSES, TESTS
from services.rights.access import actor_of
from services.rights.row_scope import alias

Clause = ColumnElement[bool]
Moment = ColumnElement[Any]
FOUND = frozenset({"contains", "eq", "starts"})  # what the index of names finds


def _among(session: Session, keys: sa.Select[Any]) -> Clause:
    """Return "the customer is one of these", found by its key.

    As a list PostgreSQL would walk all customers beside it; of an array it takes the index.
    """
    if session.get_bind().dialect.name == "sqlite":
        return Customer.id.in_(keys)
    array = sa.func.array(keys.scalar_subquery(), type_=sa.ARRAY(sa.Integer()))
    return Customer.id == sa.any_(array)


@asked(Customer, "contact", _("联系人"), "text")
def contact(question: Question) -> Clause:
    """Compare the name of the primary contact."""
    near = alias(Contact, "asked")
    mine = (near.c.is_primary, near.c.deleted_at.is_(None))
    compare, session, op = CLAUSES[question.op], question.session, question.op
    name = sa.select(near.c.name).where(*mine, near.c.customer_id == Customer.id)
    word = question.value.lower() if op in FOUND else ""
    if op not in FOUND or search.common(session, Contact, word):
        return compare(name.correlate(Customer).scalar_subquery(), question.value)
    hit = search.hit(session, Contact, near.c, word)
    rows = sa.select(near.c.customer_id).where(*mine, hit, compare(near.c.name, question.value))
    return _among(session, rows)


@asked(Customer, "mobile", _("手机"), DIALLED, "sensitive:read", "sensitive:own")
def mobile(question: Question) -> Clause:
    """Compare the mobile of the primary contact, where the person sees it plainly."""
    near = alias(Contact, "asked")
    mine = (near.c.is_primary, near.c.deleted_at.is_(None), near.c.mobile_key.is_not(None))
    if question.op in {"empty", "filled"}:
        there = sa.exists().where(*mine, near.c.customer_id == Customer.id)
        return there if question.op == "filled" else ~there
    way = phone_search.compared(question.op, question.value, near.c.mobile_key, near.c.mobile_tail)
    rows = sa.select(near.c.customer_id).where(*mine, way)
    own = phone_search.plainly(actor_of(question.session), near.c.customer_id)
    return _among(question.session, rows if own is None else rows.where(own))


@asked(Customer, "next", _("下次跟进"), "datetime")
def next_date(question: Question) -> Clause:
    """Compare the first date of the plans that are open."""
    plan = alias(FollowUpPlan, "asked")
    still = (plan.c.done_at.is_(None), plan.c.deleted_at.is_(None))
    return _extreme(question, plan, plan.c.due_at, still, first=True)


@asked(Customer, "last", _("最近跟进"), "datetime")
def last_date(question: Question) -> Clause:
    """Compare the time of the last follow-up."""
    row = alias(FollowUp, "asked")
    return _extreme(question, row, row.c.at, (row.c.deleted_at.is_(None),), first=False)


def _extreme(
    question: Question, row: sa.Alias, at: Moment, alive: tuple[Any, ...], *, first: bool
) -> Clause:
    """Return "the first (or last) moment of its rows is so".

    A row of the customer fulfils it, and none before (or after) does not. The rows in question are
    found by their time and the others asked for each of them: as EXISTS PostgreSQL gathers all.
    """
    op, value = question.op, question.value
    own = (*alive, row.c.customer_id == Customer.id)
    some = sa.select(row.c.customer_id).where(*alive)
    if op == "empty":
        return sa.select(row.c.id).where(*own).limit(1).scalar_subquery().is_(None)
    if op == "filled":
        return _among(question.session, some)
    low, high = _ends(op, value, at)
    if low is None and high is None:  # eq and ne of an instant
        pick = sa.func.min(at) if first else sa.func.max(at)
        return CLAUSES[op](sa.select(pick).where(*own).scalar_subquery(), value)
    found = some.where(*(end for end in (low, high) if end is not None))
    if (low if first else high) is None:  # the first one is no later, the last one no earlier
        return _among(question.session, found)
    if low is None:  # nothing since then: found in one walk along the customers
        grouped = some.group_by(row.c.customer_id)
        edge = {"le": sa.func.max(at) <= value, "lt": sa.func.max(at) < value}[op]
        return _among(question.session, grouped.having(edge))
    other: Any = row.original.alias(f"{row.name}_other")  # type: ignore[attr-defined] # a table
    moment = other.c[at.key]
    outside = {
        True: lambda: moment <= value if op == "gt" else moment < _first(value),
        False: lambda: moment >= value[1] if op == "within" else moment > value[1],
    }[first]()
    twin = sa.select(other.c.id).where(
        other.c.customer_id == row.c.customer_id,
        outside,
        *(other.c[clause.left.key].is_(None) for clause in alive),
    )
    lone = twin.limit(1).scalar_subquery().is_(None)
    return _among(question.session, found.where(lone))


def _first(value: object) -> object:
    return value[0] if isinstance(value, tuple) else value


def _ends(op: str, value: Any, at: Moment) -> tuple[Clause | None, Clause | None]:
    """Return "not before" and "not after" of a comparison, None where it has no such end."""
    if op in {"within", "between"}:
        return at >= value[0], at < value[1] if op == "within" else at <= value[1]
    low = {"ge": lambda: at >= value, "gt": lambda: at > value}.get(op)
    high = {"le": lambda: at <= value, "lt": lambda: at < value}.get(op)
    return low() if low else None, high() if high else None


@asked(Customer, "follow_ups", _("跟进次数"), "int")
def follow_ups(question: Question) -> Clause:
    """Compare how many follow-ups there are; a customer without any has 0."""
    row = alias(FollowUp, "asked")
    many = sa.func.count()
    counted = (
        sa.select(row.c.customer_id).where(row.c.deleted_at.is_(None)).group_by(row.c.customer_id)
    )
    if question.op in {"empty", "filled"}:
        return sa.literal(question.op == "filled") == sa.true()
    found = CLAUSES[question.op](many, question.value)
    if _holds_for_none(question):
        return Customer.id.not_in(counted.having(~found))
    return _among(question.session, counted.having(found))


def _holds_for_none(question: Question) -> bool:
    return TESTS[question.op](0, question.value)
