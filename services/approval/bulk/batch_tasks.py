"""Bulk verbs: every item succeeds or fails alone, and how it went is stored."""

from collections import Counter
from collections.abc import Iterable

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.bulk.batch import BatchJob, BatchVerb
from models.core.mixins import Approval
from services.approval.bulk import decisions
from services.approval.flow import chosen_approvers
from services.approval.request.decide import checked
from services.approval.request.submit import submit, submittable
from services.bulk import doers, foreseen, jobs, runner
from services.bulk.jobs import Item
from services.core.errors import Invalid, Refused, Stale
from services.records.snapshot import REVIEWED
from services.rights.actor import Actor, demand
from services.rights.call import Call

foreseen.ASKS[BatchVerb.submit] = submittable
NOT_PENDING = _("不在审批中")
UNSEEN = _("变更和作废请打开审批单处理")


def decide_many(call: Call, items: Iterable[Item], *, verb: str, comment: str | None) -> BatchJob:
    """Decide requests, each for itself. Raises only when the whole call is wrong."""
    job = decisions.prepare(call, list(items), verb=verb, comment=comment, warn=False)
    runner.run(call, job)
    return job


def submit_many(
    call: Call, noun: str, items: Iterable[Item], *, job: BatchJob | None = None
) -> BatchJob:
    """Submit drafts one by one, as more items of `job` where one is given."""
    task = submitting(noun, by=call.by)
    job = job or jobs.open_job(call, task)
    jobs.add(call.session, job, dict(items).items())
    runner.run(call, job)
    return job


def submitting(noun: str, *, by: Actor) -> jobs.Task:
    """Return the task of submitting records. Raises Forbidden."""
    demand(by, f"{noun}:submit")
    return jobs.Task(BatchVerb.submit, noun)


@doers.singly(BatchVerb.submit)
def submit_each(call: doers.JobCall) -> doers.Act:
    """Return what submits one draft as it was seen."""
    demand(call.by, f"{call.job.noun}:submit")
    model = REVIEWED[call.job.noun]

    def one(target: int, seen: int | None) -> str:
        record = jobs.visible(call.session, model, target)
        if seen is not None and seen != record.row_version:
            raise Stale
        try:
            submit(call, record)
        except Invalid as problem:
            if chosen_approvers.FIELD not in problem.errors:
                raise
            raise Refused(
                _("此流程需要提交人选择审批人，请打开记录单独提交"), code="CHOICE_NEEDED"
            ) from problem
        return str(record)

    return one


def deciding(verb: BatchVerb, comment: str | None, *, by: Actor) -> jobs.Task:
    """Return the task of deciding requests. Raises Forbidden, Invalid without a due comment."""
    demand(by, "task:decide")
    return jobs.Task(verb, "request", checked(verb.name, comment))


def resolve(session: Session, noun: str, items: Iterable[Item]) -> tuple[list[Item], Counter[str]]:
    """Turn (record, seen) of a grid into (open request, seen); second: why others are none.

    What the person saw is the record's version; a new entry's request froze exactly that version.
    What a change or a voiding asks for stands in no grid: it is decided where it is seen.
    """
    pairs = list(items)
    request = ApprovalRequest
    query = sa.select(request.record_id, request.id, request.action).where(
        request.noun == noun,
        request.state == Approval.pending,
        request.record_id.in_([key for key, _seen in pairs]),
    )
    found = {row.record_id: row for row in session.execute(query)}
    ready: list[Item] = []
    others: Counter[str] = Counter()
    for key, seen in pairs:
        row = found.get(key)
        if row is not None and row.action is FlowAction.create:
            ready.append((row.id, seen))
        else:
            others[str(NOT_PENDING if row is None else UNSEEN)] += 1
    return ready, others
