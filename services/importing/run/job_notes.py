"""What a run leaves beside its records: jobs with counts and findings, rows, submissions, audit."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.request import ApprovalEvent, ApprovalRequest, Decision, RequestOrigin
from models.bulk.batch import BatchJob
from models.core.mixins import Approval, Reviewed
from models.importing.import_job import IMPORTING, ImportJob, ImportProblem, ImportRow, ImportState
from models.rights.audit import AuditAction
from services import approval
from services.importing.back import seen_versions, stored_findings
from services.importing.check.rows import Writer
from services.importing.file.plan import FilePlan, Plan, Planned
from services.importing.file.write_order import waits
from services.rights import audit, gate
from services.rights.call import Call

Jobs = list[tuple[int, ImportJob]]
Done = tuple[list[Planned], dict[Planned, dict[str, Any]]]  # records, what was there before


def jobs_of(
    writer: Writer, plan: Plan, given: dict[int, ImportJob], *, running: bool = False
) -> Jobs:
    """Return the jobs of the files that bring something, those that are there already included."""
    holders = plan.holders
    used = holders.keys() | given.keys()
    jobs = [
        (place, _job(writer, plan, place, given.get(place), running=running))
        for place in sorted(used)
    ]
    _beside(writer.session, holders, jobs)
    return jobs


def _job(
    writer: Writer, plan: Plan, place: int, given: ImportJob | None, *, running: bool
) -> ImportJob:
    file, session = plan.files[place], writer.session
    if given is not None and given.state in IMPORTING:
        return given  # one piece of it: the whole is settled at the end
    with gate.rule(session, "import"):
        job = given or ImportJob(file_name=file.sheet.name[:200], digest=file.digest)
        job.mapping, job.at, job.actor_id = plan.mapping.name[:120], writer.now, writer.by.id
        job.noun = given.noun if given is not None else file.map.targets[-1].noun
        job.options = {**(job.options or {}), "totals": file.totals}
        if not file.fatal:
            job.content = None
        session.add(job)
    if running:
        with gate.rule(session, "import"):
            job.state, job.counts = ImportState.running, counts_of(file)
        keep_problems(session, job, file)
    else:
        close(writer, plan, place, job)
    return job


def close(writer: Writer, plan: Plan, place: int, job: ImportJob) -> None:
    """Note on a job that all of its file is in."""
    file, session = plan.files[place], writer.session
    with gate.rule(session, "import"):
        job.state, job.counts = ImportState.done, counts_of(file)
        job.at, job.options = writer.now, {**job.options, "totals": file.totals}
        if not file.fatal:
            job.content = None
        session.flush()
        if plan.mapping.historic:
            job.request_id = request_of(Call(session, writer.by, writer.now), job)


def _beside(session: Session, holders: dict[int, set[int]], jobs: Jobs) -> None:
    """Note on a job whose rows all went into records of another file which job holds those."""
    holds = {place: job.id for place, job in jobs}
    own = {place for places in holders.values() for place in places}
    for place, job in jobs:
        if place not in own and holders.get(place):
            with gate.rule(session, "import"):
                job.options = {**job.options, "with": holds[min(holders[place])]}


def counts_of(file: FilePlan) -> dict[str, dict[str, int]]:
    """Return the counts of a file as they are stored: entity → outcome → rows."""
    return {noun: dict(found) for noun, found in file.counts.items()}


def request_of(call: Call, job: ImportJob) -> int:
    """Write the one request of a file of historic rows: origin import, approved at once."""
    payload = {"file": job.file_name, "digest": job.digest, "counts": job.counts}
    request = ApprovalRequest(
        noun="importjob",
        title=job.file_name,
        state=Approval.approved,
        origin=RequestOrigin.import_file,
        seen_version=1,
        payload=payload,
        payload_hash=approval.digest(payload),
        submitted_by_id=call.by.id,
        submitted_at=call.now,
        decided_at=call.now,
        last_actor_id=call.by.id,
    )
    call.session.add(request)
    call.session.flush()
    event = ApprovalEvent(
        request_id=request.id, decision=Decision.import_in, actor_id=call.by.id, at=call.now
    )
    call.session.add(event)
    return request.id


def submit(writer: Writer, plan: Plan, work: list[Planned], jobs: Jobs) -> None:
    """Submit the new records of a file as one approval batch."""
    if plan.mapping.approval != "submitted":
        return
    for place, job in jobs:
        fresh = [one for one in work if one.file == place and not one.changes]
        fresh = [o for o in fresh if issubclass(o.model, Reviewed) and not waits(o)]
        known = job.options.get("batches", {})
        for noun in dict.fromkeys(one.target.noun for one in fresh):
            items = [(one.id or 0, None) for one in fresh if one.target.noun == noun]
            query = sa.select(BatchJob).where(BatchJob.id == known.get(noun))
            batch = writer.session.scalar(query)
            batch = approval.submit_many(
                Call(writer.session, writer.by, writer.now), noun, items, job=batch
            )
            known = {**known, noun: batch.id}
            with gate.rule(writer.session, "import"):
                job.batch_id = known.get(job.noun, batch.id)
                job.options = {**job.options, "batches": known}


def note(writer: Writer, plan: Plan, done: Done, jobs: Jobs) -> None:
    """Keep what each job found and did, and put it into the audit log."""
    work, before = done
    versions = seen_versions.versions(writer.session, seen_versions.by_noun(work))
    for place, job in jobs:
        mine = [one for one in work if one.file == place]
        writer.insert(
            ImportRow.__table__,
            [
                {
                    "job_id": job.id,
                    "noun": one.target.noun,
                    "record_id": one.id,
                    "line": one.line,
                    "fresh": not one.changes,
                    "seen_version": versions.get((one.target.noun, one.id or 0), 1),
                    "before": before.get(one, {}),
                }
                for one in mine
            ]
            + [
                {
                    "job_id": job.id,
                    "noun": noun,
                    "record_id": key,
                    "line": one.line,
                    "fresh": True,
                    "seen_version": 1,
                    "before": {},
                }
                for one, noun, key in writer.extra
                if one.file == place
            ],
        )
        if job.state not in IMPORTING:
            keep_problems(writer.session, job, plan.files[place])
        audit.record(writer.session, [_trace(one, job) for one in mine if not one.changes])


def _trace(one: Planned, job: ImportJob) -> dict[str, Any]:
    label = next((one.values[k] for k in ("company", "name") if one.values.get(k)), "")
    return {
        "action": AuditAction.import_in,
        "noun": one.target.noun,
        "record_id": one.id,
        "label": str(label)[:200],
        "changes": {"import": [None, job.id]},
    }


def keep_problems(session: Session, job: ImportJob, file: FilePlan) -> None:
    """Put the findings of a file in place of the job's old ones."""
    table = ImportProblem.__table__
    options = {"rule": "import"}
    session.execute(sa.delete(table).where(table.c.job_id == job.id), execution_options=options)
    rows = [stored_findings.stored(job, one) for one in file.problems]
    if rows:
        session.execute(sa.insert(table), rows, execution_options=options)
