"""Bulk verbs at work: in chunks, every item for itself, each chunk one transaction.

A page does a small job at once, the worker a large one piece by piece: a kill leaves no item half
done, and what waits is found again. What a verb does is registered by the service that knows it.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate, outbox
from services.access import act, actor_of
from services.actor import Actor, load_actor
from services.batches import ITEM, MODELS, Item, Task, add, open_job, tally
from services.errors import Invalid, Refused
from services.notices import tell

CHUNK = 1000
SINGLY = 100  # of what is done one by one: a chunk holds the write lock of SQLite
AT_ONCE = 500  # more than these are done by the worker

Act = Callable[[int, int | None], str]  # does one item (target, version seen), returns its title


@dataclasses.dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive waiting items of a job."""

    job_id: int
    items: list[Any]  # rows: id, target_id, seen_version, title

    def where(self, state: m.ItemState) -> sa.ColumnElement[bool]:
        """Return the condition on batch_item: of this chunk, in a state."""
        first, last = self.items[0].id, self.items[-1].id
        return sa.and_(
            ITEM.c.job_id == self.job_id, ITEM.c.id.between(first, last), ITEM.c.state == state
        )

    def targets(self, state: m.ItemState) -> sa.Select[Any]:
        """Return the ids of what the chunk's items in a state are about."""
        return sa.select(ITEM.c.target_id).where(self.where(state))

    def first(self, many: int) -> "Chunk":
        """Return its first items alone."""
        return Chunk(self.job_id, self.items[:many])


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A job being done: for whom, when."""

    session: Session
    job: m.BatchJob
    by: Actor
    now: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How it went for one item; without a problem it is done."""

    title: str | None = None
    problem: tuple[str, str] | None = None  # code, message


# A verb does a chunk and returns how many items it took and what to store of them.
Doer = Callable[[Call, Chunk], tuple[int, dict[int, Outcome]]]
DOERS: dict[m.BatchVerb, Doer] = {}


def together(*verbs: m.BatchVerb) -> Callable[[Doer], Doer]:
    """Register what does a whole chunk of a verb."""

    def register(do: Doer) -> Doer:
        DOERS.update(dict.fromkeys(verbs, do))
        return do

    return register


def singly(*verbs: m.BatchVerb) -> Callable[[Callable[[Call], Act]], Callable[[Call], Act]]:
    """Register what makes the function that does one item; its refusal is every item's."""

    def register(make: Callable[[Call], Act]) -> Callable[[Call], Act]:
        def do(call: Call, chunk: Chunk) -> tuple[int, dict[int, Outcome]]:
            part = chunk.first(SINGLY).items
            try:
                one = make(call)
            except Refused as refusal:
                return len(part), {row.target_id: refused(call, row, refusal) for row in part}
            return len(part), {row.target_id: _one(call, row, one) for row in part}

        together(*verbs)(do)
        return make

    return register


def _one(call: Call, row: Any, one: Act) -> Outcome:
    """Do one item inside its own SAVEPOINT, so that a refusal undoes that item alone."""
    try:
        with call.session.begin_nested():
            return Outcome(one(row.target_id, row.seen_version))
    except Refused as refusal:
        return refused(call, row, refusal)


def refused(call: Call, row: Any, refusal: Refused) -> Outcome:
    """Return the outcome of an item that was refused, with the title of what may be seen."""
    model = MODELS[call.job.noun]
    record = call.session.scalar(sa.select(model).where(model.id == row.target_id))
    return Outcome(str(record) if record else f"#{row.target_id}", told(refusal))


def told(refusal: Refused) -> tuple[str, str]:
    """Return the code and the message of a refusal; of bad input all of it."""
    if isinstance(refusal, Invalid):
        return refusal.code, "；".join(f"{text}" for text in refusal.errors.values())
    return refusal.code, str(refusal)


def start(session: Session, job: m.BatchJob, *, by: Actor, now: dt.datetime) -> bool:
    """Do a job at once, or let the worker do a large one; return whether it is done.

    Raises Refused for a job of which nobody said what to do.
    """
    if job.arguments is None:
        raise Refused(_("请回到列表重新选择"))
    waiting = tally(session, job.id).get(m.ItemState.waiting, 0)
    if waiting <= AT_ONCE:
        run(session, job, by=by, now=now)
        return True
    with gate.rule(session, "approval"):
        job.started_at = job.started_at or now
    outbox.enqueue(session, "batch", {"job_id": job.id}, title=str(job.verb), now=now)
    return False


