"""今天要做 and the counts of the four blocks, for the home page and the side bar."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.calendar_day import CalendarDay
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract
from models.deals.order import MilestoneState, Order, OrderMilestone, OrderState
from models.registry import reviewed
from models.sales.follow_up import VISITS, FollowUp, Origin
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from models.sales.stage import StageKind
from services.core.days import day_bounds, today
from services.records.related import attach
from services.rights.actor import Actor, may
from services.sales import due_money
from services.sales.agenda_item import MOST, AgendaItem

DUE = frozenset({"plan", "visit", "milestone", "late"})  # what can be late; the rest waits


def agenda(
    session: Session, actor: Actor, *, wide: bool = False, now: dt.datetime
) -> list[AgendaItem]:
    """Return what this person can do today, what cannot wait first; late money stands behind.

    `wide` takes in everybody's of whom he sees the customers, without late money, which the tile
    tells. Only what he has the verb for is asked, of each kind at most MOST.
    """
    day, found, plans = today(now), [], []
    if may(actor, "followup:create"):
        plans = _plans(session, actor, day, wide=wide)
    if may(actor, "milestone:edit") or (may(actor, "milestone:edit_own") and not wide):
        found += _milestones(session, actor, day, wide=wide)
    found += due_money.instalments(session, actor, day, wide=wide)
    settled = due_money.to_settle(session, actor)
    owners = ["customer", "owner"] if wide else ["customer"]
    attach(session, (plans, owners), (settled, ["customer"]))
    found += [_plan(one, actor) for one in plans]
    found += [due_money.settling(one) for one in settled]
    return sorted(found, key=lambda item: _place(item, day))


def cut(items: Sequence[AgendaItem]) -> bool:
    """Tell whether there may be more of a kind than the list holds."""
    kinds = Counter("plan" if one.kind == "visit" else one.kind for one in items)
    return any(number >= MOST for number in kinds.values())


def _place(item: AgendaItem, day: dt.date) -> tuple[int, int, str, int]:
    """Sort by the hour of today, then what is to be done today, then what is late, newest first."""
    late = (day - item.due_on).days
    at = item.due_at.isoformat() if item.due_at else ""
    if item.kind == "late":
        return 3, -late, "", item.record_id
    if late > 0 and item.kind in {"plan", "visit", "milestone"}:
        return 2, late, at, item.record_id
    return (0 if item.due_at else 1), 0, at, item.record_id


def unfinished(
    session: Session, actor: Actor, counts: Mapping[str, int], *, drafts: bool
) -> list[tuple[type[Any], Any]]:
    """Return (entity, record) of one's own entries that came back, and with `drafts` of those too.

    `counts` of `block_counts` says which there are: one statement for each entity that has some.
    """
    wanted = {"rejected": Approval.rejected} | ({"drafts": Approval.draft} if drafts else {})
    found = []
    for model in reviewed():
        states = [state for key, state in wanted.items() if counts[f"{key}_{model.__noun__}"]]
        if states:
            rows = session.scalars(
                sa.select(model)
                .where(model.created_by_id == actor.id, model.approval.in_(states))
                .order_by(model.id.desc())
                .limit(MOST)
            )
            found += [(model, record) for record in rows]
    return found


def block_counts(session: Session, actor: Actor, *, now: dt.datetime) -> dict[str, Any]:
    """Return the counts of the home page's blocks in one statement, through the read gate.

    Keys: customers, opportunities, follow_ups_today, contracts_month, drafts, rejected,
    overdue_plans; drafts and rejected also of each entity (`drafts_customer`). And `workday`:
    what the calendar says of today, None where it says nothing.
    """
    day = today(now)
    start, end = day_bounds(day)
    counts = {
        "customers": _count(Customer, Customer.approval == Approval.approved),
        "opportunities": _count(
            Opportunity,
            Opportunity.approval == Approval.approved,
            Opportunity.state == StageKind.open,
        ),
        "follow_ups_today": _count(
            FollowUp, FollowUp.at >= start, FollowUp.at < end, FollowUp.origin == Origin.manual
        ),
        "contracts_month": _count(
            Contract,
            Contract.state.in_(IN_FORCE),
            Contract.signed_on >= day.replace(day=1),
            Contract.signed_on <= day,
        ),
        "workday": sa.select(CalendarDay.workday).where(CalendarDay.day == day).scalar_subquery(),
        "overdue_plans": _count(
            FollowUpPlan,
            FollowUpPlan.done_at.is_(None),
            FollowUpPlan.owner_id == actor.id,
            FollowUpPlan.due_at < start,
        ),
    }
    mine = {"drafts": Approval.draft, "rejected": Approval.rejected}
    for key, state in mine.items():
        for model in reviewed():
            own = (model.created_by_id == actor.id, model.approval == state)
            counts[f"{key}_{model.__noun__}"] = _count(model, *own)
    row = session.execute(sa.select(*(c.label(key) for key, c in counts.items()))).one()
    found = dict(row._mapping)  # noqa: SLF001 # the documented way to a dict
    for key in mine:
        found[key] = sum(found[f"{key}_{model.__noun__}"] for model in reviewed())
    return found


def _count(model: type[Any], *where: Any) -> Any:
    return sa.select(sa.func.count(model.id)).where(*where).scalar_subquery()


def _plans(session: Session, actor: Actor, day: dt.date, *, wide: bool) -> list[FollowUpPlan]:
    _start, end = day_bounds(day)
    plan = FollowUpPlan
    due = sa.select(plan).where(
        plan.owner_id.is_not(None) if wide else plan.owner_id == actor.id,
        plan.done_at.is_(None),
        plan.due_at < end,
    )
    return list(session.scalars(due.order_by(plan.due_at.desc(), plan.id).limit(MOST)))


def _plan(plan: FollowUpPlan, actor: Actor) -> AgendaItem:
    return AgendaItem(
        kind="visit" if plan.kind in VISITS else "plan",
        record_id=plan.id,
        customer_id=plan.customer_id,
        title=str(plan.customer),
        detail=f"{plan.kind} · {plan.content or ''}".rstrip(" ·"),
        due_on=today(plan.due_at),
        due_at=plan.due_at,
        owner=str(plan.owner) if plan.owner_id != actor.id else "",
    )


def _milestones(session: Session, actor: Actor, day: dt.date, *, wide: bool) -> list[AgendaItem]:
    rows = session.execute(
        sa.select(
            OrderMilestone.id,
            OrderMilestone.name,
            OrderMilestone.planned_on,
            Order.code,
            Customer.id,
            Customer.company,
        )
        .join(Order, Order.id == OrderMilestone.order_id)
        .join(Customer, Customer.id == Order.customer_id)
        .where(
            sa.true() if wide else Order.owner_id == actor.id,
            Order.state == OrderState.open,
            OrderMilestone.state == MilestoneState.planned,
            OrderMilestone.planned_on <= day,
        )
        .order_by(OrderMilestone.planned_on.desc(), OrderMilestone.id)
        .limit(MOST)
    )
    return [
        AgendaItem("milestone", key, customer_id, f"{code} {name}", company or "", planned_on)
        for key, name, planned_on, code, customer_id, company in rows
        if planned_on is not None
    ]
