"""Bulk edits: one change of many records, together where the rules allow, and its undo.

Each item keeps what was written in it, before and after, so that an undo gives back what still
holds what the edit wrote, and names the rest.
"""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.bulk.batch import BatchJob, BatchVerb, ItemState
from services.bulk import doers, jobs
from services.bulk.doers import SINGLY, Chunk, JobCall, Outcome
from services.bulk.jobs import ITEM, Task
from services.core.errors import Invalid, NotVisible, Refused
from services.records import many, records
from services.records.fields import Input, inputs_of
from services.records.many import Turn
from services.records.records import Values, value_of
from services.records.snapshot import frozen, revive
from services.rights.call import Call

KINDS = frozenset(
    {"text", "enum", "ref", "dictionary", "date", "datetime", "money", "percent", "int", "bool"}
)
TOGETHER = 250  # a chunk holds the write lock of SQLite
Change = dict[str, list[Any]]  # input → before, after; frozen


def editable_in_bulk(model: type[Any]) -> dict[str, Input]:
    """Return the inputs one value of which makes sense for many records: no personal fields."""
    columns = sa.inspect(model).column_attrs.keys()
    return {
        key: one
        for key, one in inputs_of(model).items()
        if key in columns and one.kind in KINDS and not (one.facts.sensitive or one.facts.multiline)
    }


def editing(session: Session, model: type[Any], values: dict[str, Any]) -> Task:
    """Return the task of changing fields. Raises Invalid for a field that cannot be in bulk."""
    known = editable_in_bulk(model)
    if not values or not values.keys() <= known.keys():
        raise Invalid({"field": _("请选择要修改的字段")})
    caption = "、".join(str(known[key].facts.caption) for key in values)
    kept = {key: frozen(session, known[key], value, {}) for key, value in values.items()}
    return Task(BatchVerb.edit, model.__noun__, caption, {"values": kept})


def take_back(call: Call, job: BatchJob) -> BatchJob:
    """Return a new job that gives back what a bulk edit changed, ready to be started."""
    if job.verb is not BatchVerb.edit:
        raise NotVisible
    told = _("撤销：%(what)s", what=job.comment or "")
    task = Task(BatchVerb.edit, job.noun, str(told)[:500], {"undo": job.id})
    fresh = jobs.open_job(call, task)
    written = sa.select(ITEM.c["target_id", "title"]).where(
        ITEM.c.job_id == job.id, ITEM.c.state == ItemState.done, ITEM.c.changes.is_not(None)
    )
    rows = call.session.execute(written.order_by(ITEM.c.id)).all()
    titles = {row.target_id: row.title for row in rows}
    jobs.add(call.session, fresh, [(row.target_id, None) for row in rows], titles)
    return fresh


def revocable(session: Session, job: BatchJob) -> bool:
    """Tell whether a bulk edit wrote something that can be given back."""
    written = sa.select(ITEM.c.id).where(ITEM.c.job_id == job.id, ITEM.c.changes.is_not(None))
    return job.verb is BatchVerb.edit and session.scalar(written.limit(1)) is not None


@doers.together(BatchVerb.edit)
def edit_chunk(call: JobCall, chunk: Chunk) -> tuple[int, dict[int, Outcome]]:
    """Change a chunk of records: the plain ones together, the rest one by one."""
    chunk = chunk.first(TOGETHER)
    if not call.job.arguments:
        lost = Refused(_("请回到列表重新选择"))
        return len(chunk.items), {r.target_id: doers.refused(call, r, lost) for r in chunk.items}
    turns, found = _turns(call, chunk)
    alone = {key for key, turn in turns.items() if not many.together(call, turn)}
    if len(alone) > SINGLY:
        chunk = chunk.first(SINGLY)
    mine = {row.target_id: turns[row.target_id] for row in chunk.items if row.target_id in turns}
    found |= _together(call, {key: turn for key, turn in mine.items() if key not in alone})
    for row in chunk.items:
        if row.target_id in mine and row.target_id not in found:
            found[row.target_id] = _alone(call, row, mine[row.target_id])
    return len(chunk.items), {row.target_id: found[row.target_id] for row in chunk.items}


