"""Duplicates of a customer: by name, mobile and landline, seen even where the record is not.

The look-up runs over Core tables, past the read gate: a duplicate out of one's scope is still a
duplicate. What comes back of such a one is masked: a part of its name, its owner, its state.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.keys import company_key, phone_key
from models.core.mixins import Approval, standing
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.people.user import User
from services.rights.access import visible_customers
from services.rights.actor import Actor

SHORTEST = 4  # characters of a key from which names that begin with it are worth a look
LAST = chr(0x10FFFF)
PART = 500  # keys a statement
STANDING = (Approval.pending, Approval.approved)
# What duplicates are found by: field of a customer → key of REASONS.
TYPED = {"company": "company", "primary.mobile": "mobile", "primary.landline": "landline"}
REASONS = {"company": _("客户单位"), "mobile": _("手机"), "landline": _("座机")}


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A customer that may be the same; `exact` means the same name or the same number.

    `matched` holds keys of REASONS. Where `visible` is false `company` is masked and `code` empty.
    """

    id: int
    company: str
    code: str
    owner: str
    standing: Any
    matched: tuple[str, ...]
    exact: bool
    visible: bool

    @property
    def reasons(self) -> list[str]:
        """Return the captions of what matched."""
        return [str(REASONS[key]) for key in self.matched]


def candidates(
    session: Session, values: Mapping[str, Any], *, by: Actor, limit: int = 3
) -> list[Candidate]:
    """Return the customers that may be the same as `values`, the surest first.

    values: `company`, `primary.mobile`, `primary.landline` as typed; `id` of the record itself,
    which is left out. One indexed statement a key and one for what is visible.
    """
    keys = _keys(values)
    found: dict[int, set[str]] = {}
    similar: set[int] = set()
    own = values.get("id")
    for reason, key in keys.items():
        for customer_id in session.execute(_equal(reason, key, limit, own)).scalars():
            found.setdefault(customer_id, set()).add(reason)
    name = keys.get("company", "")
    if len(found) < limit and len(name) >= SHORTEST:
        similar = set(session.execute(_begins(session, name, limit, own)).scalars()) - found.keys()
    if not found and not similar:
        return []
    rows = _described(session, found.keys() | similar)
    seen = _visible(session, by, rows)
    result = [
        _candidate(row, found.get(row.id, frozenset()), visible=row.id in seen) for row in rows
    ]
    result.sort(key=lambda c: (not c.exact, "company" not in c.matched, -len(c.matched), c.id))
    return result[:limit]


def known(
    session: Session, keys: Mapping[str, Collection[str]], *, by: Actor
) -> dict[tuple[str, str], Candidate]:
    """Return (reason, key) → the oldest customer that has the key; for many rows at once.

    keys: reason → keys as `key_of` makes them; two statements a reason and 500 keys.
    """
    found: dict[tuple[str, str], int] = {}
    for reason, wanted in keys.items():
        column, query = _having(reason)
        for part in _parts(sorted(wanted)):
            pairs = session.execute(query.where(column.in_(part)).group_by(column))
            found |= {(reason, key): ident for key, ident in pairs}
    described: dict[int, Any] = {}
    seen: set[int] = set()
    for part in _parts(sorted(set(found.values()))):
        rows = _described(session, part)
        described |= {row.id: row for row in rows}
        seen |= _visible(session, by, rows)
    return {
        place: _candidate(described[ident], {place[0]}, visible=ident in seen)
        for place, ident in found.items()
    }


def key_of(reason: str, text: str | None) -> str | None:
    """Return what two spellings of a name or a number share."""
    return company_key(text) if reason == "company" else phone_key(text)


def _having(reason: str) -> tuple[Any, Any]:
    customer, contact = Customer.__table__, Contact.__table__
    if reason == "company":
        column = customer.c.company_key
        query = sa.select(column, sa.func.min(customer.c.id))
    else:
        column = contact.c[f"{reason}_key"]
        joined = sa.join(contact, customer, customer.c.id == contact.c.customer_id)
        query = sa.select(column, sa.func.min(customer.c.id)).select_from(joined)
        query = query.where(contact.c.deleted_at.is_(None))
    return column, query.where(customer.c.deleted_at.is_(None))


def _parts(items: list[Any]) -> list[list[Any]]:
    return [items[n : n + PART] for n in range(0, len(items), PART)]


