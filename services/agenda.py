"""今天要做 and the counts of the four blocks, for the home page and the side bar."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

import models as m
from services.access import sees_customer
from services.actor import Actor
from services.numbers import ZONE, today
from services.settlement import settled_of

MOST = 200  # of each kind: the page shows the first and tells how many there are


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One thing to do: what kind, which record, when (a date, a time where there is one)."""

    kind: str  # plan | visit | instalment | milestone
    record_id: int
    customer_id: int
    title: str
    detail: str
    due_on: dt.date
    due_at: dt.datetime | None = None
    amount: int | None = None  # 分, of an instalment


def day_bounds(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the half-open UTC interval of a business day."""
    start = dt.datetime.combine(day, dt.time(), ZONE)
    return start.astimezone(dt.UTC), (start + dt.timedelta(days=1)).astimezone(dt.UTC)


def agenda(session: Session, actor: Actor, *, now: dt.datetime) -> list[Item]:
    """Return what is due today or overdue for this person, the oldest first; three statements."""
    day = today(now)
    found = [*_plans(session, actor, day), *_instalments(session, actor, day)]
    found += _milestones(session, actor, day)
    return sorted(found, key=lambda item: (item.due_on, item.due_at or now, item.record_id))


def block_counts(session: Session, actor: Actor, *, now: dt.datetime) -> dict[str, int]:
    """Return the counts of the home page's blocks in one statement, through the read gate.

    Keys: customers, opportunities, follow_ups_today, contracts_month, drafts, rejected,
    overdue_plans.
    """
    day = today(now)
    start, end = day_bounds(day)
    counts = {
        "customers": _count(m.Customer, m.Customer.approval == m.Approval.approved),
        "opportunities": _count(
            m.Opportunity,
            m.Opportunity.approval == m.Approval.approved,
            m.Opportunity.state == m.StageKind.open,
        ),
        "follow_ups_today": _count(
            m.FollowUp,
            m.FollowUp.at >= start,
            m.FollowUp.at < end,
            m.FollowUp.origin == m.Origin.manual,
        ),
        "contracts_month": _count(
            m.Contract,
            m.Contract.state.in_(m.IN_FORCE),
            m.Contract.signed_on >= day.replace(day=1),
            m.Contract.signed_on <= day,
        ),
        "overdue_plans": _count(
            m.FollowUpPlan,
            m.FollowUpPlan.done_at.is_(None),
            m.FollowUpPlan.owner_id == actor.id,
            m.FollowUpPlan.due_at < start,
        ),
    }
    for key, state in (("drafts", m.Approval.draft), ("rejected", m.Approval.rejected)):
        counts[key] = sum(
            (
                _count(model, model.created_by_id == actor.id, model.approval == state)
                for model in m.reviewed()
            ),
            start=sa.literal(0),
        )
    row = session.execute(sa.select(*(c.label(key) for key, c in counts.items()))).one()
    return dict(row._mapping)  # noqa: SLF001 # the documented way to a dict


def _count(model: type[Any], *where: Any) -> Any:
    return sa.select(sa.func.count(model.id)).where(*where).scalar_subquery()


def _plans(session: Session, actor: Actor, day: dt.date) -> list[Item]:
    _start, end = day_bounds(day)
    plans = session.scalars(
        sa.select(m.FollowUpPlan)
        .where(
            m.FollowUpPlan.owner_id == actor.id,
            m.FollowUpPlan.done_at.is_(None),
            m.FollowUpPlan.due_at < end,
        )
        .options(selectinload(m.FollowUpPlan.customer))
        .order_by(m.FollowUpPlan.due_at, m.FollowUpPlan.id)
        .limit(MOST)
    )
    return [
        Item(
            kind="visit" if plan.kind in m.VISITS else "plan",
            record_id=plan.id,
            customer_id=plan.customer_id,
            title=str(plan.customer),
            detail=f"{plan.kind} · {plan.content or ''}".rstrip(" ·"),
            due_on=plan.due_at.astimezone(ZONE).date(),
            due_at=plan.due_at,
        )
        for plan in plans
    ]


def _instalments(session: Session, actor: Actor, day: dt.date) -> list[Item]:
    """Return what is due or overdue of the person's own instalments and not yet paid.

    Everything is looked up from the person's own lines, by key and in sub-selects that no planner
    may turn round: joined, PostgreSQL begins without statistics with all contracts in force and
    settles the whole company's instalments, over a minute.
    """
    mine, customer = _own_lines(actor, day), m.Customer.__table__
    company = (
        sa.select(customer.c.company)
        .where(customer.c.id == mine.c.customer_id, sees_customer(actor, customer.c))
        .correlate(mine)
        .scalar_subquery()
    )
    named = sa.select(mine, company.label("company")).where(mine.c.open > 0).cte("named")
    rows = session.connection().execute(
        sa.select(named)
        .where(named.c.company.is_not(None))
        .order_by(named.c.due_on, named.c.id)
        .limit(MOST)
    )
    return [
        Item(
            kind="instalment",
            record_id=row.id,
            customer_id=row.customer_id,
            title=row.company,
            detail=str(row.ordinal),
            due_on=row.due_on,
            amount=row.open,
        )
        for row in rows
    ]


def _own_lines(actor: Actor, day: dt.date) -> Any:
    """Return one's own instalments up to a day: `customer_id` (NULL: not in force), `open` 分."""
    line, contract = m.PaymentPlan.__table__, m.Contract.__table__
    in_force = sa.and_(
        contract.c.state.in_(m.IN_FORCE),
        contract.c.approval == m.Approval.approved,
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
            line.c.ordinal,
            line.c.due_on,
            buyer.label("customer_id"),
            (line.c.amount - settled_of(line)).label("open"),
        )
        .where(line.c.owner_id == actor.id, line.c.due_on <= day)
        .cte("mine")
        .prefix_with("MATERIALIZED")
    )


def _milestones(session: Session, actor: Actor, day: dt.date) -> list[Item]:
    rows = session.execute(
        sa.select(
            m.OrderMilestone.id,
            m.OrderMilestone.name,
            m.OrderMilestone.planned_on,
            m.Order.code,
            m.Customer.id,
            m.Customer.company,
        )
        .join(m.Order, m.Order.id == m.OrderMilestone.order_id)
        .join(m.Customer, m.Customer.id == m.Order.customer_id)
        .where(
            m.Order.owner_id == actor.id,
            m.Order.state == m.OrderState.open,
            m.OrderMilestone.state == m.MilestoneState.planned,
            m.OrderMilestone.planned_on <= day,
        )
        .order_by(m.OrderMilestone.planned_on, m.OrderMilestone.id)
        .limit(MOST)
    )
    return [
        Item("milestone", key, customer_id, f"{code} {name}", company or "", planned_on)
        for key, name, planned_on, code, customer_id, company in rows
    ]
