"""What the worker does with a large file: check it, write its pieces, take pieces back."""

import datetime as dt
import time
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.importing.import_job import IMPORTING, ImportJob, ImportRow, ImportState
from services.core.engine import writing
from services.core.errors import Locked, NotVisible, Refused, Stale
from services.importing.back import stored_findings
from services.importing.back.undo import look_again, settle, take_back
from services.importing.file.plan import Plan
from services.importing.file.problems import Problem
from services.importing.run import jobs, pieces, staging
from services.importing.run.job_notes import counts_of, keep_problems
from services.importing.volume.pace import DONE, GOAL
from services.rights import gate
from services.rights.access import act, actor_of
from services.rights.actor import SYSTEM, Actor, load_actor
from services.rights.call import Call

State = ImportState
SLICE = 10.0  # seconds a file is written on before other tasks have their turn


def work(
    session: Session, *, job_id: int, turn: int, now: dt.datetime, most: int | None = None
) -> bool:
    """Bring a job further as its own person; return whether nothing is left.

    What is written takes SLICE seconds, or `most` pieces, before other tasks have their turn.

    A task of the worker (jobs/queue.py). It plans in a reading transaction and writes in a short
    one of its own; the caller commits that together with the task's own row.
    """
    before = actor_of(session)
    job = session.scalar(sa.select(ImportJob).where(ImportJob.id == job_id))
    if job is None or job.options.get("turn") != turn:
        return True
    if job.state not in IMPORTING:
        return True
    by = _person(session, job)
    try:
        if by is None:
            _stop(session, job, _("操作人已停用，或不再有导入的权限"))
            return True
        act(session, by)
        call = Call(session, by, now)
        if job.state is State.running:
            return _run(call, job, most)
        return STEPS[job.state](call, job)
    finally:
        act(session, before)


def _person(session: Session, job: ImportJob) -> Actor | None:
    """Return who a step is done for: the person of the job, for an undo whoever asked for it.

    What a failed run left is taken back even where its person has gone.
    """
    if job.state is not State.returning:
        return load_actor(session, job.actor_id) if job.actor_id else None
    key = job.options.get("asked_by", job.actor_id)
    by = load_actor(session, key) if key else SYSTEM
    if job.options["goal"] == "uploaded":
        return by or SYSTEM
    return by if by is not None and (by.system or jobs.may_handle(by, job)) else None


def _check(call: Call, job: ImportJob) -> bool:
    try:
        plan = _planned(call, job.id)
    except Refused as problem:
        call.session.rollback()
        _stop(call.session, _held(call.session, job.id), str(problem))
        return True
    job = _held(call.session, job.id)
    with gate.rule(call.session, "import"):
        job.counts, job.state = counts_of(plan.files[0]), State.uploaded
        told = {"totals": plan.files[0].totals, GOAL: plan.goals.total()}
        job.options = {**job.options, **told}
    keep_problems(call.session, job, plan.files[0])
    return True


def _planned(call: Call, key: int) -> Plan:
    """Return the plan of a whole file; nothing is locked meanwhile."""
    call.session.rollback()
    with writing(on=False):
        job = call.session.scalars(sa.select(ImportJob).where(ImportJob.id == key)).one()
        plan = jobs.plan_of(call, job, window=pieces.WINDOW)
        call.session.rollback()
    return plan


def _run(call: Call, job: ImportJob, most: int | None) -> bool:
    """Write on, by the same pieces as the command; a failing one ends the run."""
    key, partial, begun = job.id, bool(job.options.get("partial")), time.monotonic()
    try:
        plan = pieces.go_on(call, job)
        if plan.files[0].fatal and not partial:
            return _fail(call.session, _held(call.session, key), plan.files[0].fatal, call.now)
        until = time.monotonic() + max(SLICE, time.monotonic() - begun)
        for n, _done in enumerate(pieces.Run(call, plan, partial=partial).steps(), 1):
            if n == most or time.monotonic() > until:
                return False
    except pieces.TakenOver:
        call.session.rollback()
        return False  # whoever took it may be killed: it is looked at again
    except Stale:
        call.session.rollback()
        return False  # it is planned anew from what is there now
    except (Refused, IntegrityError) as problem:
        call.session.rollback()
        reason = str(problem) if isinstance(problem, Refused) else _("与已有的记录冲突")
        return _fail(call.session, _held(call.session, key), [_whole(reason)], call.now)
    job = _held(call.session, key)
    stored_findings.keep_new(call.session, job, plan.files[0].fatal)
    staging.forget(call.session, job)
    return True


