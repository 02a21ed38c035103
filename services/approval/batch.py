"""Bulk verbs: every item succeeds or fails alone, and how it went is stored."""

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import batch_work, batches
from services.actor import Actor, demand
from services.approval import bulk, choice
from services.approval.decide import checked
from services.approval.snapshot import REVIEWED
from services.approval.submit import submit
from services.batches import Item
from services.errors import Invalid, Refused, Stale


def decide_many(  # what was seen and said is part of the law
    session: Session,
    items: Iterable[Item],
    *,
    verb: str,
    comment: str | None,
    by: Actor,
    now: dt.datetime,
) -> m.BatchJob:
    """Decide requests, each for itself. Raises only when the whole call is wrong."""
    job = bulk.prepare(session, list(items), verb=verb, comment=comment, by=by, now=now, warn=False)
    batch_work.run(session, job, by=by, now=now)
    return job


def submit_many(
    session: Session,
    noun: str,
    items: Iterable[Item],
    *,
    by: Actor,
    now: dt.datetime,
    job: m.BatchJob | None = None,
) -> m.BatchJob:
    """Submit drafts one by one, as more items of `job` where one is given."""
    task = submitting(noun, by=by)
    job = job or batches.open_job(session, task, by=by, now=now)
    batches.add(session, job, dict(items).items())
    batch_work.run(session, job, by=by, now=now)
    return job


def submitting(noun: str, *, by: Actor) -> batches.Task:
    """Return the task of submitting records. Raises Forbidden."""
    demand(by, f"{noun}:submit")
    return batches.Task(m.BatchVerb.submit, noun)


@batch_work.singly(m.BatchVerb.submit)
def submit_each(call: batch_work.Call) -> batch_work.Act:
    """Return what submits one draft as it was seen."""
    demand(call.by, f"{call.job.noun}:submit")
    model = REVIEWED[call.job.noun]

    def one(target: int, seen: int | None) -> str:
        record = batches.visible(call.session, model, target)
        if seen is not None and seen != record.row_version:
            raise Stale
        try:
            submit(call.session, record, by=call.by, now=call.now)
        except Invalid as problem:
            if choice.FIELD not in problem.errors:
                raise
            raise Refused(
                _("此流程需要提交人选择审批人，请打开记录单独提交"), code="CHOICE_NEEDED"
            ) from problem
        return str(record)

    return one


def deciding(verb: m.BatchVerb, comment: str | None, *, by: Actor) -> batches.Task:
    """Return the task of deciding requests. Raises Forbidden, Invalid without a due comment."""
    demand(by, "task:decide")
    return batches.Task(verb, "request", checked(verb.name, comment))


def resolve(session: Session, noun: str, items: Iterable[Item]) -> tuple[list[Item], list[int]]:
    """Turn (record, seen) of a grid into (open request, seen); second: records with none open.

    What the person saw is the record's version; a request froze exactly that version.
    """
    pairs = list(items)
    request = m.ApprovalRequest
    found = dict(
        session.execute(
            sa.select(request.record_id, request.id).where(
                request.noun == noun,
                request.state == m.Approval.pending,
                request.record_id.in_([key for key, _seen in pairs]),
            )
        ).all()
    )
    ready = [(found[key], seen) for key, seen in pairs if key in found]
    return ready, [key for key, _seen in pairs if key not in found]
