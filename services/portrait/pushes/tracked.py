"""What came of a push: tasks done, opportunities made, contracts signed, beside those set aside.

Everything is asked of customers that are seen; an answer counts from the push on for its days.
"""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.bulk.batch import BatchJob, BatchVerb
from models.customers.customer import Customer
from models.deals.contract import IN_FORCE, Contract
from models.people.user import User
from models.portrait.push import Push, PushItem
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from models.sales.product import Product
from services.core.days import today
from services.core.errors import NotVisible
from services.core.money import total
from services.portrait.maths.lift import Lift, compare

MOST = 200
ANSWERS = ("done", "offered", "signed")


@dataclasses.dataclass(frozen=True, slots=True)
class PushedRow:
    """A customer of a push, and what came of it."""

    customer: Customer
    control: bool
    product: str | None
    plan_id: int | None
    done: bool
    offered: bool
    signed: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Tracked:
    """A push with its answers: key of ANSWERS → both sides; `until` the last day that counts."""

    push: Push
    by: str
    until: dt.date
    answers: dict[str, Lift]
    rows: list[PushedRow]
    job_id: int | None


def known(session: Session) -> list[tuple[Push, str, int, int]]:
    """Return the newest pushes: who made it, how many seen customers it reached and set aside."""
    item = PushItem
    aside = total(sa.case((item.control, 1), else_=0))
    counts = sa.select(item.push_id, sa.func.count(item.id), aside).group_by(item.push_id)
    sides = {key: (many - gone, gone) for key, many, gone in session.execute(counts)}
    rows = session.execute(_made().order_by(Push.id.desc()).limit(MOST)).all()
    return [(push, by or "", *sides.get(push.id, (0, 0))) for push, by in rows]


def _made() -> Any:
    return sa.select(Push, User.name).outerjoin(User, User.id == Push.created_by_id)


def track(session: Session, key: int | None) -> Tracked:
    """Return a push with what came of it. Raises NotVisible."""
    found = session.execute(_made().where(Push.id == key)).first()
    if found is None:
        raise NotVisible
    push, by = found
    end = push.created_at + dt.timedelta(days=push.days)
    said = _answers(push, end)
    return Tracked(
        push, by or "", today(end), _lifts(session, push, said), _rows(session, push, said),
        _job(session, push),
    )  # fmt: skip


def _answers(push: Push, end: dt.datetime) -> dict[str, Any]:
    """Return what counts as an answer of an item, as clauses."""
    plan, deal, contract = FollowUpPlan, Opportunity, Contract
    first, mine = push.created_at, PushItem.customer_id
    return {
        "done": sa.exists().where(plan.id == PushItem.plan_id, plan.done_at < end),
        "offered": sa.exists().where(
            deal.customer_id == mine, deal.created_at >= first, deal.created_at < end
        ),
        "signed": sa.exists().where(
            contract.customer_id == mine,
            contract.created_at >= first,
            contract.signed_on.between(today(first), today(end)),
            contract.state.in_(IN_FORCE),
        ),
    }


def _lifts(session: Session, push: Push, said: dict[str, Any]) -> dict[str, Lift]:
    item = PushItem
    sums = [total(sa.case((said[key], 1), else_=0)) for key in ANSWERS]
    query = sa.select(item.control, sa.func.count(item.id), *sums)
    rows = session.execute(query.where(item.push_id == push.id).group_by(item.control)).all()
    sides = {bool(row[0]): tuple(row[1:]) for row in rows}
    nobody = (0,) * (1 + len(ANSWERS))
    reached, control = sides.get(False, nobody), sides.get(True, nobody)
    return {
        key: compare((reached[n], reached[0]), (control[n], control[0]))
        for n, key in enumerate(ANSWERS, 1)
    }


def _rows(session: Session, push: Push, said: dict[str, Any]) -> list[PushedRow]:
    item = PushItem
    query = (
        sa.select(
            Customer, item.control, Product.name, item.plan_id, *(said[key] for key in ANSWERS)
        )
        .join(item, item.customer_id == Customer.id)
        .outerjoin(Product, Product.id == item.product_id)
        .where(item.push_id == push.id)
        .order_by(item.control, item.id)
        .limit(MOST)
    )
    return [PushedRow(*row) for row in session.execute(query)]


def _job(session: Session, push: Push) -> int | None:
    """Return the bulk job that did it, with the reasons of whom it did not reach; one's own."""
    job = BatchJob
    mine = job.arguments["push_id"].as_integer() == push.id
    query = sa.select(job.id).where(job.verb == BatchVerb.push, mine).order_by(job.id)
    return session.scalars(query.limit(1)).first()
