"""Bulk verbs at work: in chunks, every item for itself, each chunk one transaction.

A page does a small job at once, the worker a large one piece by piece: a kill leaves no item half
done, and what waits is found again. What a verb does is registered by the service that knows it.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.bulk.batch import BatchJob, ItemState
from models.delivery.notification import NoticeKind
from models.people.user import Language
from services.bulk.doers import DOERS, Chunk, JobCall, Outcome
from services.bulk.jobs import ITEM, Item, Task, add, noted, open_job, tally
from services.core.errors import Refused
from services.delivery import outbox
from services.delivery.notices import Notice, gathered, tell
from services.rights import gate
from services.rights.access import act, actor_of
from services.rights.actor import load_actor
from services.rights.call import Call

CHUNK = 1000
AT_ONCE = 500  # more than these are done by the worker


def start(call: Call, job: BatchJob) -> bool:
    """Do a job at once, or let the worker do a large one; return whether it is done.

    Raises Refused for a job of which nobody said what to do.
    """
    if job.arguments is None:
        raise Refused(_("请回到列表重新选择"))
    waiting = tally(call.session, job.id).get(ItemState.waiting, 0)
    if waiting <= AT_ONCE:
        run(call, job)
        return True
    with gate.rule(call.session, "approval"):
        job.started_at = job.started_at or call.now
    outbox.enqueue(call.session, "batch", {"job_id": job.id}, title=str(job.verb), now=call.now)
    return False


def running(session: Session, job: BatchJob) -> bool:
    """Tell whether the worker has a job before it."""
    return job.finished_at is None and outbox.underway(session, "batch", {"job_id": job.id})


def stalled(session: Session, job: BatchJob, *, now: dt.datetime) -> bool:
    """Tell whether the worker has not come for a job."""
    return outbox.stalled(session, "batch", {"job_id": job.id}, now=now)


def perform(call: Call, task: Task, items: Iterable[Item]) -> BatchJob:
    """Do a verb with records in the caller's transaction; one that is named twice is done once."""
    job = open_job(call, task)
    add(call.session, job, dict(items).items())
    run(call, job)
    return job


def run(call: Call, job: BatchJob) -> None:
    """Do all of a job in the caller's transaction."""
    with gate.rule(call.session, "approval"):
        job.started_at = job.started_at or call.now
    while step(call, job):
        pass
    call.session.expire(job)


def step(call: Call, job: BatchJob) -> int:
    """Do the next chunk of waiting items; return how many. The caller commits after each.

    Items and effects are written in the same transaction: a kill leaves no item half done, and
    what waits is found again. The job is locked: whoever does it too takes the next chunk.
    """
    table: Any = BatchJob.__table__
    call.session.execute(sa.select(table.c.id).where(table.c.id == job.id).with_for_update())
    chunk = _waiting(call.session, job)
    if chunk.items:
        with gathered(call.session, f"batch{job.id}"):
            number, found = DOERS[job.verb](JobCall(call.session, call.by, call.now, job), chunk)
        _store(call.session, chunk, found)
        return number
    if job.finished_at is None:
        with gate.rule(call.session, "approval"):
            job.finished_at = call.now
    return 0


def _waiting(session: Session, job: BatchJob) -> Chunk:
    rows = session.execute(
        sa.select(ITEM.c["id", "target_id", "seen_version", "title"])
        .where(ITEM.c.job_id == job.id, ITEM.c.state == ItemState.waiting)
        .order_by(ITEM.c.id)
        .limit(CHUNK)
    ).all()
    return Chunk(job.id, list(rows))


def _store(session: Session, chunk: Chunk, found: dict[int, Outcome]) -> None:
    rows = [_result(row, found[row.target_id]) for row in chunk.items if row.target_id in found]
    if not rows:
        return
    _word(rows)
    values = {
        "state": sa.bindparam("state_", type_=ITEM.c.state.type),
        "title": sa.bindparam("title_"),
        "code": sa.bindparam("code_"),
        "message": sa.bindparam("text_"),
        "words": sa.bindparam("words_", type_=ITEM.c.words.type),
        "changes": sa.bindparam("changes_", type_=ITEM.c.changes.type),
    }
    statement = sa.update(ITEM).where(ITEM.c.id == sa.bindparam("key")).values(values)
    session.connection().execute(statement, rows)


def _result(row: Any, outcome: Outcome) -> dict[str, Any]:
    code, text = outcome.problem or (None, outcome.note)
    state = ItemState.failed if outcome.problem else ItemState.done
    told = {"title_": (outcome.title or row.title)[:200], "code_": code, "text_": text}
    return {"key": row.id, "state_": state, "changes_": outcome.changes, "words_": None} | told


def _word(rows: list[dict[str, Any]]) -> None:
    """Put (lazy) texts into words: of every language for readers, of this one for programs."""
    said = [row for row in rows if row["text_"]]
    for language in Language:
        with force_locale(language.locale):
            for row in said:
                row["words_"] = (row["words_"] or {}) | {language.name: str(row["text_"])[:300]}
    for row in said:
        row["text_"] = str(row["text_"])[:300]


def run_batch(session: Session, *, job_id: int, now: dt.datetime) -> bool:
    """Do one chunk of a job as its own person; return whether nothing is left.

    A task of the worker, whose session acts for the system: it commits the chunk and asks again,
    so it may be killed at any moment. Whoever lost the right meanwhile gets every item refused.
    """
    before = actor_of(session)
    job = session.get(BatchJob, job_id)
    by = load_actor(session, job.actor_id) if job is not None else None
    if job is None or by is None:
        return True
    act(session, by)
    try:
        with force_locale(job.actor.language.locale):
            left = step(Call(session, by, now), job)
        if left:
            return False
        _tell(session, job, now)
    finally:
        act(session, before)
    return True


def _tell(session: Session, job: BatchJob, now: dt.datetime) -> None:
    found = tally(session, job.id)
    aside = sum(noted(session, job.id).values())
    done, total = found.get(ItemState.done, 0) - aside, sum(found.values())
    tell(
        session,
        Notice(
            user_id=job.actor_id,
            kind=NoticeKind.batch,
            title=f"{job.verb} {done}/{total}",
            url=f"/admin/batch/?id={job.id}",
            dedupe_key=f"batch:{job.id}",
        ),
        now=now,
    )
