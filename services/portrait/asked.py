"""Figures of the portrait as conditions of customers: in the grid, in saved views, in own segments.

They stand on Core tables: who sees a customer sees its portrait.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.sql import ColumnElement

from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract, ContractLine
from models.portrait.customer_portrait import CustomerPortrait, PortraitMonth
from models.portrait.need import CustomerNeed, NeedRule
from models.portrait.offer import OfferKind, PortraitOffer
from models.portrait.segment_rule import SegmentRule
from models.sales.follow_up import FollowUp
from models.sales.product import Product
from services.core.days import today
from services.portrait.census import MONTHS
from services.portrait.history import BusinessDayNumber
from services.portrait.maths.story import number
from services.query.beside import Question, asked
from services.query.condition_sql import CLAUSES
from services.rights.row_scope import alias

READ = "portrait:read"
Clause = ColumnElement[bool]
FOUND = frozenset({"eq", "in", "ge", "le", "gt", "lt", "between", "filled"})  # hold for some row


def _figure(key: str) -> Callable[[Question], Clause]:
    """Return the clause of a column of the portrait."""

    def clause(question: Question) -> Clause:
        near = alias(CustomerPortrait, "asked")
        compare = CLAUSES[question.op]
        if question.op in FOUND:
            rows = sa.select(near.c.customer_id).where(compare(near.c[key], question.value))
            return Customer.id.in_(rows)
        mine = sa.select(near.c[key]).where(near.c.customer_id == Customer.id)
        return compare(mine.correlate(Customer).scalar_subquery(), question.value)

    return clause


FIGURES: dict[str, tuple[object, str, Any]] = {
    "segment_id": (_("客户分层"), "ref", SegmentRule),
    "recency": (_("距上次购买或回款天数"), "int", None),
    "frequency": (_("购买次数"), "int", None),
    "monetary": (_("购买金额"), "money", None),
    "months_active": (_("有购买的月数"), "int", None),
    "health": (_("健康度"), "int", None),
}
for _key, (_caption, _kind, _target) in FIGURES.items():
    asked(Customer, _key, _caption, _kind, READ, target=_target)(_figure(_key))


@asked(Customer, "leaving", _("流失概率（%）"), "int", READ)
def leaving(question: Question) -> Clause:
    """Compare the probability of leaving in percent."""
    near = alias(CustomerPortrait, "asked")
    percent = near.c.leaving / 10
    mine = sa.select(percent).where(near.c.customer_id == Customer.id)
    return CLAUSES[question.op](mine.correlate(Customer).scalar_subquery(), question.value)


@asked(Customer, "bought_id", _("买过的产品"), "ref", READ, target=Product)
def bought(question: Question) -> Clause:
    """Ask for customers that bought one of some products, or none of them."""
    contract, line = alias(Contract, "asked"), alias(ContractLine, "asked")
    rows = (
        sa.select(contract.c.customer_id)
        .select_from(sa.join(contract, line, line.c.contract_id == contract.c.id))
        .where(
            contract.c.state.in_(IN_FORCE),
            contract.c.deleted_at.is_(None),
            contract.c.customer_id.is_not(None),
            line.c.subtotal > 0,
        )
    )
    return _some(question, rows, line.c.product_id)


def _some(question: Question, rows: Any, key: Any) -> Clause:
    """Return "one of the rows of the customer has one of these keys", or that none has."""
    if question.op not in {"empty", "filled"}:
        keys = question.value if question.op in {"in", "not_in"} else [question.value]
        rows = rows.where(key.in_(keys))
    some = question.op in {"eq", "in", "filled"}
    return Customer.id.in_(rows) if some else Customer.id.not_in(rows)


@asked(Customer, "offered_id", _("新品推荐"), "ref", READ, target=Product)
def fitting(question: Question) -> Clause:
    """Ask for customers to whom some products are offered that they never bought."""
    near = alias(PortraitOffer, "asked")
    rows = sa.select(near.c.customer_id).where(near.c.kind == OfferKind.fresh)
    return _some(question, rows, near.c.product_id)


@asked(Customer, "need_id", _("需求标签"), "ref", READ, target=NeedRule)
def needing(question: Question) -> Clause:
    """Ask for customers with some needs."""
    near = alias(CustomerNeed, "asked")
    return _some(question, sa.select(near.c.customer_id), near.c.need_id)


@asked(Customer, "silence", _("未跟进天数"), "int")
def silence(question: Question) -> Clause:
    """Compare the days since the last follow-up; empty for who never had one."""
    row = alias(FollowUp, "asked_silence")
    day = number(today(question.now))
    last = (
        sa.select(day - BusinessDayNumber(sa.func.max(row.c.at)))
        .where(row.c.customer_id == Customer.id, row.c.deleted_at.is_(None))
        .correlate(Customer)
    )
    return CLAUSES[question.op](last.scalar_subquery(), question.value)


def _before(back: int) -> Callable[[Question], Clause]:
    """Return the clause of the segment of some months before the last one that is kept."""

    def clause(question: Question) -> Clause:
        table = PortraitMonth.__table__.alias(f"asked_{back}")
        kept = PortraitMonth.__table__.alias(f"kept_{back}")
        months = sa.select(kept.c.month).distinct().order_by(kept.c.month.desc())
        of_month = table.c.month == months.offset(back).limit(1).scalar_subquery()
        compare = CLAUSES[question.op]
        if question.op in FOUND:
            rows = sa.select(table.c.customer_id).where(of_month)
            return Customer.id.in_(rows.where(compare(table.c.segment_id, question.value)))
        mine = sa.select(table.c.segment_id).where(of_month, table.c.customer_id == Customer.id)
        return compare(mine.correlate(Customer).scalar_subquery(), question.value)

    return clause


for _back in range(1, MONTHS + 1):
    _words = _("%(n)s 个月前的分层", n=_back)
    asked(Customer, f"segment_{_back}", _words, "ref", READ, target=SegmentRule)(_before(_back))
