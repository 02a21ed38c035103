"""Bulk decisions: frozen first, done in chunks, every item for itself, each chunk one transaction.

A plain item (its last step, one of several who may decide) is done together with its chunk's
others in a fixed number of statements; whatever is less plain is decided by itself.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate
from services.access import act, actor_of
from services.actor import Actor, demand, load_actor
from services.approval import inbox
from services.approval.claim import REASONS
from services.approval.decide import checked
from services.approval.items import each
from services.approval.together import Chunk, Said, plain_of, together
from services.errors import Invalid
from services.outbox import enqueue

CHUNK = 500
SINGLY = 100  # a chunk with more than these to be done one by one is cut to as many
AT_ONCE = 500  # more than these are done by the worker
Pairs = Sequence[tuple[int, int | None]]


def prepare(  # noqa: PLR0913 # what was seen and said is part of the law
    session: Session,
    what: Pairs | str,
    *,
    verb: str,
    comment: str | None,
    by: Actor,
    now: dt.datetime,
    warn: bool = True,
    submitter: int | None = None,
) -> m.BatchJob:
    """Freeze what a bulk decision is about: ticked (id, seen) pairs, or all of a type in the inbox.

    All of a type may be narrowed to those of one submitter.

    Requests with a warning are left out and named in `skipped` (`warn`). Nothing is decided yet.
    """
    demand(by, "task:decide")
    comment = checked(verb, comment)
    found = _found(session, what, by, submitter)
    seen = (
        {key: row.seen_version for key, row in found.items()}
        if isinstance(what, str)
        else dict(what)
    )
    if not seen:
        raise Invalid({"rowid": _("没有可处理的申请")})
    doubtful = inbox.flagged(session, list(found)) if warn and verb == "approve" else set()
    with gate.rule(session, "approval"):
        job = m.BatchJob(
            verb=m.BatchVerb[verb],
            noun="request",
            comment=comment,
            actor_id=by.id or 0,
            created_at=now,
            skipped=[found[key].title for key in sorted(doubtful)],
        )
        session.add(job)
        session.flush()
        items = [
            _item(job, key, version, found.get(key))
            for key, version in seen.items()
            if key not in doubtful
        ]
        if items:
            session.execute(
                sa.insert(m.BatchItem.__table__), items, execution_options={"rule": "approval"}
            )
    return job


def _item(job: m.BatchJob, key: int, version: int | None, row: Any) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "target_id": key,
        "seen_version": version,
        "title": f"#{key}" if row is None else row.title,
        "state": m.ItemState.waiting,
    }


def _found(session: Session, what: Pairs | str, by: Actor, submitter: int | None) -> dict[int, Any]:
    """Return the requests that are meant: id → row with seen_version and title."""
    request, task = m.ApprovalRequest, m.ApprovalTask
    query = sa.select(request.id, request.seen_version, request.title)
    if isinstance(what, str):
        query = query.join(task, task.request_id == request.id).where(
            inbox.mine(by, "open"), inbox.of_type(what)
        )
        if submitter is not None:
            query = query.where(request.submitted_by_id == submitter)
    else:
        query = query.where(request.id.in_([key for key, _seen in what]))
    return {row.id: row for row in session.execute(query.order_by(request.id))}


def kinds(session: Session, job: m.BatchJob) -> list[tuple[str, m.FlowAction, int]]:
    """Return (noun, action, number) of a job's items, for the question before it runs."""
    request, item = m.ApprovalRequest, m.BatchItem
    return [
        (row[0], row[1], row[2])
        for row in session.execute(
            sa.select(request.noun, request.action, sa.func.count())
            .join(item, item.target_id == request.id)
            .where(item.job_id == job.id)
            .group_by(request.noun, request.action)
        )
    ]