def taken(session: Session, values: Mapping[str, Any]) -> list[str]:
    """Return the keys of REASONS by which an earlier living customer is exactly the same.

    values: as for `candidates`. Earlier is what was entered before, or is no mere draft: of two
    drafts the later one has to give its reason. One statement, unscoped.
    """
    own, customer = values.get("id"), Customer.__table__
    earlier: sa.ColumnElement[bool] = sa.true()
    if own is not None:
        earlier = sa.or_(customer.c.id < own, customer.c.approval.in_(STANDING))
    looks = [
        sa.select(sa.literal(reason)).where(
            _equal(reason, key, 1, own).with_only_columns(customer.c.id).where(earlier).exists()
        )
        for reason, key in _keys(values).items()
    ]
    found = set(session.execute(sa.union_all(*looks)).scalars()) if looks else set()
    return [reason for reason in REASONS if reason in found]


def groups(session: Session, reason: str, *, page: int, size: int) -> tuple[list[list[int]], bool]:
    """Return groups of customer keys that share a name or a number, and whether more follow.

    For the finder; the caller leaves out what the person may not see.
    """
    customer, contact = Customer.__table__, Contact.__table__
    source: Any
    alive: Any
    if reason == "company":
        source, key, ident = customer, customer.c.company_key, customer.c.id
        alive = customer.c.deleted_at.is_(None)
    else:
        source = sa.join(contact, customer, customer.c.id == contact.c.customer_id)
        key, ident = contact.c[f"{reason}_key"], contact.c.customer_id
        alive = sa.and_(contact.c.deleted_at.is_(None), customer.c.deleted_at.is_(None))
    number = sa.func.count(sa.distinct(ident))
    shared = session.execute(
        sa.select(key)
        .select_from(source)
        .where(key.is_not(None), alive)
        .group_by(key)
        .having(number > 1)
        .order_by(number.desc(), key)
        .offset(page * size)
        .limit(size + 1)
    ).scalars()
    keys = list(shared)
    members: dict[str, list[int]] = {k: [] for k in keys[:size]}
    rows = session.execute(
        sa.select(key, ident).select_from(source).where(key.in_(members), alive).distinct()
    )
    for shared_key, customer_id in rows:
        members[shared_key].append(customer_id)
    return [sorted(ids) for ids in members.values()], len(keys) > size


def _keys(values: Mapping[str, Any]) -> dict[str, str]:
    found = {reason: key_of(reason, values.get(field)) for field, reason in TYPED.items()}
    return {reason: key for reason, key in found.items() if key}


def _equal(reason: str, key: str, limit: int, own: int | None) -> Any:
    customer, contact = Customer.__table__, Contact.__table__
    if reason == "company":
        query = sa.select(customer.c.id).where(customer.c.company_key == key)
    else:
        query = (
            sa.select(customer.c.id)
            .select_from(sa.join(contact, customer, customer.c.id == contact.c.customer_id))
            .where(contact.c[f"{reason}_key"] == key, contact.c.deleted_at.is_(None))
            .distinct()
        )
    return _living(query, own).limit(limit)


def _begins(session: Session, key: str, limit: int, own: int | None) -> Any:
    """Return customers whose key begins with this one; each database walks its index its way."""
    column = Customer.__table__.c.company_key
    near: list[Any]
    if session.get_bind().dialect.name == "postgresql":
        near = [column.startswith(key, autoescape=True)]
    else:
        near = [column >= key, column < key + LAST]
    return _living(sa.select(Customer.__table__.c.id).where(*near), own).limit(limit)


def _living(query: Any, own: int | None) -> Any:
    customer = Customer.__table__
    return query.where(customer.c.deleted_at.is_(None), customer.c.id != (own or 0))


def _described(session: Session, keys: Any) -> list[Any]:
    customer, user = Customer.__table__, User.__table__
    return list(
        session.execute(
            sa.select(
                customer.c.id,
                customer.c.company,
                customer.c.code,
                customer.c.approval,
                customer.c.revoked_at,
                user.c.name.label("owner"),
            )
            .select_from(sa.outerjoin(customer, user, user.c.id == customer.c.owner_id))
            .where(customer.c.id.in_(keys))
        )
    )


def _visible(session: Session, by: Actor, rows: list[Any]) -> set[int]:
    if by.system:
        return {row.id for row in rows}
    mine = visible_customers(by).subquery()
    query = sa.select(mine.c.id).where(mine.c.id.in_([row.id for row in rows]))
    return set(session.execute(query).scalars())


def _candidate(row: Any, same: Collection[str], *, visible: bool) -> Candidate:
    company = row.company or ""
    return Candidate(
        id=row.id,
        company=company if visible else masked(company),
        code=(row.code or "") if visible else "",
        owner=row.owner or "",
        standing=standing(row.approval, row.revoked_at),
        matched=tuple(sorted(same)) or ("company",),
        exact=bool(same),
        visible=visible,
    )


def masked(company: str) -> str:
    """Return a company as strangers see it: its first two and last two characters."""
    edge = 2
    return f"{company[:edge]}****{company[-edge:]}" if len(company) > 2 * edge else "****"
