"""Merging two customers: a plan that is shown is the plan that is done; undo for 30 days."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.bulk.tag import Tagging
from models.core.base import Model
from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.customers.merge import CustomerMerge
from models.deals.contract import Contract
from models.delivery.attachment import Attachment
from models.people.user import User
from models.registry import entities, entity_of, reviewed
from models.rights.audit import AuditAction
from services.core import regions
from services.core.errors import Invalid, Locked, NotVisible, Stale
from services.ownership import ownership
from services.records.fields import inputs_of
from services.records.records import primary_of, value_of
from services.rights import gate
from services.rights.actor import Actor, demand
from services.rights.audit import record as audit
from services.rights.call import Call

UNDO = dt.timedelta(days=30)
CONTACT = "contact"  # the choice of the primary contact as a whole
OWN = ("customer_merge", "customer")  # tables whose links to a customer are no relation of it


@dataclasses.dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merge would do: the kept record's values and contact, the rows that move.

    `values` has every choice of `fields()`; `moved` is (table, column) → keys.
    """

    kept: Customer
    dropped: Customer
    values: dict[str, Any]
    contact_id: int | None
    moved: dict[tuple[str, str], list[int]]

    @property
    def counts(self) -> dict[Any, int]:
        """Return caption of the entity → number of rows that move."""
        captions = {x.class_.__tablename__: x.class_.__caption__ for x in Model.registry.mappers}
        return {captions[table]: len(ids) for (table, _c), ids in self.moved.items() if ids}


def fields() -> list[str]:
    """Return what is chosen field by field; the primary contact is one choice."""
    plain = [k for k in inputs_of(Customer) if not k.startswith("primary.")]
    return [*plain, CONTACT]


def plan(
    session: Session, kept_id: int, dropped_id: int, take: Mapping[str, str], *, by: Actor
) -> MergePlan:
    """Return what the merge of two customers would give; nothing is written.

    take: key of `fields()` → "dropped" where that record's value wins; else the kept one's stays,
    unless it is blank. Raises Forbidden, NotVisible, Invalid, Locked.
    """
    demand(by, "customer:merge")
    kept, dropped = _one(session, kept_id), _one(session, dropped_id)
    if kept.id == dropped.id:
        raise Invalid({"ids": _("请选择两个不同的客户")})
    if Approval.pending in {kept.approval, dropped.approval}:
        raise Locked(_("审批中的客户不能合并，请先处理审批"))
    if dropped.approval is Approval.approved and kept.approval is not Approval.approved:
        raise Locked(_("请保留已通过审批的客户"))
    _check_busy(session, dropped)
    values = {}
    for key in fields():
        if key != CONTACT:
            mine, other = value_of(kept, key), value_of(dropped, key)
            blank = mine in {None, ""}
            values[key] = other if take.get(key) == "dropped" or blank else mine
    mine, other = primary_of(kept), primary_of(dropped)
    winner = other if (take.get(CONTACT) == "dropped" and other) or mine is None else mine
    return MergePlan(
        kept, dropped, values, getattr(winner, "id", None), _moving(session, kept.id, dropped.id)
    )


def merge(call: Call, found: MergePlan, *, seen: tuple[int, int]) -> CustomerMerge:
    """Do what the plan says: the dropped record goes to the recycle bin.

    seen: the versions of kept and dropped that were shown. Raises Stale when either changed.
    """
    if seen != (found.kept.row_version, found.dropped.row_version):
        raise Stale
    primary = [c.id for c in (primary_of(found.kept), primary_of(found.dropped)) if c is not None]
    before = {
        "values": {k: _plain(value_of(found.kept, k)) for k in found.values},
        "after": {k: _plain(value) for k, value in found.values.items()},
        "primary": primary,
    }
    with gate.rule(call.session, "merge"):
        _set_primary(call.session, primary, None)
        for (table, column), ids in found.moved.items():
            _point(call.session, table, column, ids, found.kept.id)
        _set_primary(call.session, primary, found.contact_id)
        _put(call, found.kept, found.values)
        found.dropped.deleted_at = call.now
        done = CustomerMerge(
            kept_id=found.kept.id,
            dropped_id=found.dropped.id,
            at=call.now,
            by_id=call.by.id,
            before=before,
            moved={f"{table}.{column}": ids for (table, column), ids in found.moved.items()},
        )
        call.session.add(done)
    call.session.expire_all()
    return done