def tally(session: Session, job_id: int) -> dict[m.ItemState, int]:
    """Return state → number of a job's items."""
    item = m.BatchItem
    return dict(
        session.execute(
            sa.select(item.state, sa.func.count()).where(item.job_id == job_id).group_by(item.state)
        ).all()
    )


def step(session: Session, job: m.BatchJob, *, by: Actor, now: dt.datetime) -> int:
    """Do the next chunk of waiting items; return how many. The caller commits after each.

    Items and effects are written in the same transaction: a kill leaves no item half done, and
    what waits is found again.
    """
    chunk = _waiting(session, job)
    if not chunk.items:
        if job.finished_at is None:
            with gate.rule(session, "approval"):
                job.finished_at = now
        return 0
    said = Said(job.verb.name, job.comment, by, now)
    plain = plain_of(session, chunk, said)
    if len(chunk.items) - len(plain) > SINGLY:
        chunk = Chunk(job.id, chunk.items[:SINGLY])
        plain &= {row.target_id for row in chunk.items}
    done = together(session, chunk, plain, said)
    rest = {row.target_id: row.seen_version for row in chunk.items if row.target_id not in done}
    results = each(session, rest, verb=said.verb, comment=said.comment, by=by, now=now)
    _store(session, job, results)
    return len(chunk.items)


def _waiting(session: Session, job: m.BatchJob) -> Chunk:
    item = m.BatchItem.__table__
    rows = session.execute(
        sa.select(item.c.id, item.c.target_id, item.c.seen_version)
        .where(item.c.job_id == job.id, item.c.state == m.ItemState.waiting)
        .order_by(item.c.id)
        .limit(CHUNK)
    ).all()
    return Chunk(job.id, list(rows))


def _store(session: Session, job: m.BatchJob, results: dict[int, tuple[str, str] | None]) -> None:
    item = m.BatchItem.__table__
    options = {"rule": "approval"}
    good = [key for key, problem in results.items() if problem is None]
    mine = item.c.job_id == job.id
    if good:
        session.execute(
            sa.update(item)
            .where(mine, item.c.target_id.in_(good))
            .values(state=m.ItemState.done, code=None, message=None),
            execution_options=options,
        )
    bad = [
        {"key": key, "code_": problem[0], "text_": problem[1][:300]}
        for key, problem in results.items()
        if problem is not None
    ]
    if bad:
        session.connection().execute(
            sa.update(item)
            .where(mine, item.c.target_id == sa.bindparam("key"))
            .values(
                state=m.ItemState.failed, code=sa.bindparam("code_"), message=sa.bindparam("text_")
            ),
            bad,
        )


def run(session: Session, job: m.BatchJob, *, by: Actor, now: dt.datetime) -> None:
    """Do all of a job in the caller's transaction."""
    while step(session, job, by=by, now=now):
        pass
    session.expire(job)


def run_batch(session: Session, *, job_id: int, now: dt.datetime) -> bool:
    """Do one chunk of a job as its own person; return whether nothing is left.

    A task of the worker, whose session acts for the system: it commits the chunk and asks again,
    so it may be killed at any moment. Whoever lost the right meanwhile gets every item refused.
    """
    before = actor_of(session)
    job = session.get(m.BatchJob, job_id)
    by = load_actor(session, job.actor_id) if job is not None else None
    if job is None or by is None:
        return True
    act(session, by)
    try:
        return step(session, job, by=by, now=now) == 0
    finally:
        act(session, before)


def start(session: Session, job: m.BatchJob, *, by: Actor, now: dt.datetime) -> bool:
    """Do a job at once, or let the worker do a large one; return whether it is done."""
    waiting = tally(session, job.id).get(m.ItemState.waiting, 0)
    if waiting > AT_ONCE:
        enqueue(session, "batch", {"job_id": job.id}, title=str(job.verb), now=now)
        return False
    run(session, job, by=by, now=now)
    return True


__all__ = ["AT_ONCE", "REASONS", "kinds", "prepare", "run", "run_batch", "start", "step", "tally"]
