"""A plan → the database: parents before children, bulk inserts, one transaction of the caller."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from services import approval, audit, gate, lines, passwords, records
from services.actor import Actor
from services.errors import Invalid, Stale
from services.importing import formed, lining, past, restoring
from services.importing.finding import chunks
from services.importing.plan import FilePlan, Plan, Planned
from services.importing.problems import Problem
from services.importing.rows import Writer, settled
from services.importing.waves import Waves


def write(
    session: Session,
    plan: Plan,
    *,
    by: Actor,
    now: dt.datetime,
    partial: bool = False,
    job: m.ImportJob | None = None,
) -> list[m.ImportJob]:
    """Write a plan and return its jobs; nothing to do leaves nothing, not even a job.

    `job` is the one of an upload, for a plan of one file. Raises Invalid when rows failed and
    the run is not partial, Stale when a record changed since the plan was made.
    """
    if plan.broken or (plan.fatal and not partial):
        raise Invalid({"file": _("有 %(n)s 处问题，未导入任何记录", n=plan.fatal)})
    if not plan.work:
        return []
    writer = Writer(session, by, now, plan.mapping.historic)
    if any(one.model is m.User for one in plan.work):
        writer.no_password = passwords.unusable()  # before anything is locked
    writer.stages = {stage.id: stage for stage in session.scalars(sa.select(m.Stage))}
    session.flush()
    before = _in_order(writer, plan)
    session.expire_all()
    jobs = [
        _job(writer, plan, place, job)
        for place, file in enumerate(plan.files)
        if job is not None or any(row.file == place for one in plan.work for row in one.rows)
    ]
    _beside(writer.session, plan, jobs)
    _submit(writer, plan, jobs)
    _note(writer, plan, before, jobs)
    return [found for _place, found in jobs]


def _in_order(writer: Writer, plan: Plan) -> dict[Planned, dict[str, Any]]:
    """Write everything, what is pointed at first; return what was there before."""
    before: dict[Planned, dict[str, Any]] = {}
    waves = Waves(plan.work)
    for ready in waves:
        before |= _update(writer, plan, [one for one in ready if one.id is not None])
        before |= _insert(writer, [one for one in ready if one.id is None])
    waves.tie(writer.session)
    return before


def _insert(writer: Writer, ready: list[Planned]) -> dict[Planned, dict[str, Any]]:
    before: dict[Planned, dict[str, Any]] = {}
    groups: dict[Any, list[Planned]] = {}
    for one in ready:
        groups.setdefault(one.model, []).append(one)
    for model, planned in groups.items():
        if formed.applies(model, historic=writer.historic):
            before |= formed.make(writer, planned)
            continue
        made = writer.rows(model, planned)
        for one, key in zip(planned, writer.insert_keyed(model.__table__, made), strict=True):
            one.id, one.version = key, 0
        writer.below(model, planned, made)
    return before


# -- updates -----------------------------------------------------------------------------------


def _update(writer: Writer, plan: Plan, changed: list[Planned]) -> dict[Planned, dict[str, Any]]:
    """Change found records; return what was there before."""
    before = {}
    for part in chunks(changed):
        by_model: dict[Any, list[Planned]] = {}
        for one in part:
            by_model.setdefault(one.model, []).append(one)
        for model, planned in by_model.items():
            query = sa.select(model).where(model.id.in_([one.id for one in planned]))
            found = {record.id: record for record in writer.session.scalars(query)}
            for one in planned:
                record = found.get(one.id)
                if record is None or getattr(record, "row_version", 1) != one.version:
                    raise Stale
                before[one] = restoring.kept(one, record)
                _change(writer, plan, one, record)
    writer.session.flush()
    return before


def _change(writer: Writer, plan: Plan, one: Planned, record: Any) -> None:
    changes = {key: _settled(value) for key, value in one.changes.items()}
    law = not plan.mapping.historic and not writer.by.system
    if law or one.model in formed.MODELS:
        session, by, now = writer.session, writer.by, writer.now
        records.update(session, record, changes, seen=one.version, by=by, now=now)
        return
    if one.model is m.Contract:
        call = records.Call(writer.session, writer.by, writer.now)
        restoring.amend(call, record, changes | past.told_lines(changes))
        return
    with gate.rule(writer.session, "import"), writer.session.no_autoflush:
        for key, value in changes.items():
            if key.startswith("primary."):
                _primary(writer.session, record, key.removeprefix("primary."), value)
            elif key == "lines":
                line = sa.inspect(one.model).relationships["lines"].mapper.class_
                record.lines = lines.product_rows(line, map(lining.priced, value))
            else:
                setattr(record, key, value)
        if "stage_id" in changes:
            _move(writer, record)


def _settled(value: Any) -> Any:
    """Return a value, or line rows, with the keys of what they point at."""
    if isinstance(value, list):
        return [{key: settled(part) for key, part in row.items()} for row in value]
    return settled(value)


def _primary(session: Session, record: Any, key: str, value: Any) -> None:
    contact = records.primary_of(record)
    if contact is None:
        contact = m.Contact(customer=record, is_primary=True)
        session.add(contact)
    setattr(contact, key, value)


def _move(writer: Writer, record: Any) -> None:
    stage = writer.stages[record.stage_id]
    writer.departments[record.owner_id] = records.department_of(writer.session, record.owner_id)
    keys = ("owner_id", "created_at", "closed_on")
    for key, value in writer.entered(stage, {k: getattr(record, k) for k in keys}).items():
        setattr(record, key, value)
    writer.session.add(
        m.StageHistory(
            opportunity_id=record.id,
            to_stage_id=stage.id,
            at=record.stage_since,
            by_id=writer.by.id,
        )
    )


# -- what a run leaves ---------------------------------------------------------------------------

Jobs = list[tuple[int, m.ImportJob]]


def _job(
    writer: Writer, plan: Plan, place: int, given: m.ImportJob | None
) -> tuple[int, m.ImportJob]:
    file, session, now = plan.files[place], writer.session, writer.now
    if given is not None and given.state in m.IMPORTING:
        return place, given  # one piece of it: the whole is settled at the end
    with gate.rule(session, "import"):
        job = given or m.ImportJob(file_name=file.sheet.name[:200], digest=file.digest)
        job.mapping, job.at, job.actor_id = plan.mapping.name[:120], now, writer.by.id
        job.noun, job.state = file.map.targets[-1].noun, m.ImportState.done
        job.counts = counts_of(file)
        job.options = {**(job.options or {}), "totals": file.totals}
        if not file.fatal:
            job.content = None
        session.add(job)
        session.flush()
        if plan.mapping.historic:
            job.request_id = request_of(session, job, by=writer.by, now=now)
    return place, job


def _beside(session: Session, plan: Plan, jobs: Jobs) -> None:
    """Note on a job whose rows all went into records of another file which job holds those."""
    holds = {place: job.id for place, job in jobs}
    for place, job in jobs:
        if any(one.file == place for one in plan.work):
            continue
        other = next((o for o in plan.work if any(row.file == place for row in o.rows)), None)
        if other is not None:
            with gate.rule(session, "import"):
                job.options = {**job.options, "with": holds[other.file]}


def counts_of(file: FilePlan) -> dict[str, dict[str, int]]:
    """Return the counts of a file as they are stored: entity → outcome → rows."""
    return {noun: dict(found) for noun, found in file.counts.items()}


def request_of(session: Session, job: m.ImportJob, *, by: Actor, now: dt.datetime) -> int:
    """Write the one request of a file of historic rows: origin import, approved at once."""
    payload = {"file": job.file_name, "digest": job.digest, "counts": job.counts}
    request = m.ApprovalRequest(
        noun="importjob",
        title=job.file_name,
        state=m.Approval.approved,
        origin=m.RequestOrigin.import_file,
        seen_version=1,
        payload=payload,
        payload_hash=approval.digest(payload),
        submitted_by_id=by.id,
        submitted_at=now,
        decided_at=now,
        last_actor_id=by.id,
    )
    session.add(request)
    session.flush()
    event = m.ApprovalEvent(
        request_id=request.id, decision=m.Decision.import_in, actor_id=by.id, at=now
    )
    session.add(event)
    return request.id


def _submit(writer: Writer, plan: Plan, jobs: Jobs) -> None:
    """Submit the new records of a file as one approval batch."""
    if plan.mapping.approval != "submitted":
        return
    for place, job in jobs:
        fresh = [one for one in plan.work if one.file == place and not one.changes]
        fresh = [one for one in fresh if issubclass(one.model, m.Reviewed)]
        for noun in dict.fromkeys(one.target.noun for one in fresh):
            items = [(one.id or 0, None) for one in fresh if one.target.noun == noun]
            known = m.BatchJob.id == job.batch_id
            batch = writer.session.scalar(sa.select(m.BatchJob).where(known))
            batch = approval.submit_many(
                writer.session, noun, items, by=writer.by, now=writer.now, job=batch
            )
            with gate.rule(writer.session, "import"):
                job.batch_id = batch.id


def _note(writer: Writer, plan: Plan, before: dict[Planned, dict[str, Any]], jobs: Jobs) -> None:
    """Keep what each job found and did, and put it into the audit log."""
    versions = _versions(writer.session, plan)
    for place, job in jobs:
        mine = [one for one in plan.work if one.file == place]
        writer.insert(
            m.ImportRow.__table__,
            [
                {
                    "job_id": job.id,
                    "noun": one.target.noun,
                    "record_id": one.id,
                    "line": one.line,
                    "fresh": not one.changes,
                    "seen_version": versions.get((one.target.noun, one.id), 1),
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
        if job.state not in m.IMPORTING:
            keep_problems(writer.session, job, plan.files[place])
        audit.record(writer.session, [_trace(one, job) for one in mine if not one.changes])


def _trace(one: Planned, job: m.ImportJob) -> dict[str, Any]:
    label = next((one.values[k] for k in ("company", "name") if one.values.get(k)), "")
    return {
        "action": m.AuditAction.import_in,
        "noun": one.target.noun,
        "record_id": one.id,
        "label": str(label)[:200],
        "changes": {"import": [None, job.id]},
    }


def keep_problems(session: Session, job: m.ImportJob, file: FilePlan) -> None:
    """Put the findings of a file in place of the job's old ones."""
    table = m.ImportProblem.__table__
    options = {"rule": "import"}
    session.execute(sa.delete(table).where(table.c.job_id == job.id), execution_options=options)
    rows = [problem_row(job, one) for one in file.problems]
    if rows:
        session.execute(sa.insert(table), rows, execution_options=options)


def problem_row(job: m.ImportJob, one: Problem) -> dict[str, Any]:
    """Return a finding as it is stored."""
    return {
        "job_id": job.id,
        "line": one.line,
        "column": one.column[:80],
        "value": one.value.replace("\x00", "")[:200],
        "code": one.code,
        "fatal": one.fatal,
        "reason": str(one.reason)[:300],
        "advice": one.advice[:300],
    }


def _versions(session: Session, plan: Plan) -> dict[tuple[str, int | None], int]:
    found: dict[tuple[str, int | None], int] = {}
    by_noun: dict[str, list[Planned]] = {}
    for one in plan.work:
        by_noun.setdefault(one.target.noun, []).append(one)
    for noun, planned in by_noun.items():
        table = planned[0].model.__table__
        for part in chunks([one.id for one in planned]):
            query = sa.select(table.c.id, table.c.row_version).where(table.c.id.in_(part))
            found |= {(noun, key): version for key, version in session.execute(query)}
    return found
