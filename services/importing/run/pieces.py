"""A checked run of the command, written in pieces: each a short transaction, nobody waits long.

What a piece wrote and the rows that tell of it are one transaction, so a kill leaves both or
neither. The same files with the same mapping take an unfinished run up where it stood; when a piece
fails, the pieces before it are taken back.
"""

import collections
import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.importing.import_job import ImportJob, ImportRow, ImportState
from services.core import engine
from services.core.errors import Locked, Refused, Stale
from services.deals import payment
from services.importing.back import seen_versions, stored_findings, tagging, undo
from services.importing.check import form_records, planning
from services.importing.check.record_outcomes import Done
from services.importing.file.mapping import Mapping
from services.importing.file.plan import Plan, Planned
from services.importing.file.reading import Limits
from services.importing.file.write_order import Waves
from services.importing.run import job_notes, jobs, refusals, staging, writing
from services.importing.volume.pace import DONE, Pace
from services.rights import gate
from services.rights.call import Call
from services.schema import statistics

AIM = 0.6  # seconds a piece keeps others waiting
FIRST, LEAST, MOST = 50, 5, 2_000  # records a piece; some entities take much longer than others
PAUSE = 0.12  # seconds between pieces: who waits for SQLite's lock looks every 0.1 s
MARK = "command"  # options of a job: which mapping a run by command goes by
WINDOW = 5_000  # rows that are planned together where that may be
LIMITS = Limits(megabytes=2_000, rows=5_000_000)  # who gives a command has the machine anyway
RUN = "run"  # options of a job: the run that writes it, so that two never do
Told = Callable[[int, int], None]  # (records done, all of them)


class TakenOver(Locked):
    """Another run of the same files goes on with what this one began."""


def prepare(
    call: Call, files: Iterable[planning.File], mapping: Mapping, *, text: str, window: int = WINDOW
) -> Plan:
    """Return the plan of a run; what an unfinished run of the same files wrote counts as done.

    `files` are gone through twice. `text` is the mapping as it was read. Raises Forbidden, BadFile
    or Invalid like the plan does.
    """
    mark = hashlib.sha256(text.encode()).hexdigest()
    begun = _begun(call, files, mark)
    seen = _seen(call.session, begun)
    plan = planning.prepare(
        call, files, mapping, done=_done(call.session, begun), limits=LIMITS, window=window
    )
    plan.begun, plan.seen, plan.mark = begun, seen, mark
    return plan


def _begun(call: Call, files: Iterable[planning.File], mark: str) -> dict[int, int]:
    """Return place of a file → the job that an unfinished run left of it."""
    job = ImportJob.__table__
    mine = sa.select(job.c.id, job.c.file_name, job.c.digest, job.c.options).where(
        job.c.state == ImportState.running, job.c.actor_id.is_not_distinct_from(call.by.id)
    )
    there = {
        (row.file_name, row.digest): row.id
        for row in call.session.execute(mine.order_by(job.c.id))
        if row.options.get(MARK) == mark
    }
    keys = [(name[:200], hashlib.sha256(content).hexdigest()) for name, content in files]
    return {place: there[key] for place, key in enumerate(keys) if key in there}


def _seen(session: Session, begun: dict[int, int]) -> dict[int, int]:
    """Return how much jobs say that they wrote: read before what they wrote."""
    job = ImportJob.__table__
    query = sa.select(job.c.id, job.c.options).where(job.c.id.in_(begun.values()))
    told = {row.id: int(row.options.get(DONE, 0)) for row in session.execute(query)}
    return {place: told[key] for place, key in begun.items()}


def _done(session: Session, begun: dict[int, int]) -> Done:
    row, found = ImportRow.__table__, Done()
    for place, job in begun.items():
        query = sa.select(row.c.noun, row.c.line, row.c.record_id, row.c.fresh)
        for noun, line, key, fresh in session.execute(query.where(row.c.job_id == job)):
            found.put((place, noun, line), key, fresh=fresh)
    return found


def go_on(call: Call, job: ImportJob) -> Plan:
    """Return the plan of a waiting file, whatever an interrupted run of it wrote counts as done.

    Nothing is locked meanwhile.
    """
    key = job.id
    call.session.rollback()
    with engine.writing(on=False):
        job = call.session.scalars(sa.select(ImportJob).where(ImportJob.id == key)).one()
        seen = _seen(call.session, {0: key})
        done = _done(call.session, {0: key})
        plan = jobs.plan_of(call, job, done=done, window=WINDOW)
        call.session.rollback()
    plan.begun, plan.seen = {0: key}, seen
    return plan


