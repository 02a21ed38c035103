"""Bulk decisions: what is frozen before the question, and how a chunk of it is decided.

A plain item (its last step, one of several who may decide) is done together with its chunk's
others in a fixed number of statements; whatever is less plain is decided by itself.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask
from models.bulk.batch import BatchItem, BatchJob, BatchVerb
from services.approval.bulk.fast_path import Ruling, plain_of, together
from services.approval.bulk.itemwise import each
from services.approval.inbox import inbox
from services.approval.request.decide import checked
from services.approval.request.request_lock import REASONS
from services.bulk import doers, jobs
from services.bulk.doers import SINGLY, Chunk, Outcome
from services.core.errors import Invalid
from services.rights.actor import Actor, demand
from services.rights.call import Call

Pairs = Sequence[tuple[int, int | None]]


def prepare(
    call: Call,
    what: Pairs | str,
    *,
    verb: str,
    comment: str | None,
    warn: bool = True,
    among: Sequence[sa.ColumnElement[bool]] = (),
) -> BatchJob:
    """Freeze what a bulk decision is about: ticked (id, seen) pairs, or all of a type in the inbox.

    All of a type may be narrowed by clauses over the requests (`among`).

    Requests with a warning are left out and named in `skipped` (`warn`). Nothing is decided yet.
    """
    demand(call.by, "task:decide")
    comment = checked(verb, comment)
    found = _found(call.session, what, call.by, among)
    seen = (
        {key: row.seen_version for key, row in found.items()}
        if isinstance(what, str)
        else dict(what)
    )
    if not seen:
        raise Invalid({"rowid": _("没有可处理的审批单")})
    doubtful = inbox.flagged(call.session, list(found)) if warn and verb == "approve" else set()
    task = jobs.Task(BatchVerb[verb], "request", comment)
    skipped = [found[key].title for key in sorted(doubtful)]
    job = jobs.open_job(call, task, skipped=skipped)
    items = [(key, version) for key, version in seen.items() if key not in doubtful]
    jobs.add(call.session, job, items, {key: row.title for key, row in found.items()})
    return job


def _found(session: Session, what: Pairs | str, by: Actor, among: Sequence[Any]) -> dict[int, Any]:
    """Return the requests that are meant: id → row with seen_version and title."""
    request, task = ApprovalRequest, ApprovalTask
    query = sa.select(request.id, request.seen_version, request.title)
    if isinstance(what, str):
        query = query.join(task, task.request_id == request.id).where(
            inbox.mine(by, "open"), inbox.of_type(what), *among
        )
    else:
        query = query.where(request.id.in_([key for key, _seen in what]))
    return {row.id: row for row in session.execute(query.order_by(request.id))}


def kinds(session: Session, job: BatchJob) -> list[tuple[str, FlowAction, int]]:
    """Return (noun, action, number) of a job's items, for the question before it runs."""
    request, item = ApprovalRequest, BatchItem
    return [
        (row[0], row[1], row[2])
        for row in session.execute(
            sa.select(request.noun, request.action, sa.func.count())
            .join(item, item.target_id == request.id)
            .where(item.job_id == job.id)
            .group_by(request.noun, request.action)
        )
    ]


@doers.together(BatchVerb.approve, BatchVerb.reject)
def decide_chunk(call: doers.JobCall, chunk: Chunk) -> tuple[int, dict[int, Outcome]]:
    """Decide a chunk of requests: the plain ones together, the rest one by one."""
    session, job = call.session, call.job
    said = Ruling(job.verb.name, job.comment, call.by, call.now)
    plain = plain_of(session, chunk, said)
    if len(chunk.items) - len(plain) > SINGLY:
        chunk = chunk.first(SINGLY)
        plain &= {row.target_id for row in chunk.items}
    done = together(session, chunk, plain, said)
    rest = {row.target_id: row.seen_version for row in chunk.items if row.target_id not in done}
    problems = each(call, rest, verb=said.verb, comment=said.comment)
    return len(chunk.items), {key: Outcome(problem=found) for key, found in problems.items()}


__all__ = ["REASONS", "decide_chunk", "kinds", "prepare"]