@dataclasses.dataclass(frozen=True, slots=True)
class Undone:
    """The record that is back, and the captions of what stays as somebody changed it since."""

    customer: Customer
    left: list[Any]


def undo(call: Call, merge_id: int) -> Undone:
    """Take a merge back within 30 days: values, relations and the record that was dropped.

    Only what still holds what the merge wrote goes back: a relation that was moved on, a value or
    a primary contact that was changed since stays. Raises Forbidden, NotVisible, Locked.
    """
    demand(call.by, "customer:merge")
    done = call.session.scalar(sa.select(CustomerMerge).where(CustomerMerge.id == merge_id))
    if done is None:
        raise NotVisible
    if done.undone_at is not None or call.now - done.at > UNDO:
        raise Locked(_("合并已撤销，或已超过 %(n)s 天", n=UNDO.days))
    kept = _one(call.session, done.kept_id)
    if kept.approval is Approval.pending:
        raise Locked(_("审批中的客户不能撤销合并"))
    with gate.rule(call.session, "merge"):
        _revive(call.session, done.dropped_id)
        now_primary = primary_of(kept)
        chosen = now_primary is not None and now_primary.id not in done.before["primary"]
        _set_primary(call.session, done.before["primary"], None)
        for name, ids in done.moved.items():
            table, column = name.split(".")
            _point(call.session, table, column, ids, done.dropped_id, only_of=done.kept_id)
        _follow_contracts(call.session, done.moved.get("contract.customer_id", []))
        for contact_id in _primaries(call.session, done, but=kept.id if chosen else None):
            _set_primary(call.session, [], contact_id)
        call.session.expire_all()
        back, left = _returning(call.session, done)
        _put(call, kept, {k: _value(k, v) for k, v in back.items()})
        done.undone_at = call.now
    call.session.expire_all()
    label = {"noun": "customer", "record_id": done.dropped_id, "label": str(_("撤销合并"))}
    audit(call.session, [label | {"action": AuditAction.update, "changes": {}}])
    captions = [inputs_of(Customer)[key].facts.caption for key in left]
    captions += [_("主要联系人")] if chosen else []
    return Undone(_one(call.session, done.dropped_id), captions)


def _returning(session: Session, done: CustomerMerge) -> tuple[dict[str, Any], list[str]]:
    """Return the values that go back, and the keys of those that were changed since the merge."""
    kept, dropped = _one(session, done.kept_id), _one(session, done.dropped_id)
    before, after = done.before["values"], done.before.get("after", {})
    back, left = {}, []
    for key, value in before.items():
        found = _plain(value_of(kept, key))
        # A merge of an earlier version kept no word of what it wrote: it could only be the other's.
        wrote = after[key] if key in after else _plain(value_of(dropped, key))
        if found == value:
            continue
        if found == wrote and not (key == "owner_id" and _is_gone(session, value)):
            back[key] = value
        else:
            left.append(key)
    return back, left


def _is_gone(session: Session, user_id: int | None) -> bool:
    user = User.__table__
    query = sa.select(user.c.id).where(user.c.id == user_id, user.c.active)
    return user_id is not None and session.execute(query).first() is None


def _primaries(session: Session, done: CustomerMerge, *, but: int | None) -> list[int]:
    """Return which contacts are primary again; not those of `but`, who chose another since."""
    contact = Contact.__table__
    query = sa.select(contact.c.id).where(
        contact.c.id.in_(done.before["primary"]), contact.c.deleted_at.is_(None)
    )
    if but is not None:
        query = query.where(contact.c.customer_id != but)
    return list(session.execute(query).scalars())


def _one(session: Session, key: int) -> Customer:
    found = session.scalar(sa.select(Customer).where(Customer.id == key))
    if found is None:
        raise NotVisible
    return found


def _check_busy(session: Session, dropped: Customer) -> None:
    """Refuse while something of it is pending: no approval changes under the reviewer's eyes."""
    whole = {model.__table__: model for model in reviewed()}
    for table, column in _links():
        if table not in whole:
            continue
        waiting = sa.select(table.c.id).where(
            column == dropped.id, table.c.approval == Approval.pending
        )
        if session.execute(waiting.limit(1)).first() is not None:
            raise Locked(_("有审批中的「%(what)s」，请先处理", what=whole[table].__caption__))