def _turns(call: JobCall, chunk: Chunk) -> tuple[dict[int, Turn], dict[int, Outcome]]:
    """Return what each item of a chunk is to become, and why some of them cannot be asked."""
    model, keys = jobs.MODELS[call.job.noun], [row.target_id for row in chunk.items]
    rows = call.session.scalars(sa.select(model).where(model.id.in_(keys)))
    known, wanted = {row.id: row for row in rows}, _wanted(call, model, keys)
    turns, found = {}, {}
    for row in chunk.items:
        record = known.get(row.target_id)
        try:
            if record is None:
                raise NotVisible  # as everything else that stands against an item
            values = _given_back(record, wanted[record.id]) if wanted else _same(call, model)
        except Refused as refusal:
            title = f"#{row.target_id}" if record is None else str(record)
            found[row.target_id] = Outcome(title, doers.told(refusal))
        else:
            turns[row.target_id] = Turn(record, values, row.seen_version)
    return turns, found


def _same(call: JobCall, model: type[Any]) -> Values:
    known = editable_in_bulk(model)
    kept = (call.job.arguments or {})["values"]
    return {key: revive(known[key], value) for key, value in kept.items()}


def _wanted(call: JobCall, model: type[Any], keys: list[int]) -> dict[int, Change]:
    """Return record → what an edit wrote in it, where the job takes one back; {} elsewhere."""
    job_id = (call.job.arguments or {}).get("undo")
    if job_id is None:
        return {}
    source = jobs.frozen(call.session, job_id)
    if source.noun != model.__noun__:
        raise NotVisible
    query = sa.select(ITEM.c["target_id", "changes"]).where(
        ITEM.c.job_id == source.id, ITEM.c.target_id.in_(keys)
    )
    return {row.target_id: row.changes or {} for row in call.session.execute(query)}


def _given_back(record: Any, change: Change) -> Values:
    """Return the values before an edit. Raises Refused where one was changed since."""
    known, values = inputs_of(type(record)), {}
    for key, (before, after) in change.items():
        one = known[key]
        if value_of(record, key) != revive(one, after):
            told = _("「%(field)s」后来又改过，没有撤销", field=one.facts.caption)
            raise Refused(told, code="CONTENT_CHANGED")
        values[key] = revive(one, before)
    return values


def _together(call: JobCall, turns: dict[int, Turn]) -> dict[int, Outcome]:
    """Change plain records at once; return nothing where each has to be changed by itself."""
    before = {key: _held(call, turn) for key, turn in turns.items()}
    refusals = many.update(call, turns.values())
    if refusals is None:
        return {}
    found = {}
    for key, turn in turns.items():
        title, refusal = str(turn.record), refusals.get(key)
        problem = doers.told(refusal) if refusal else None
        changes = None if refusal else _changed(before[key], _held(call, turn))
        found[key] = Outcome(title, problem, changes)
    return found


def _alone(call: JobCall, row: Any, turn: Turn) -> Outcome:
    """Change one record inside its own SAVEPOINT, so that a refusal undoes that one alone."""
    record, before = turn.record, _held(call, turn)
    try:
        with call.session.begin_nested():
            told = records.warnings(call, record, turn.values)
            given = records.without_unchanged(record, dict(turn.values))
            asks = records.diverted(call.session, record, given)
            records.update(call, record, dict(turn.values), seen=turn.seen)
            title = "；".join([str(record), *(str(one.message) for one in told)])
            note = _("已提交变更申请") if asks else None
            return Outcome(title, None, _changed(before, _held(call, turn)), note)
    except Refused as refusal:
        return doers.refused(call, row, refusal)


def _held(call: Call, turn: Turn) -> Values:
    known = inputs_of(type(turn.record))
    return {
        key: frozen(call.session, known[key], value_of(turn.record, key), {}) for key in turn.values
    }


def _changed(before: Values, after: Values) -> Change | None:
    """Return what was written; what asks for a change by approval is as it was."""
    found = {k: [before[k], after[k]] for k in before if before[k] != after[k]}
    return found or None