def running(session: Session, job: m.BatchJob) -> bool:
    """Tell whether the worker has a job before it."""
    return job.finished_at is None and outbox.underway(session, "batch", {"job_id": job.id})


def stalled(session: Session, job: m.BatchJob, *, now: dt.datetime) -> bool:
    """Tell whether the worker has not come for a job."""
    return outbox.stalled(session, "batch", {"job_id": job.id}, now=now)


def perform(
    session: Session, task: Task, items: Iterable[Item], *, by: Actor, now: dt.datetime
) -> m.BatchJob:
    """Do a verb with records in the caller's transaction; one that is named twice is done once."""
    job = open_job(session, task, by=by, now=now)
    add(session, job, dict(items).items())
    run(session, job, by=by, now=now)
    return job


def run(session: Session, job: m.BatchJob, *, by: Actor, now: dt.datetime) -> None:
    """Do all of a job in the caller's transaction."""
    with gate.rule(session, "approval"):
        job.started_at = job.started_at or now
    while step(session, job, by=by, now=now):
        pass
    session.expire(job)


def step(session: Session, job: m.BatchJob, *, by: Actor, now: dt.datetime) -> int:
    """Do the next chunk of waiting items; return how many. The caller commits after each.

    Items and effects are written in the same transaction: a kill leaves no item half done, and
    what waits is found again. The job is locked: whoever does it too takes the next chunk.
    """
    table: Any = m.BatchJob.__table__
    session.execute(sa.select(table.c.id).where(table.c.id == job.id).with_for_update())
    chunk = _waiting(session, job)
    if chunk.items:
        number, found = DOERS[job.verb](Call(session, job, by, now), chunk)
        _store(session, chunk, found)
        return number
    if job.finished_at is None:
        with gate.rule(session, "approval"):
            job.finished_at = now
    return 0


def _waiting(session: Session, job: m.BatchJob) -> Chunk:
    rows = session.execute(
        sa.select(ITEM.c["id", "target_id", "seen_version", "title"])
        .where(ITEM.c.job_id == job.id, ITEM.c.state == m.ItemState.waiting)
        .order_by(ITEM.c.id)
        .limit(CHUNK)
    ).all()
    return Chunk(job.id, list(rows))


def _store(session: Session, chunk: Chunk, found: dict[int, Outcome]) -> None:
    rows = []
    for row in chunk.items:
        outcome = found.get(row.target_id)
        if outcome is None:
            continue
        code, text = outcome.problem or (None, None)
        state = m.ItemState.failed if outcome.problem else m.ItemState.done
        title = (outcome.title or row.title)[:200]
        words = {"title_": title, "code_": code, "text_": text and text[:300]}
        rows.append({"key": row.id, "state_": state} | words)
    if not rows:
        return
    values = {
        "state": sa.bindparam("state_", type_=ITEM.c.state.type),
        "title": sa.bindparam("title_"),
        "code": sa.bindparam("code_"),
        "message": sa.bindparam("text_"),
    }
    statement = sa.update(ITEM).where(ITEM.c.id == sa.bindparam("key")).values(values)
    session.connection().execute(statement, rows)


def run_batch(session: Session, *, job_id: int, now: dt.datetime) -> bool:
    """Do one chunk of a job as its own person; return whether nothing is left.

    A task of the worker, whose session acts for the system: it commits the chunk and asks again,
    so it may be killed at any moment. Whoever lost the right meanwhile gets every item refused.
    Reasons are told in the person's language: they are stored as they are read.
    """
    before = actor_of(session)
    job = session.get(m.BatchJob, job_id)
    by = load_actor(session, job.actor_id) if job is not None else None
    if job is None or by is None:
        return True
    act(session, by)
    try:
        with force_locale(job.actor.language.locale):
            left = step(session, job, by=by, now=now)
        if left:
            return False
        _tell(session, job, now)
    finally:
        act(session, before)
    return True


def _tell(session: Session, job: m.BatchJob, now: dt.datetime) -> None:
    found = tally(session, job.id)
    done, total = found.get(m.ItemState.done, 0), sum(found.values())
    tell(
        session,
        user_id=job.actor_id,
        kind=m.NoticeKind.batch,
        title=f"{job.verb} {done}/{total}",
        url=f"/admin/batch/?id={job.id}",
        dedupe_key=f"batch:{job.id}",
        now=now,
    )
