"""Bulk verbs: every item succeeds or fails alone, and how it went is stored."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate
from services.actor import Actor, demand
from services.approval import bulk, choice
from services.approval.snapshot import REVIEWED
from services.approval.submit import submit
from services.errors import Invalid, NotVisible, Refused

MODELS = {mapper.class_.__noun__: mapper.class_ for mapper in m.Model.registry.mappers}

Item = tuple[int, int | None]  # target id, the version the person saw


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
    bulk.run(session, job, by=by, now=now)
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
    demand(by, f"{noun}:submit")
    model = REVIEWED[noun]

    def one(target: int, seen: int | None) -> str:
        record = session.scalar(sa.select(model).where(model.id == target))
        if record is None:
            raise NotVisible
        if seen is not None and seen != record.row_version:
            raise Refused(_("记录已被他人修改，请刷新后重试"), code="CONTENT_CHANGED")
        try:
            submit(session, record, by=by, now=now)
        except Invalid as problem:
            if choice.FIELD not in problem.errors:
                raise
            raise Refused(
                _("此流程需要提交人选择审批人，请打开记录单独提交"), code="CHOICE_NEEDED"
            ) from problem
        return str(record)

    job = job or open_job(session, noun, m.BatchVerb.submit, None, by, now)
    return run_job(session, job, items, one, now)


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


def retry(session: Session, job: m.BatchJob, *, by: Actor, now: dt.datetime) -> m.BatchJob:
    """Do only the failed items again, with the versions as they are now for submissions."""
    failed = [(i.target_id, i.seen_version) for i in job.items if i.state is m.ItemState.failed]
    if job.verb is m.BatchVerb.submit:
        return submit_many(session, job.noun, [(key, None) for key, _s in failed], by=by, now=now)
    return decide_many(session, failed, verb=job.verb.name, comment=job.comment, by=by, now=now)


def open_job(
    session: Session, noun: str, verb: m.BatchVerb, comment: str | None, by: Actor, now: dt.datetime
) -> m.BatchJob:
    """Return a new job of somebody, without items yet."""
    with gate.rule(session, "approval"):
        job = m.BatchJob(verb=verb, noun=noun, comment=comment, actor_id=by.id or 0, created_at=now)
        session.add(job)
    return job


def run_job(
    session: Session,
    job: m.BatchJob,
    items: Iterable[Item],
    act: Callable[[int, int | None], str],
    now: dt.datetime,
) -> m.BatchJob:
    """Do every item alone and store how it went; an item that is named twice is done once."""
    seen_ids: set[int] = set()
    results: list[dict[str, Any]] = []
    for target, seen in items:
        if target in seen_ids:
            continue
        seen_ids.add(target)
        results.append(
            {"job_id": job.id, "target_id": target, "seen_version": seen}
            | _one(session, job.noun, (target, seen), act)
        )
    with gate.rule(session, "approval"):
        for row in results:
            session.add(m.BatchItem(**row))
        job.finished_at = now
    session.expire(job, ["items"])
    return job


def _one(
    session: Session, noun: str, item: Item, act: Callable[[int, int | None], str]
) -> dict[str, Any]:
    """Do one item inside its own SAVEPOINT, so that a refusal undoes that item alone."""
    target, seen = item
    try:
        with session.begin_nested():
            title = act(target, seen)
    except Invalid as problem:
        text = "；".join(f"{message}" for message in problem.errors.values())
        return _failed(session, noun, target, ("INVALID", text))
    except Refused as problem:
        return _failed(session, noun, target, (problem.code, str(problem)))
    return {"state": m.ItemState.done, "title": title[:200], "code": None, "message": None}


def _failed(session: Session, noun: str, target: int, problem: tuple[str, str]) -> dict[str, Any]:
    record = session.scalar(sa.select(MODELS[noun]).where(MODELS[noun].id == target))
    return {
        "state": m.ItemState.failed,
        "title": str(record)[:200] if record else f"#{target}",
        "code": problem[0],
        "message": problem[1][:300],
    }
