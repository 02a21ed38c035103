"""Bulk verbs on any records: assign, delete, take a deletion back; each item alone.

The same stored jobs as bulk approval: which version was meant, and why an item was refused.
"""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.bulk.batch import BatchJob, BatchVerb, ItemState
from models.core.mixins import SoftDeleted
from models.customers.customer import Customer
from models.people.user import User
from models.rights.audit import AuditAction
from services.bulk import doers, jobs
from services.bulk.doers import Act, JobCall
from services.bulk.jobs import Task
from services.core import texts
from services.core.errors import Forbidden, Invalid, NotVisible, Refused, Stale
from services.ownership import ownership
from services.records import records
from services.rights import audit
from services.rights.actor import Actor, demand, may
from services.rights.call import Call

V = BatchVerb
NOTE = 300


def assigning(session: Session, to_id: int | None, note: str | None, *, by: Actor) -> Task:
    """Return the task of giving customers to somebody. Raises Forbidden, Invalid."""
    demand(by, "customer:assign")
    target = ownership.active_user(session, to_id)
    name = str(session.get(User, target))
    return Task(V.assign, Customer.__noun__, name, {"to_id": target, "note": note_of(note)})


def note_of(text: str | None) -> str | None:
    """Return why something is done, as it is kept. Raises Invalid on `comment`."""
    try:
        return texts.clean(text or "")[:NOTE] or None
    except ValueError as problem:
        raise Invalid({"comment": problem.args[0]}) from problem


@doers.singly(V.assign)
def assign_each(call: JobCall) -> Act:
    """Return what gives one customer with its open work to somebody."""
    demand(call.by, "customer:assign")
    given = _arguments(call)

    def one(target: int, seen: int | None) -> str:
        customer = jobs.visible(call.session, Customer, target)
        if seen is not None and seen != customer.row_version:
            raise Stale
        ownership.assign(call, customer, given["to_id"], note=given["note"])
        return str(customer)

    return one


@doers.singly(V.delete)
def delete_each(call: JobCall) -> Act:
    """Return what deletes one record, softly where the entity has a recycle bin."""
    model = jobs.MODELS[call.job.noun]

    def one(target: int, seen: int | None) -> str:
        record = jobs.visible(call.session, model, target)
        title = str(record)
        records.remove(call, record, seen=seen)
        return title

    return one


def restoring(noun: str, *, by: Actor) -> Task:
    """Return the task of taking records out of the bin. Raises NotVisible, Forbidden."""
    if not issubclass(jobs.MODELS[noun], SoftDeleted):
        raise NotVisible
    if not (may(by, f"{noun}:delete") or may(by, f"{noun}:delete_own")):
        raise Forbidden
    return Task(V.restore, noun)


@doers.singly(V.restore)
def restore_each(call: JobCall) -> Act:
    """Return what takes one record out of the recycle bin again."""
    session, noun = call.session, call.job.noun
    restoring(noun, by=call.by)
    model = jobs.MODELS[noun]
    table: Any = model.__table__

    def one(target: int, seen: int | None) -> str:
        query = binned(model, call.by).where(table.c.id == target)
        row = session.connection().execute(query).mappings().first()
        if row is None:
            raise NotVisible
        if seen is not None and seen != row["row_version"]:
            raise Stale
        rules = records.SAVERS.get(model, records.Saver())
        wrong = rules.restorable(call, dict(row))
        if wrong:
            raise Invalid(wrong)
        session.connection().execute(
            sa.update(table)
            .where(table.c.id == target)
            .values(deleted_at=None, updated_at=call.now, row_version=table.c.row_version + 1)
        )
        change = {"deleted_at": [str(row["deleted_at"]), None]}
        entry = {"action": AuditAction.update, "noun": noun, "record_id": target}
        audit.record(session, [entry | {"label": title_of(row), "changes": change}])
        rules.restored(call, dict(row))
        return title_of(row)

    return one


def take_back(call: Call, job: BatchJob) -> BatchJob:
    """Return a new job that restores what a bulk deletion deleted, ready to be started."""
    if job.verb is not V.delete:
        raise NotVisible
    fresh = jobs.open_job(call, restoring(job.noun, by=call.by))
    # The deletion counted the version up by one: what was deleted again since is not ours.
    jobs.copy(call.session, (job, ItemState.done), fresh, jobs.ITEM.c.seen_version + 1)
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


def _arguments(call: JobCall) -> dict[str, Any]:
    """Return what a job needs; one of earlier versions did not keep it. Raises Refused."""
    if not call.job.arguments:
        raise Refused(_("请回到列表重新选择"))
    return call.job.arguments
