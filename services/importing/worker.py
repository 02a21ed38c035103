"""What the worker does with a large file: check it, write its pieces, take pieces back."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import models as m
from services import gate, payment, statistics
from services.access import act, actor_of
from services.actor import SYSTEM, Actor, load_actor
from services.engine import writing
from services.errors import NotVisible, Refused, Stale
from services.importing import formed, jobs, staging, totals, waves
from services.importing.plan import Plan
from services.importing.problems import Problem
from services.importing.undo import look_again, settle, take_back
from services.importing.writing import counts_of, keep_problems, request_of, write

State = m.ImportState


def work(session: Session, *, job_id: int, turn: int, now: dt.datetime) -> bool:
    """Bring a job one piece further as its own person; return whether nothing is left.

    A task of the worker (jobs/queue.py). It plans in a reading transaction and writes in a short
    one of its own; the caller commits that together with the task's own row.
    """
    before = actor_of(session)
    job = session.scalar(sa.select(m.ImportJob).where(m.ImportJob.id == job_id))
    if job is None or job.options.get("turn") != turn:
        return True
    step = STEPS.get(job.state)
    if step is None:
        return True
    by = _person(session, job)
    try:
        if by is None:
            _stop(session, job, _("操作人已停用，或不再有导入的权限"))
            return True
        act(session, by)
        return step(session, job, by, now)
    finally:
        act(session, before)


def _person(session: Session, job: m.ImportJob) -> Actor | None:
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


def _check(session: Session, job: m.ImportJob, by: Actor, now: dt.datetime) -> bool:
    try:
        plan = _planned(session, job, by, now)
    except Refused as problem:
        session.rollback()
        _stop(session, _held(session, job.id), str(problem))
        return True
    job = _held(session, job.id)
    with gate.rule(session, "import"):
        job.counts, job.state = counts_of(plan.files[0]), State.uploaded
        late = waves.late(plan.records) + sorted(
            one.line for one in plan.records if formed.later(one)
        )
        told = {staging.LATE: late, "totals": plan.files[0].totals}
        job.options = {**job.options, **told}
    keep_problems(session, job, plan.files[0])
    return True


def _planned(
    session: Session, job: m.ImportJob, by: Actor, now: dt.datetime, most: int | None = None
) -> Plan:
    """Return the plan of a whole file, or of its next piece; nothing is locked meanwhile."""
    key = job.id
    session.rollback()
    with writing(on=False):
        job = session.scalars(sa.select(m.ImportJob).where(m.ImportJob.id == key)).one()
        sheet = staging.sheet_of(session, job, waiting=most is not None, most=most)
        if most is not None:
            sheet.problems = []  # the check told them
        plan = jobs.plan_of(session, job, by=by, now=now, sheet=sheet)
        session.rollback()
    return plan


def _run(session: Session, job: m.ImportJob, by: Actor, now: dt.datetime) -> bool:
    with payment.together(session):
        formed.brought_before(session, job)
        return _next(session, job, by, now)


def _next(session: Session, job: m.ImportJob, by: Actor, now: dt.datetime) -> bool:
    """Write the next piece; a failing one ends the run, or is left out of a partial one."""
    key, partial = job.id, bool(job.options.get("partial"))
    try:
        plan = _planned(session, job, by, now, staging.PIECE)
    except Refused as problem:
        session.rollback()
        return _fail(session, _held(session, key), [_whole(str(problem))], now)
    job, file = _held(session, key), plan.files[0]
    lines = [line for line, _texts in file.sheet.rows]
    if not lines:
        return _finish(session, job, by, now)
    if file.fatal and not partial:
        return _fail(session, job, file.fatal, now)
    if not staging.mark(session, job, lines):
        session.rollback()
        return False
    try:
        with session.begin_nested():
            write(session, plan, by=by, now=now, partial=True, job=job)
    except Stale:
        session.rollback()
        return False  # it is planned anew from what is there now
    except (Refused, IntegrityError) as problem:
        reason = str(problem) if isinstance(problem, Refused) else _("与已有的记录冲突")
        if not partial:
            session.rollback()
            return _fail(session, _held(session, key), [_whole(reason)], now)
        file.problems += [Problem(n, "", "", "REFUSED", reason) for n in lines]
        file.counts = {job.noun: {"rows": len(lines), "failed": len(lines)}}  # type: ignore[dict-item] # a Counter to its readers
    staging.keep(session, job, file.fatal)
    with gate.rule(session, "import"):
        job.counts = staging.add_up(job, file)
        told = totals.add(job.options.get("totals", {}), file.totals)
        job.options = {**job.options, "totals": told}
    return False


def _finish(session: Session, job: m.ImportJob, by: Actor, now: dt.datetime) -> bool:
    with gate.rule(session, "import"):
        job.state, job.at = State.done, now
        if job.options["approval"] == "approved":
            job.request_id = request_of(session, job, by=by, now=now)
    staging.forget(session, job)
    statistics.refresh(session.connection())
    return True


def _fail(session: Session, job: m.ImportJob, problems: list[Problem], now: dt.datetime) -> bool:
    """Note what stands against the rest and take back what was written."""
    staging.keep(session, job, problems)
    _begin_return(session, job, {"goal": "uploaded"}, now=now)
    return True


def _begin_return(
    session: Session, job: m.ImportJob, more: dict[str, Any], *, now: dt.datetime
) -> None:
    table = m.ImportRow.__table__
    count = sa.select(sa.func.count()).where(table.c.job_id == job.id)
    rows = int(session.execute(count).scalar_one())
    staging.ask(session, job, State.returning, {**more, "returns": rows}, now=now)


def undo_later(
    session: Session, job: m.ImportJob, *, by: Actor, now: dt.datetime, rest: bool = False
) -> None:
    """Let the worker take an import back; the caller made sure that it can be."""
    look_again(session, job)
    more = {"goal": "undone", "asked_by": by.id, "rest": rest}
    _begin_return(session, job, more, now=now)


def _return(session: Session, job: m.ImportJob, by: Actor, now: dt.datetime) -> bool:
    """Take the last written piece back; what somebody built upon meanwhile stays.

    Changes are put back before what is new goes: a contract must not point at a customer of it.
    """
    job = _held(session, job.id)
    row = m.ImportRow
    mine = sa.select(row).where(row.job_id == job.id, row.seen_version > 0)
    rows = list(session.scalars(mine.order_by(row.fresh, row.id.desc()).limit(staging.PIECE)))
    if not rows:
        return _returned(session, job)
    rest = bool(job.options.get("rest"))
    try:
        with session.begin_nested():
            left = take_back(session, rows, by=by, now=now, rest=rest)
    except (Refused, IntegrityError) as problem:
        reason = str(problem) if isinstance(problem, Refused) else _("与已有的记录冲突")
        staging.keep(session, job, [_whole(reason, "NOT_RETURNED")])
        with gate.rule(session, "import"):
            job.state = State.done
        return True
    staging.keep(session, job, left)
    return False


def _returned(session: Session, job: m.ImportJob) -> bool:
    if job.options["goal"] == "undone":
        row = m.ImportRow
        count = sa.select(sa.func.count(row.id)).where(row.job_id == job.id)
        left = int(session.execute(count).scalar_one())
        settle(session, job, gone=int(job.options["returns"]) - left, left=left)
        staging.forget(session, job)
        return True
    with gate.rule(session, "import"):
        job.state, job.batch_id, job.counts = State.uploaded, None, {}
    return True


def _stop(session: Session, job: m.ImportJob, reason: str) -> None:
    """End a step nobody may take: what came in stays, and its job says so."""
    returning = job.state is State.returning
    staging.keep(session, job, [_whole(reason, "NOT_RETURNED" if returning else "REFUSED")])
    with gate.rule(session, "import"):
        job.state = State.done if returning else State.uploaded


def _whole(reason: str, code: str = "REFUSED") -> Problem:
    return Problem(0, "", "", code, reason)


def _held(session: Session, key: int) -> m.ImportJob:
    """Return the job as it is now and stays until the end of the transaction."""
    query = sa.select(m.ImportJob).where(m.ImportJob.id == key).with_for_update()
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotVisible
    return found


STEPS = {State.checking: _check, State.running: _run, State.returning: _return}

__all__ = ["undo_later", "work"]