def write(call: Call, plan: Plan, *, partial: bool, told: Told) -> list[int]:
    """Write a plan and commit it piece by piece; return the keys of its jobs.

    Raises Invalid when rows failed and the run is not partial, TakenOver; any other failure after
    its pieces were taken back.
    """
    writing.refuse_bad(plan, partial=partial)
    if not plan.work and not plan.expected and not plan.begun:
        return []
    run = Run(call, plan, partial=partial)
    try:
        for done, total in run.steps():
            told(done, total)
        if run.refused.lost:  # the goal came nearer
            told(*run.pace.whole)
    except TakenOver:
        call.session.rollback()
        raise
    except (Refused, IntegrityError):
        call.session.rollback()
        return_all(call, list(run.jobs.values()))
        raise
    return list(run.jobs.values())


class Run:
    """One run: its jobs, what its rows share, how large the next piece may be."""

    def __init__(self, call: Call, plan: Plan, *, partial: bool) -> None:
        """Open the jobs, or take those up that are there."""
        self.call, self.plan, self.token = call, plan, uuid.uuid4().hex
        self.sizes, self.partial, self.refused = dict[Any, int](), partial, refusals.Refusals(plan)
        self.writer = writing.writer_of(call, plan)
        jobs = job_notes.jobs_of(self.writer, plan, self._given(), running=True)
        before = {place: int(job.options.get(DONE, 0)) for place, job in jobs}
        self.pace = Pace(before, plan.goals, self.refused.out)
        with gate.rule(call.session, "import"):
            for place, job in jobs:
                marks = {MARK: plan.mark} if plan.mark else {}
                job.options = {**job.options, **marks, RUN: self.token, **self.pace.of(place)}
        self.jobs = {place: job.id for place, job in jobs}
        call.session.commit()

    def _given(self) -> dict[int, ImportJob]:
        keys = self.plan.begun
        query = sa.select(ImportJob).where(ImportJob.id.in_(keys.values())).with_for_update()
        found = {job.id: job for job in self.call.session.scalars(query)}
        told = {place: int(found[key].options.get(DONE, 0)) for place, key in keys.items()}
        running = all(job.state is ImportState.running for job in found.values())
        if not running or told != self.plan.seen:  # another one wrote on while this was planned
            raise TakenOver(_("另一次运行接手了这次导入"))
        return {place: found[key] for place, key in keys.items()}

    def steps(self) -> Iterator[tuple[int, int]]:
        """Write everything, what is pointed at first; yield (done, all) after each piece.

        A piece is a transaction. Of a partial run what is refused stays out, record by record.
        """
        with payment.together(self.call.session):
            for job in self._held().values():
                form_records.brought_before(self.call.session, job)
            self.call.session.rollback()
            waves = Waves(self.plan.work)
            yield from self._all(waves)
            for work in self.plan.later():
                yield from self._all(Waves(self._still_sound(work)))
            self._finish(waves)

    def _still_sound(self, work: list[Planned]) -> list[Planned]:
        """Return what still holds of what was checked; of a partial run the rest stays out."""
        fallen = [one for one in work if one.failed]
        if fallen and not self.partial:
            first = next(p for row in fallen[0].rows for p in row.problems if p.fatal)
            raise Stale(_("第 %(line)s 行：%(reason)s", line=first.line, reason=first.reason))
        for one in fallen:
            self.refused.fall(one)
        return [one for one in work if one not in self.refused.lost]

    def _all(self, waves: Waves) -> Iterator[tuple[int, int]]:
        for ready in waves:
            left = self.refused.without(sorted(ready, key=_together(ready)))
            left.reverse()  # what comes next is taken from the end
            while left:
                part = self._next(left)
                try:
                    took = self._piece(part)
                except (Refused, IntegrityError) as problem:
                    if isinstance(problem, TakenOver) or not self.partial:
                        raise
                    self._smaller(part, left, problem)
                    continue
                del left[-len(part) :]
                self._resize(part[0].model, took / len(part))
                yield self.pace.whole

    def _smaller(self, part: list[Planned], left: list[Planned], problem: Exception) -> None:
        """Halve a refused piece until one record is to blame, which is not left."""
        self.call.session.rollback()
        self.writer.extra.clear()
        for one in part:
            if one.record is None:
                one.id, one.version = None, 0
        self.sizes[part[0].model] = max(1, len(part) // 2)
        if not part[1:]:
            self.refused.put(left.pop(), problem)

    def _held(self) -> dict[int, ImportJob]:
        """Return the jobs, locked. Raises TakenOver."""
        query = sa.select(ImportJob).where(ImportJob.id.in_(self.jobs.values())).with_for_update()
        query = query.order_by(ImportJob.id).execution_options(populate_existing=True)
        found = {job.id: job for job in self.call.session.scalars(query)}
        for job in found.values():
            if job.state is not ImportState.running or job.options.get(RUN) != self.token:
                raise TakenOver(_("另一次运行接手了这次导入"))
        return {place: found[key] for place, key in self.jobs.items()}

    def _piece(self, part: list[Planned]) -> float:
        """Write some records; return how many seconds others had to wait."""
        jobs = list(self._held().items())
        begun = time.perf_counter()  # from here on the lock is ours
        leant_on = seen_versions.by_noun(other for one in part for other in one.needs)
        with seen_versions.follow(self.call.session, leant_on):
            before = writing.write_ready(self.writer, self.plan, part)
        self.call.session.expire_all()
        tagging.put_on(self.call, part)
        job_notes.submit(self.writer, self.plan, part, jobs)
        job_notes.note(self.writer, self.plan, (part, before), jobs)
        self._count(part, jobs)
        self.call.session.commit()
        self.writer.extra.clear()
        took = time.perf_counter() - begun
        pause(self.call.session)
        return took

    def _count(self, part: list[Planned], jobs: job_notes.Jobs) -> None:
        """Note on the jobs how far they are."""
        self.pace.add(one.file for one in part)
        with gate.rule(self.call.session, "import"):
            for place, job in jobs:
                told = self.pace.of(place)
                if any(job.options.get(key) != n for key, n in told.items()):
                    job.options = {**job.options, **told}

    def _next(self, left: list[Planned]) -> list[Planned]:
        """Return the next records of one entity, as many as may come at once."""
        model = left[-1].model
        part = left[-self.sizes.setdefault(model, FIRST) :]
        return [one for one in reversed(part) if one.model is model]

    def _resize(self, model: Any, each: float) -> None:
        size = self.sizes[model]
        self.sizes[model] = max(LEAST, min(int(AIM / max(each, 0.000_01)), size * 2, MOST))

    def _finish(self, waves: Waves) -> None:
        jobs = self._held()
        waves.leave_open(self.plan.records)
        waves.tie(self.call.session)
        self.refused.close()
        for place, job in jobs.items():
            job_notes.close(self.writer, self.plan, place, job)
            stored_findings.keep(self.call.session, job, self.refused.problems(place))
        statistics.refresh(self.call.session.connection())
        self.call.session.commit()


def _together(ready: list[Planned]) -> Callable[[Planned], tuple[int, bool, bool]]:
    """Return the order of a wave: entity by entity, changes first, what leans on its like last."""
    places = {model: n for n, model in enumerate(dict.fromkeys(one.model for one in ready))}
    return lambda one: (places[one.model], one.id is None, form_records.later(one))


def pause(session: Session) -> None:
    """Let others in: who waits for SQLite's lock only looks now and then."""
    if session.get_bind().dialect.name == "sqlite":
        time.sleep(PAUSE)


def stop(call: Call, keys: list[int]) -> None:
    """End runs by command that were killed where they stand; one that still writes stops there."""
    for key in keys:
        job = jobs.job_of(call.session, key, by=call.by)
        if job.state is not ImportState.running or MARK not in job.options:
            continue
        row = ImportRow
        count = sa.select(row.noun, sa.func.count(row.id)).where(row.job_id == key)
        written = call.session.execute(count.group_by(row.noun)).all()
        with gate.rule(call.session, "import"):
            job.counts = {noun: {"rows": n, "created": n} for noun, n in written}
            job.state = ImportState.done
    call.session.commit()


def ask(call: Call, keys: list[int], *, rest: bool) -> bool:
    """Tell whether an undo is under way already. Raises Locked with what stands against it."""
    found = [jobs.job_of(call.session, key, by=call.by) for key in keys]
    if [job.state for job in found] == [ImportState.returning]:
        return True
    undo.ask(call.session, *found, rest=rest)
    return False


def return_all(call: Call, keys: list[int]) -> None:
    """Take back what the jobs of one run wrote, the last first, in pieces. Raises Locked.

    What cannot go keeps its job as imported, with the reason.
    """
    gone = collections.Counter[int]()
    try:
        for rows in _backwards(call.session, keys):
            gone.update(row.job_id for row in rows)
            undo.take_back(call, rows)
            call.session.commit()
            pause(call.session)
    except (Refused, IntegrityError) as problem:
        call.session.rollback()
        _leave(call.session, keys, str(problem) if isinstance(problem, Refused) else "")
        raise
    for job in call.session.scalars(sa.select(ImportJob).where(ImportJob.id.in_(keys))):
        undo.settle(call.session, job, gone=gone[job.id], left=0)
    call.session.commit()


def _backwards(session: Session, keys: list[int]) -> Iterator[list[ImportRow]]:
    """Yield the rows of jobs that are left, changes first: new records may be pointed at."""
    row = ImportRow
    query = sa.select(row).where(row.job_id.in_(keys), row.seen_version > 0)
    query = query.order_by(row.fresh, row.id.desc()).limit(staging.PIECE)
    while rows := list(session.scalars(query)):
        yield rows


def _leave(session: Session, keys: list[int], reason: str) -> None:
    for job in session.scalars(sa.select(ImportJob).where(ImportJob.id.in_(keys))):
        stored_findings.keep(session, job, [staging.returned_not(reason)])
        with gate.rule(session, "import"):
            job.state = ImportState.done
    session.commit()
