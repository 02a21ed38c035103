"""Erasing a person: what the company knows of a contact goes, wherever it was copied to.

Telephone numbers, mailboxes and accounts are looked for in every text of every table, the name in
what belongs to the customer and beside a number of the person. Rows of the audit log and of
approvals that tell of the person are emptied, which their guards allow and their seals outlast.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.exc import IntegrityError

from models.approval.request import ApprovalRequest
from models.core.base import Model
from models.core.field import fields_of
from models.core.mixins import Approval
from models.customers.contact import Contact
from models.delivery.attachment import Attachment
from models.people.user import User
from models.registry import entities, having
from models.rights.audit import AuditAction, AuditLog
from services.core.errors import Locked, NotVisible
from services.records import snapshot
from services.rights import audit
from services.rights.actor import demand
from services.rights.call import Call

GONE = "****"
KEPT = ("customer_id", "is_primary")  # what stays of a contact: that there was one
OWN = ("mobile", "wechat", "email", "qq", "landline", "mobile_key", "landline_key", "email_key")
SHORTEST = 5  # characters from which a value is looked for everywhere
LOG: Any = AuditLog.__table__
PERSON: Any = Contact.__table__
REQUEST: Any = ApprovalRequest.__table__
FILE: Any = Attachment.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Whom to forget: the contact, what is his alone, the name.

    `free`: the name means him also within a text, for his company is not called by it.
    """

    id: int
    customer_id: int
    values: tuple[str, ...]
    name: str
    free: bool

    def clean(self, value: Any) -> Any:
        """Return a value of a row that tells of the person, without him."""
        if isinstance(value, Mapping):
            return {key: self.clean(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.clean(one) for one in value]
        if not isinstance(value, str):
            return value
        for one in self.values:
            value = value.replace(one, GONE)
        if self.free:
            return value.replace(self.name, GONE)
        return GONE if self.name and value.strip() == self.name else value


def erase(call: Call, contact_id: int) -> dict[str, int]:
    """Erase a contact; return how many rows were changed by table.

    Raises Forbidden, NotVisible, and Locked while something that tells of the person is pending.
    """
    demand(call.by, "contact:erase")
    found = call.session.scalar(sa.select(Contact).where(Contact.id == contact_id))
    if found is None:
        raise NotVisible
    call.session.flush()
    connection = call.session.connection()
    person = _person(connection, found)
    _refuse_pending(connection, person)
    emptied = _empty_log(connection, person)
    try:
        counts = _files(connection, person)
        counts |= {table.name: n for table in _tables() if (n := _sweep(connection, table, person))}
        counts["contact"] = _forget(connection, call, found)
    except IntegrityError as problem:
        raise Locked(_("有审批中的记录提到此人，请先处理审批")) from problem
    row = {"noun": "contact", "record_id": person.id, "label": f"#{person.id}"}
    lines = [f"{table}: {n}" for table, n in sorted(counts.items())]
    told = {"rows": [None, emptied], "tables": [None, lines]}
    audit.record(call.session, [row | {"action": AuditAction.erase, "changes": told}])
    call.session.expire_all()
    return counts | {"audit_log": len(emptied)}


def _person(connection: sa.Connection, contact: Contact) -> Person:
    """Return whom to forget; a switchboard that colleagues share is nobody's alone."""
    columns = [PERSON.c[key] for key in OWN]
    values = {one for key in OWN if (one := getattr(contact, key)) and len(one) >= SHORTEST}
    others = sa.select(*columns).where(
        PERSON.c.id != contact.id,
        PERSON.c.deleted_at.is_(None),
        sa.or_(*(column.in_(values) for column in columns)),
    )
    values -= {one for row in connection.execute(others) for one in row}
    values |= {short for one in values if (short := audit.mask(one)) != audit.HIDDEN}
    name = (contact.name or "").strip()
    free = len(name) > 1 and name not in (contact.customer.company or "")
    longest = tuple(sorted(values, key=len, reverse=True))
    return Person(contact.id, contact.customer_id, longest, name, free)


def _refuse_pending(connection: sa.Connection, person: Person) -> None:
    pending = sa.select(REQUEST.c.id).where(
        REQUEST.c.customer_id == person.customer_id, REQUEST.c.state == Approval.pending
    )
    if connection.execute(pending.limit(1)).first() is not None:
        raise Locked(_("该客户有审批中的单据，请先处理审批"))


def _tables() -> Iterator[Any]:
    """Yield what may hold copies; other contacts and colleagues are people of their own."""
    own = {PERSON.name, User.__table__.name, LOG.name}
    for table in Model.metadata.sorted_tables:
        if table.name not in own and "id" in table.c:
            yield table


def _texts(table: Any) -> list[Any]:
    """Return the columns that hold what somebody wrote."""
    return [
        column
        for column in table.c
        if isinstance(column.type, sa.JSON)
        or (isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum))
    ]


