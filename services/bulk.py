"""Bulk verbs on any records: change one field, delete, take a deletion back; each item alone.

The same stored jobs as bulk approval: which version was meant, and why an item was refused.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import audit, ownership, records
from services.actor import Actor, demand
from services.approval.batch import Item, open_job, run_job
from services.errors import Invalid, NotVisible, Refused, Stale
from services.fields import Input, inputs_of

V = m.BatchVerb
OWN = frozenset({V.edit, V.delete, V.restore, V.assign, V.tag, V.untag})  # chosen in a grid
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


def edit_many(  # what, whose and when are part of the law
    session: Session,
    model: type[Any],
    items: Iterable[Item],
    values: dict[str, Any],
    *,
    by: Actor,
    now: dt.datetime,
) -> m.BatchJob:
    """Change the same field of many records. Raises Invalid for a field that cannot be."""
    if not values or not values.keys() <= editable_in_bulk(model).keys():
        raise Invalid({"field": _("请选择要修改的字段")})
    caption = "、".join(str(inputs_of(model)[key].facts.caption) for key in values)

    def one(target: int, seen: int | None) -> str:
        record = _visible(session, model, target)
        records.update(session, record, dict(values), seen=seen, by=by, now=now)
        return str(record)

    job = open_job(session, model.__noun__, m.BatchVerb.edit, caption, by, now)
    return run_job(session, job, items, one, now)


def assign_many(  # to whom and why are part of the law
    session: Session,
    items: Iterable[Item],
    *,
    to_id: int | None,
    note: str | None,
    by: Actor,
    now: dt.datetime,
) -> m.BatchJob:
    """Give many customers with their open work to somebody. Raises Forbidden, Invalid."""
    demand(by, "customer:assign")
    name = str(session.get(m.User, ownership.active_user(session, to_id)))

    def one(target: int, seen: int | None) -> str:
        customer = _visible(session, m.Customer, target)
        if seen is not None and seen != customer.row_version:
            raise Stale
        ownership.assign(session, customer, to_id, note=note, by=by, now=now)
        return str(customer)

    job = open_job(session, m.Customer.__noun__, m.BatchVerb.assign, name, by, now)
    return run_job(session, job, items, one, now)


def delete_many(
    session: Session, model: type[Any], items: Iterable[Item], *, by: Actor, now: dt.datetime
) -> m.BatchJob:
    """Delete many records, softly where the entity has a recycle bin."""

    def one(target: int, seen: int | None) -> str:
        record = _visible(session, model, target)
        title = str(record)
        records.remove(session, record, seen=seen, by=by, now=now)
        return title

    job = open_job(session, model.__noun__, m.BatchVerb.delete, None, by, now)
    return run_job(session, job, items, one, now)


def restore_many(
    session: Session, model: type[Any], keys: Iterable[int], *, by: Actor, now: dt.datetime
) -> m.BatchJob:
    """Take records out of the recycle bin again. Raises NotVisible where there is none."""
    if not issubclass(model, m.SoftDeleted):
        raise NotVisible
    table: Any = model.__table__  # type: ignore[attr-defined] # narrowed to the mixin
    noun = str(model.__noun__)  # type: ignore[attr-defined]

    def one(target: int, _seen: int | None) -> str:
        query = binned(model, by).where(table.c.id == target)
        row = session.connection().execute(query).mappings().first()
        if row is None:
            raise NotVisible
        session.connection().execute(
            sa.update(table)
            .where(table.c.id == target)
            .values(deleted_at=None, updated_at=now, row_version=table.c.row_version + 1)
        )
        change = {"deleted_at": [str(row["deleted_at"]), None]}
        entry = {"action": m.AuditAction.update, "noun": noun, "record_id": target}
        audit.record(session, [entry | {"label": title_of(row), "changes": change}])
        return title_of(row)

    job = open_job(session, noun, m.BatchVerb.restore, None, by, now)
    return run_job(session, job, [(key, None) for key in keys], one, now)


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


def _visible(session: Session, model: type[Any], key: int) -> Any:
    found = session.scalar(sa.select(model).where(model.id == key))
    if found is None:
        raise NotVisible
    return found


def title_of(row: Any) -> str:
    """Return what a row of a table is called."""
    named = (row.get(key) for key in ("company", "name", "label", "code"))
    return str(next((text for text in named if text), f"#{row['id']}"))


def refuse_retry(job: m.BatchJob) -> None:
    """Raise Refused for a verb that is chosen anew in its grid."""
    if job.verb in OWN:
        raise Refused(_("请回到列表重新选择"))
