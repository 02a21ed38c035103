"""What stands in the calendar: open plans, and the visits that were made."""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.customers.customer import Customer
from models.sales.follow_up import VISITS, FollowUp, FollowUpKind
from models.sales.plan import FollowUpPlan
from services.records.related import attach
from services.rights.actor import Actor

MOST = 500  # of either kind


@dataclasses.dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One thing at its time; `done`: a visit that was made, else a plan that is open."""

    at: dt.datetime
    kind: FollowUpKind
    customer: Customer
    content: str
    record_id: int
    done: bool
    owner: str = ""  # whose it is, where it is not one's own


def entries(
    session: Session, actor: Actor, start: dt.datetime, end: dt.datetime, *, wide: bool = False
) -> list[CalendarEntry]:
    """Return what is planned and which visits were made from `start` up to `end`, by time.

    One's own, or with `wide` everybody's of whom one sees the customers. Of each kind at most MOST,
    the first: the page says so. Two statements, and one each for customers and people.
    """
    plan, visit = FollowUpPlan, FollowUp
    due = sa.select(plan).where(
        plan.owner_id.is_not(None) if wide else plan.owner_id == actor.id,
        plan.done_at.is_(None),
        plan.due_at >= start,
        plan.due_at < end,
    )
    made = sa.select(visit).where(
        sa.true() if wide else visit.owner_id == actor.id,
        visit.kind.in_(VISITS),
        visit.at >= start,
        visit.at < end,
    )
    plans = session.scalars(due.order_by(plan.due_at, plan.id).limit(MOST)).all()
    visits = session.scalars(made.order_by(visit.at, visit.id).limit(MOST)).all()
    beside = ["customer", "owner"] if wide else ["customer"]
    attach(session, (plans, beside), (visits, beside))
    rows: list[FollowUpPlan | FollowUp] = [*plans, *visits]
    found = [
        CalendarEntry(
            one.due_at if isinstance(one, FollowUpPlan) else one.at,
            one.kind,
            one.customer,
            one.content or "",
            one.id,
            done=isinstance(one, FollowUp),
            owner="" if one.owner_id == actor.id else str(one.owner or ""),
        )
        for one in rows
    ]
    return sorted(found, key=lambda one: (one.at, one.done, one.record_id))


def cut(found: Sequence[CalendarEntry]) -> bool:
    """Tell whether there may be more of a kind than was read."""
    return any(number >= MOST for number in Counter(one.done for one in found).values())
