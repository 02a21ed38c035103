"""The jobs of bulk verbs: what is to be done, frozen before it is, and how it went.

A job holds the verb, what it needs, and the records it is about with the versions that were seen;
services/bulk/runner.py does it.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.bulk.batch import BatchItem, BatchJob, BatchVerb, ItemState
from models.core.base import Model
from services.core.errors import NotVisible, Refused
from services.rights import gate
from services.rights.call import Call
from services.rights.rules import APPROVAL

V = BatchVerb
MODELS = {mapper.class_.__noun__: mapper.class_ for mapper in Model.registry.mappers}
ITEM: Any = BatchItem.__table__
RULED: dict[str, Any] = {"execution_options": APPROVAL}
PART = 5000  # rows an INSERT
KEPT = dt.timedelta(days=7)  # how long a frozen job waits for its word
# A retry of these acts on what was seen, and on nothing else; the others take it as it is now.
AS_SEEN = frozenset({V.approve, V.reject, V.delete})

Item = tuple[int, int | None]  # target id, the version the person saw


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with records of a noun; None as arguments: not said yet."""

    verb: BatchVerb
    noun: str
    comment: str | None = None
    arguments: dict[str, Any] | None = dataclasses.field(default_factory=dict)


def visible(session: Session, model: type[Any], key: int) -> Any:
    """Return a record by key. Raises NotVisible."""
    found = session.scalar(sa.select(model).where(model.id == key))
    if found is None:
        raise NotVisible
    return found


def open_job(call: Call, task: Task, *, skipped: Iterable[str] = ()) -> BatchJob:
    """Return a new job of somebody, without items yet."""
    with gate.rule(call.session, "approval"):
        job = BatchJob(
            verb=task.verb,
            noun=task.noun,
            comment=task.comment,
            arguments=task.arguments,
            actor_id=call.by.id or 0,
            created_at=call.now,
            skipped=list(skipped),
        )
        call.session.add(job)
    return job


def add(
    session: Session, job: BatchJob, items: Iterable[Item], titles: Mapping[int, str] | None = None
) -> int:
    """Add items to a job, each target once; return how many. They are read as they are written."""
    source, number, known = iter(items), 0, titles or {}
    while part := dict(islice(source, PART)):
        rows = [
            {
                "job_id": job.id,
                "target_id": key,
                "seen_version": seen,
                "title": known.get(key, f"#{key}"),
                "state": ItemState.waiting,
            }
            for key, seen in part.items()
        ]
        session.execute(sa.insert(ITEM), rows, **RULED)
        number += len(rows)
    return number


def instruct(session: Session, job: BatchJob, task: Task) -> None:
    """Say what is to be done with the items that were frozen."""
    with gate.rule(session, "approval"):
        job.comment, job.arguments = task.comment, task.arguments


def frozen(session: Session, key: int | None) -> BatchJob:
    """Return a stored job of the session's person. Raises NotVisible."""
    return visible(session, BatchJob, key or 0)  # type: ignore[no-any-return] # a row


def tally(session: Session, job_id: int) -> dict[ItemState, int]:
    """Return state → number of a job's items."""
    query = sa.select(ITEM.c.state, sa.func.count()).where(ITEM.c.job_id == job_id)
    return dict(session.execute(query.group_by(ITEM.c.state)).all())


def noted(session: Session, job_id: int) -> dict[str, int]:
    """Return words → number of the items that are done otherwise than the verb says."""
    mine = (ITEM.c.job_id == job_id, ITEM.c.state == ItemState.done, ITEM.c.message.is_not(None))
    query = sa.select(sa.func.min(ITEM.c.id).label("first"), sa.func.count().label("number"))
    one = query.where(*mine).group_by(ITEM.c.message).subquery()
    told = sa.select(ITEM.c["message", "words"], one.c.number).where(ITEM.c.id == one.c.first)
    return {reason(row): row.number for row in session.execute(told)}


def reason(item: Any) -> str:
    """Return an item's message as its reader has it; of before words were kept, as it was told."""
    here = get_locale()
    found: str | None = (item.words or {}).get(here.language) if here else None
    return found or item.message or ""


def rows_of(session: Session, job: BatchJob, *, most: int) -> list[Any]:
    """Return the first items of a job, what was not done on top."""
    item = BatchItem
    query = sa.select(item).where(item.job_id == job.id)
    order = (item.state != ItemState.failed, item.id)
    return list(session.scalars(query.order_by(*order).limit(most)))


def retry(call: Call, job: BatchJob) -> BatchJob:
    """Return a new job of the failed items alone, ready to be started.

    Raises Refused for one of which it was not kept what to do.
    """
    if job.arguments is None:
        raise Refused(_("请回到列表重新选择"))
    task = Task(job.verb, job.noun, job.comment, dict(job.arguments))
    fresh = open_job(call, task)
    seen = ITEM.c.seen_version if job.verb in AS_SEEN else sa.null()
    copy(call.session, (job, ItemState.failed), fresh, seen)
    return fresh


def copy(session: Session, source: tuple[BatchJob, ItemState], into: BatchJob, seen: Any) -> None:
    """Give a job the items of another that are in a state; one statement."""
    job, state = source
    values = {
        "job_id": sa.literal(into.id),
        "target_id": ITEM.c.target_id,
        "seen_version": sa.cast(seen, sa.Integer),
        "title": ITEM.c.title,
        "state": sa.literal(ItemState.waiting, ITEM.c.state.type),
    }
    query = sa.select(*values.values()).where(ITEM.c.job_id == job.id, ITEM.c.state == state)
    query = query.order_by(ITEM.c.id)
    statement = sa.insert(ITEM).from_select(list(values), query, include_defaults=False)
    session.execute(statement, **RULED)


def prune(session: Session, *, now: dt.datetime) -> int:
    """Forget what was frozen a week ago and never confirmed. Returns how many jobs went."""
    table: Any = BatchJob.__table__
    left = sa.and_(table.c.started_at.is_(None), table.c.created_at < now - KEPT)
    jobs = sa.select(table.c.id).where(left)
    session.execute(sa.delete(ITEM).where(ITEM.c.job_id.in_(jobs)), **RULED)
    found: Any = session.execute(sa.delete(table).where(left), **RULED)
    return int(found.rowcount)