def _links() -> list[tuple[sa.Table, sa.Column[Any]]]:
    customer = Customer.__table__
    computed = {one.__table__.name for one in entities() if "portrait" in entity_of(one).rules}
    return [
        (table, column)
        for table in Model.metadata.tables.values()
        if table.name not in OWN and table.name not in computed
        for column in table.c
        if any(fk.column.table is customer for fk in column.foreign_keys)
    ]


def _tags(session: Session, kept_id: int, dropped_id: int) -> list[int]:
    """Return the tags that the kept record lacks."""
    tag: Any = Tagging.__table__
    of = tag.c.noun == Customer.__noun__
    has = sa.select(tag.c.tag_id).where(of, tag.c.record_id == kept_id)
    query = sa.select(tag.c.id).where(of, tag.c.record_id == dropped_id, tag.c.tag_id.not_in(has))
    return list(session.execute(query.order_by(tag.c.id)).scalars())


def _moving(session: Session, kept_id: int, dropped_id: int) -> dict[tuple[str, str], list[int]]:
    """Return all that hangs on a customer, also what lies in the recycle bin."""
    file: Any = Attachment.__table__
    files = sa.select(file.c.id).where(
        file.c.noun == Customer.__noun__, file.c.record_id == dropped_id
    )
    found = {(file.name, "record_id"): list(session.execute(files).scalars())}
    found["tagging", "record_id"] = _tags(session, kept_id, dropped_id)
    return found | {
        (table.name, column.name): list(
            session.execute(
                sa.select(table.c.id).where(column == dropped_id).order_by(table.c.id)
            ).scalars()
        )
        for table, column in _links()
    }


def _point(  # where, what, whither
    session: Session,
    name: str,
    column: str,
    ids: list[int],
    target: int,
    *,
    only_of: int | None = None,
) -> None:
    table = Model.metadata.tables[name]
    values: dict[str, Any] = {column: target}
    if "row_version" in table.c:
        values["row_version"] = table.c.row_version + 1
    where = table.c[column] == only_of if only_of is not None else sa.true()
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        session.execute(
            sa.update(table).where(table.c.id.in_(part), where).values(values),
            execution_options={"rule": "merge"},
        )


def _follow_contracts(session: Session, ids: list[int]) -> None:
    """Take along what came to contracts since the merge: it belongs to the contract's customer."""
    contract: Any = Contract.__table__
    for model in entities():
        if "contract" not in entity_of(model).rules.split():
            continue
        table: Any = model.__table__
        buyer = sa.select(contract.c.customer_id).where(contract.c.id == table.c.contract_id)
        for start in range(0, len(ids), 500):
            session.execute(
                sa.update(table)
                .where(
                    table.c.contract_id.in_(ids[start : start + 500]),
                    table.c.customer_id != buyer.scalar_subquery(),
                )
                .values(customer_id=buyer.scalar_subquery()),
                execution_options={"rule": "merge"},
            )


def _set_primary(session: Session, ids: list[int], winner: int | None) -> None:
    contact = Contact.__table__
    for keys_, on in ((ids, False), ([winner] if winner else [], True)):
        if keys_:
            session.execute(
                sa.update(contact)
                .where(contact.c.id.in_(keys_))
                .values(is_primary=on, row_version=contact.c.row_version + 1),
                execution_options={"rule": "merge"},
            )


def _put(call: Call, kept: Customer, values: Mapping[str, Any]) -> None:
    """Write values into the kept record; another owner takes the open work along."""
    for key, value in values.items():
        if key != "owner_id":
            setattr(kept, key, value)
    kept.region_text = regions.text_of(kept.region_code) if kept.region_code else None
    if values.get("owner_id", kept.owner_id) != kept.owner_id:
        call.session.flush()
        note = str(_("客户合并"))
        ownership.change(call, kept, values["owner_id"], note=note)


def _revive(session: Session, key: int) -> None:
    customer = Customer.__table__
    session.execute(
        sa.update(customer)
        .where(customer.c.id == key)
        .values(deleted_at=None, row_version=customer.c.row_version + 1),
        execution_options={"rule": "merge"},
    )


def _plain(value: Any) -> Any:
    return value.name if isinstance(value, enum.Enum) else value


def _value(key: str, value: Any) -> Any:
    one = inputs_of(Customer)[key]
    return one.target[value] if one.kind == "enum" and value is not None else value
