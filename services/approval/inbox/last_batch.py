"""The last bulk decision of a person, for the top of his queue."""

import dataclasses
import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.bulk.batch import BatchItem, BatchJob, ItemState
from services.rights.actor import Actor

ITEM = BatchItem.__table__.alias("counted")
FRESH = dt.timedelta(hours=12)
NAMED = 5  # items named on the spot; the rest is one click away


@dataclasses.dataclass(frozen=True, slots=True)
class Last:
    """What came of it: numbers, and the first of those that were not done."""

    id: int
    done: int
    failed: int
    items: list[BatchItem]


def last(session: Session, actor: Actor, *, now: dt.datetime) -> Last | None:
    """Return the newest finished bulk decision of the last hours; one statement."""
    job, item = BatchJob, BatchItem
    bad = sa.and_(item.job_id == job.id, item.state == ItemState.failed)
    rows = session.execute(
        sa.select(job.id, _number(ItemState.done), _number(ItemState.failed), item)
        .outerjoin(item, bad)
        .where(job.id == _newest(actor, now))
        .order_by(item.id)
        .limit(NAMED)
    ).all()
    if not rows:
        return None
    return Last(*rows[0][:3], [row[3] for row in rows if row[3] is not None])


def _number(state: ItemState) -> sa.ScalarSelect[int]:
    counted = sa.select(sa.func.count()).where(ITEM.c.job_id == BatchJob.id)
    return counted.where(ITEM.c.state == state).correlate(BatchJob).scalar_subquery()


def _newest(actor: Actor, now: dt.datetime) -> sa.ScalarSelect[int]:
    job = BatchJob
    return (
        sa.select(sa.func.max(job.id))
        .where(job.actor_id == actor.id, job.noun == "request", job.finished_at > now - FRESH)
        .scalar_subquery()
    )