def _holding(columns: list[Any], values: tuple[str, ...]) -> Any:
    """Return the condition that some column holds one of the values."""
    return sa.or_(
        sa.false(),
        *(
            sa.cast(column, sa.Text).contains(spelling, autoescape=True)
            for column in columns
            for value in values
            for spelling in {value, _escaped(value)}
            if spelling == value or isinstance(column.type, sa.JSON)
        ),
    )


def _escaped(value: str) -> str:
    return value.encode("ascii", "backslashreplace").decode()


def _near(table: Any, person: Person) -> Any:
    """Return which rows belong to the person's customer."""
    if "customer_id" in table.c:
        return table.c.customer_id == person.customer_id
    if {"noun", "record_id"} <= set(table.c.keys()):
        return sa.or_(
            sa.and_(table.c.noun == "customer", table.c.record_id == person.customer_id),
            sa.and_(table.c.noun == "contact", table.c.record_id == person.id),
        )
    if "request_id" in table.c:
        mine = sa.select(REQUEST.c.id).where(REQUEST.c.customer_id == person.customer_id)
        return table.c.request_id.in_(mine)
    return table.c.id == person.customer_id if table.name == "customer" else sa.false()


def _sweep(connection: sa.Connection, table: Any, person: Person) -> int:
    columns = _texts(table)
    name = (person.name,) if person.name else ()
    near = sa.and_(_near(table, person), _holding(columns, name))
    query = sa.select(table.c.id, *columns).where(
        sa.or_(_holding(columns, person.values), near)
    )  # fmt: skip
    forever = {model.__table__.name for model in having("forgets")}
    n = 0
    for row in connection.execute(query).mappings().all():
        new = {c.name: person.clean(row[c.name]) for c in columns}
        new = {key: value for key, value in new.items() if value != row[key]}
        if not new:
            continue
        if table.name in forever:  # such a text goes as a whole
            new = {key: "" if isinstance(value, str) else {} for key, value in new.items()}
        if "payload_hash" in table.c and "payload" in new:
            new["payload_hash"] = snapshot.digest(new["payload"])
        connection.execute(sa.update(table).where(table.c.id == row["id"]).values(new))
        n += 1
    return n


def _files(connection: sa.Connection, person: Person) -> dict[str, int]:
    """Remove the customer's files that are named after the person; their bytes go with a sweep."""
    named = tuple(one for one in (person.name, *person.values) if one)
    which = sa.and_(_near(FILE, person), _holding([FILE.c.name], named))
    n = connection.execute(sa.delete(FILE).where(which)).rowcount if named else 0
    return {"attachment": n} if n else {}


def _forget(connection: sa.Connection, call: Call, contact: Contact) -> int:
    facts = fields_of(Contact)
    derived = [c.key for c in PERSON.c if c.info.get("derived")]
    gone = dict.fromkeys([key for key in (*facts, *derived) if key in PERSON.c])
    gone = {key: None for key in gone if key not in {*KEPT, "deleted_at", *_stamps()}}
    gone |= {"name": GONE, "updated_at": call.now, "row_version": PERSON.c.row_version + 1}
    if not contact.is_primary and contact.deleted_at is None:
        gone["deleted_at"] = call.now
    return connection.execute(
        sa.update(PERSON).where(PERSON.c.id == contact.id).values(gone)
    ).rowcount  # fmt: skip


def _stamps() -> set[str]:
    return {"created_at", "created_by_id", "updated_at", "row_version"}


def _empty_log(connection: sa.Connection, person: Person) -> list[int]:
    """Empty the rows of the audit log that tell of the person; return their keys."""
    own = sa.and_(LOG.c.noun == "contact", LOG.c.record_id == person.id)
    content = [LOG.c.label, LOG.c.changes]
    name = (person.name,) if person.name else ()
    named = sa.and_(_holding(content, name), sa.or_(*_about(person)))
    query = sa.select(LOG.c.id).where(
        sa.or_(own, named, _holding(content, person.values)),
        LOG.c.salt != "",
        LOG.c.action != AuditAction.erase,
    )
    keys = list(connection.execute(query.order_by(LOG.c.id)).scalars())
    connection.execute(
        sa.update(LOG).where(LOG.c.id.in_(keys)).values(label="", changes={}, salt="")
    )
    return keys


def _about(person: Person) -> Iterator[Any]:
    """Yield which rows of the log are about the person's customer and what belongs to it."""
    for model in entities():
        table: Any = model.__table__
        if table.name != PERSON.name:
            mine = sa.select(table.c.id).where(_near(table, person))
            yield sa.and_(LOG.c.noun == model.__noun__, LOG.c.record_id.in_(mine))