def _fail(session: Session, job: ImportJob, problems: list[Problem], now: dt.datetime) -> bool:
    """Note what stands against the rest and take back what was written."""
    stored_findings.keep(session, job, problems)
    _begin_return(session, job, {"goal": "uploaded"}, now=now)
    return True


def _begin_return(
    session: Session, job: ImportJob, more: dict[str, Any], *, now: dt.datetime
) -> None:
    table = ImportRow.__table__
    count = sa.select(sa.func.count()).where(table.c.job_id == job.id)
    rows = int(session.execute(count).scalar_one())
    staging.ask(session, job, State.returning, {**more, "returns": rows}, now=now)


def undo_later(call: Call, job: ImportJob, *, rest: bool = False) -> None:
    """Let the worker take an import back; the caller asked whether it can be. Raises Locked."""
    if job.state is not State.done:
        raise Locked(_("只有已导入的文件可以撤销"))
    look_again(call.session, job)
    more = {"goal": "undone", "asked_by": call.by.id, "rest": rest}
    _begin_return(call.session, job, more, now=call.now)


def _return(call: Call, job: ImportJob) -> bool:
    """Take the last written piece back; what somebody built upon meanwhile stays.

    Changes are put back before what is new goes: a contract must not point at a customer of it.
    """
    job = _held(call.session, job.id)
    row = ImportRow
    mine = sa.select(row).where(row.job_id == job.id, row.seen_version > 0)
    rows = list(call.session.scalars(mine.order_by(row.fresh, row.id.desc()).limit(staging.PIECE)))
    if not rows:
        return _returned(call.session, job)
    rest = bool(job.options.get("rest"))
    try:
        with call.session.begin_nested():
            left = take_back(call, rows, rest=rest)
    except (Refused, IntegrityError) as problem:
        reason = str(problem) if isinstance(problem, Refused) else _("与已有的记录冲突")
        stored_findings.keep(call.session, job, [_whole(reason, "NOT_RETURNED")])
        with gate.rule(call.session, "import"):
            job.state = State.done
        return True
    stored_findings.keep(call.session, job, left)
    return False


def _returned(session: Session, job: ImportJob) -> bool:
    if job.options["goal"] == "undone":
        row = ImportRow
        count = sa.select(sa.func.count(row.id)).where(row.job_id == job.id)
        left = int(session.execute(count).scalar_one())
        settle(session, job, gone=int(job.options["returns"]) - left, left=left)
        staging.forget(session, job)
        return True
    with gate.rule(session, "import"):
        job.state, job.batch_id, job.counts = State.uploaded, None, {}
        job.options = {**job.options, "batches": {}, DONE: 0}
    return True


def _stop(session: Session, job: ImportJob, reason: str) -> None:
    """End a step nobody may take: what came in stays, and its job says so."""
    returning = job.state is State.returning
    stored_findings.keep(session, job, [_whole(reason, "NOT_RETURNED" if returning else "REFUSED")])
    with gate.rule(session, "import"):
        job.state = State.done if returning else State.uploaded


def _whole(reason: str, code: str = "REFUSED") -> Problem:
    return Problem(0, "", "", code, reason)


def _held(session: Session, key: int) -> ImportJob:
    """Return the job as it is now and stays until the end of the transaction."""
    query = sa.select(ImportJob).where(ImportJob.id == key).with_for_update()
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotVisible
    return found


STEPS = {State.checking: _check, State.returning: _return}

__all__ = ["undo_later", "work"]
