"""Money that is to be seen to today: instalments, payments to confirm, invoices to issue."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract
from models.deals.invoice import Invoice, InvoiceState
from models.deals.payment import Payment, PaymentState
from models.deals.payment_plan import PaymentPlan
from services.core.days import today
from services.core.money import total
from services.records.settlement import rest_of
from services.rights.access import sees_customer
from services.rights.actor import Actor, may
from services.sales.agenda_item import MOST, AgendaItem


def instalments(session: Session, actor: Actor, day: dt.date, *, wide: bool) -> list[AgendaItem]:
    """Return the instalments this person may register money for.

    Late money of a `wide` list stands in one sum, on the tile of the home page.
    """
    if not may(actor, "payment:create"):
        return []
    return _everybodys(session, day) if wide else _own(session, actor, day)


def _everybodys(session: Session, day: dt.date) -> list[AgendaItem]:
    """Return the instalments due on the day itself that are not paid, of everybody one sees."""
    line, left = PaymentPlan, rest_of(PaymentPlan)
    rows = session.execute(
        sa.select(line.contract_id, line.ordinal, Customer, left)
        .join(Contract, Contract.id == line.contract_id)
        .join(Customer, Customer.id == Contract.customer_id)
        .where(
            line.due_on == day,
            left > 0,
            Contract.state.in_(IN_FORCE),
            Contract.approval == Approval.approved,
        )
        .order_by(line.id)
        .limit(MOST)
    )
    return [
        AgendaItem("instalment", contract, who.id, str(who), str(ordinal), day, amount=open_)
        for contract, ordinal, who, open_ in rows
    ]


def to_settle(session: Session, actor: Actor) -> list[Payment | Invoice]:
    """Return the payments this person may confirm and the invoices he may issue.

    Whoever does it does it for everybody he sees. Customers are not attached yet.
    """
    found: list[Payment | Invoice] = []
    if may(actor, "payment:confirm"):
        waits = sa.select(Payment).where(Payment.state == PaymentState.registered)
        found += session.scalars(waits.order_by(Payment.paid_on, Payment.id).limit(MOST))
    if may(actor, "invoice:edit"):
        asked = sa.select(Invoice).where(Invoice.state == InvoiceState.requested)
        found += session.scalars(asked.order_by(Invoice.id).limit(MOST))
    return found


def settling(one: Payment | Invoice) -> AgendaItem:
    """Return the line of a payment to confirm or an invoice to issue."""
    kind = "payment" if isinstance(one, Payment) else "invoice"
    day = one.paid_on if isinstance(one, Payment) else today(one.created_at)
    who = (one.customer_id, str(one.customer))
    return AgendaItem(kind, one.id, *who, one.code, day, amount=one.amount)


def _own(session: Session, actor: Actor, day: dt.date) -> list[AgendaItem]:
    """Return one's own instalments that are due today, then a line a customer of late ones.

    Everything is looked up from the person's own lines, by key and in sub-selects that no planner
    may turn round: joined, PostgreSQL begins without statistics with all contracts in force and
    settles the whole company's instalments, over a minute.
    """
    mine, customer = _own_lines(actor, day), Customer.__table__
    company = (
        sa.select(customer.c.company)
        .where(customer.c.id == mine.c.customer_id, sees_customer(actor, customer.c))
        .correlate(mine)
        .scalar_subquery()
    )
    named = sa.select(mine, company.label("company")).where(mine.c.open > 0).cte("named")
    late = named.c.due_on < day
    shown = sa.case((late, named.c.customer_id), else_=-named.c.id)
    rows = session.connection().execute(
        sa.select(
            sa.func.min(named.c.id).label("id"),
            named.c.customer_id,
            named.c.company,
            late.label("late"),
            sa.func.min(named.c.ordinal).label("ordinal"),
            sa.func.min(named.c.due_on).label("due_on"),
            sa.func.min(named.c.contract_id).label("contract_id"),
            sa.func.count().label("number"),
            total(named.c.open).label("open"),
        )
        .where(named.c.company.is_not(None))
        .group_by(shown, named.c.customer_id, named.c.company, late)
        .order_by(late, sa.func.min(named.c.due_on), sa.func.min(named.c.id))
        .limit(MOST)
    )
    return [
        AgendaItem(
            kind="late" if row.late else "instalment",
            record_id=row.contract_id,
            customer_id=row.customer_id,
            title=row.company,
            detail=str(row.ordinal),
            due_on=row.due_on,
            amount=row.open,
            count=row.number,
        )
        for row in rows
    ]


def _own_lines(actor: Actor, day: dt.date) -> Any:
    """Return one's own instalments up to a day: `customer_id` (NULL: not in force), `open` 分."""
    line, contract = PaymentPlan.__table__, Contract.__table__
    in_force = sa.and_(
        contract.c.state.in_(IN_FORCE),
        contract.c.approval == Approval.approved,
        contract.c.deleted_at.is_(None),
    )
    # In the WHERE clause the state would invite the index of all contracts in force.
    buyer = (
        sa.select(sa.case((in_force, contract.c.customer_id)))
        .where(contract.c.id == line.c.contract_id)
        .correlate(line)
        .scalar_subquery()
    )
    return (
        sa.select(
            line.c.id,
            line.c.contract_id,
            line.c.ordinal,
            line.c.due_on,
            buyer.label("customer_id"),
            rest_of(line.c).label("open"),
        )
        .where(line.c.owner_id == actor.id, line.c.due_on <= day)
        .cte("mine")
        .prefix_with("MATERIALIZED")
    )
