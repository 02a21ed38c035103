"""Bulk decisions: what is frozen before the question, and how a chunk of it is decided.

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
from services import batch_work, batches
from services.actor import Actor, demand
from services.approval import inbox
from services.approval.claim import REASONS
from services.approval.decide import checked
from services.approval.items import each
from services.approval.together import Said, plain_of, together
from services.batch_work import SINGLY, Chunk, Outcome
from services.errors import Invalid

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
    task = batches.Task(m.BatchVerb[verb], "request", comment)
    skipped = [found[key].title for key in sorted(doubtful)]
    job = batches.open_job(session, task, by=by, now=now, skipped=skipped)
    items = [(key, version) for key, version in seen.items() if key not in doubtful]
    batches.add(session, job, items, {key: row.title for key, row in found.items()})
    return job


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


@batch_work.together(m.BatchVerb.approve, m.BatchVerb.reject)
def decide_chunk(call: batch_work.Call, chunk: Chunk) -> tuple[int, dict[int, Outcome]]:
    """Decide a chunk of requests: the plain ones together, the rest one by one."""
    session, job = call.session, call.job
    said = Said(job.verb.name, job.comment, call.by, call.now)
    plain = plain_of(session, chunk, said)
    if len(chunk.items) - len(plain) > SINGLY:
        chunk = chunk.first(SINGLY)
        plain &= {row.target_id for row in chunk.items}
    done = together(session, chunk, plain, said)
    rest = {row.target_id: row.seen_version for row in chunk.items if row.target_id not in done}
    problems = each(session, rest, verb=said.verb, comment=said.comment, by=call.by, now=call.now)
    return len(chunk.items), {key: Outcome(problem=found) for key, found in problems.items()}


__all__ = ["REASONS", "decide_chunk", "kinds", "prepare"]
