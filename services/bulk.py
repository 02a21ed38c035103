"""Bulk verbs on any records: change one field, delete, take a deletion back; each item alone.

The same stored jobs as bulk approval: which version was meant, and why an item was refused.
"""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import audit, batch_work, batches, ownership, records, texts
from services.actor import Actor, demand, may
from services.approval.snapshot import frozen, revive
from services.batch_work import Act, Call
from services.batches import Task
from services.errors import Forbidden, Invalid, NotVisible, Refused, Stale
from services.fields import Input, inputs_of

V = m.BatchVerb
NOTE = 300
KINDS = frozenset(
    {"text", "enum", "ref", "dictionary", "date", "datetime", "money", "percent", "int", "bool"}
)


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
    return Task(V.edit, model.__noun__, caption, {"values": kept})


@batch_work.singly(V.edit)
def edit_each(call: Call) -> Act:
    """Return what changes one record that is as it was seen."""
    model = batches.MODELS[call.job.noun]
    kept, known = _arguments(call)["values"], editable_in_bulk(model)
    values = {key: revive(known[key], value) for key, value in kept.items()}

    def one(target: int, seen: int | None) -> str:
        record = batches.visible(call.session, model, target)
        told = records.warnings(call.session, record, values, by=call.by, now=call.now)
        records.update(call.session, record, dict(values), seen=seen, by=call.by, now=call.now)
        return "；".join([str(record), *(str(one.message) for one in told)])

    return one


def assigning(session: Session, to_id: int | None, note: str | None, *, by: Actor) -> Task:
    """Return the task of giving customers to somebody. Raises Forbidden, Invalid."""
    demand(by, "customer:assign")
    target = ownership.active_user(session, to_id)
    name = str(session.get(m.User, target))
    return Task(V.assign, m.Customer.__noun__, name, {"to_id": target, "note": note_of(note)})


def note_of(text: str | None) -> str | None:
    """Return why something is done, as it is kept. Raises Invalid on `comment`."""
    try:
        return texts.clean(text or "")[:NOTE] or None
    except ValueError as problem:
        raise Invalid({"comment": problem.args[0]}) from problem


@batch_work.singly(V.assign)
def assign_each(call: Call) -> Act:
    """Return what gives one customer with its open work to somebody."""
    demand(call.by, "customer:assign")
    given = _arguments(call)

    def one(target: int, seen: int | None) -> str:
        customer = batches.visible(call.session, m.Customer, target)
        if seen is not None and seen != customer.row_version:
            raise Stale
        ownership.assign(
            call.session, customer, given["to_id"], note=given["note"], by=call.by, now=call.now
        )
        return str(customer)

    return one


@batch_work.singly(V.delete)
def delete_each(call: Call) -> Act:
    """Return what deletes one record, softly where the entity has a recycle bin."""
    model = batches.MODELS[call.job.noun]

    def one(target: int, seen: int | None) -> str:
        record = batches.visible(call.session, model, target)
        title = str(record)
        records.remove(call.session, record, seen=seen, by=call.by, now=call.now)
        return title

    return one


def restoring(noun: str, *, by: Actor) -> Task:
    """Return the task of taking records out of the bin. Raises NotVisible, Forbidden."""
    if not issubclass(batches.MODELS[noun], m.SoftDeleted):
        raise NotVisible
    if not (may(by, f"{noun}:delete") or may(by, f"{noun}:delete_own")):
        raise Forbidden
    return Task(V.restore, noun)


@batch_work.singly(V.restore)
def restore_each(call: Call) -> Act:
    """Return what takes one record out of the recycle bin again."""
    session, noun = call.session, call.job.noun
    restoring(noun, by=call.by)
    model = batches.MODELS[noun]
    table: Any = model.__table__

    def one(target: int, seen: int | None) -> str:
        query = binned(model, call.by).where(table.c.id == target)
        row = session.connection().execute(query).mappings().first()
        if row is None:
            raise NotVisible
        if seen is not None and seen != row["row_version"]:
            raise Stale
        rules = records.SAVERS.get(model, records.Saver())
        wrong = rules.restorable(records.Call(session, call.by, call.now), row)
        if wrong:
            raise Invalid(wrong)
        session.connection().execute(
            sa.update(table)
            .where(table.c.id == target)
            .values(deleted_at=None, updated_at=call.now, row_version=table.c.row_version + 1)
        )
        change = {"deleted_at": [str(row["deleted_at"]), None]}
        entry = {"action": m.AuditAction.update, "noun": noun, "record_id": target}
        audit.record(session, [entry | {"label": title_of(row), "changes": change}])
        return title_of(row)

    return one


def take_back(session: Session, job: m.BatchJob, *, by: Actor, now: dt.datetime) -> m.BatchJob:
    """Return a new job that restores what a bulk deletion deleted, ready to be started."""
    if job.verb is not V.delete:
        raise NotVisible
    fresh = batches.open_job(session, restoring(job.noun, by=by), by=by, now=now)
    # The deletion counted the version up by one: what was deleted again since is not ours.
    batches.copy(session, (job, m.ItemState.done), fresh, batches.ITEM.c.seen_version + 1)
    return fresh


def binned(model: type[Any], by: Actor) -> Any:
    """Return a Core SELECT of what lies in the bin: for admins all, for others what was theirs.

    The read gate hides deleted rows from everybody, so their own rule stands here.
    """
    table = model.__table__
    query = sa.select(table).where(table.c.deleted_at.is_not(None))
    if by.is_admin:
        return query
    people = [table.c[key] for key in ("owner_id", "created_by_id") if key in table.c]
    return query.where(sa.or_(*(person == by.id for person in people)))


def title_of(row: Any) -> str:
    """Return what a row of a table is called."""
    named = (row.get(key) for key in ("company", "name", "label", "code"))
    return str(next((text for text in named if text), f"#{row['id']}"))


def _arguments(call: Call) -> dict[str, Any]:
    """Return what a job needs; one of earlier versions did not keep it. Raises Refused."""
    if not call.job.arguments:
        raise Refused(_("请回到列表重新选择"))
    return call.job.arguments
