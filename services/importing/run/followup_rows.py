"""Follow-ups as rows, many in one statement; they end as the form's rules would leave them.

Those that move an opportunity are made one by one (check/form_records.py).
"""

from typing import Any

import sqlalchemy as sa

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.people.user import User
from models.sales.follow_up import FollowUp
from services.importing.check.finding import chunks
from services.importing.check.rows import Row, Writer, blank_row, plain_row, settled
from services.importing.file.plan import Planned
from services.ownership import pool
from services.rights.actor import demand
from services.rights.call import Call
from services.sales import belonging, follow_up_rows

NEXT = ("next_at", "next_kind", "next_content")
NEEDED = ("customer_id", "kind", "content")


def make(writer: Writer, planned: list[Planned]) -> tuple[list[Planned], dict[Planned, Any]]:
    """Write the plain ones; return those that are left, and what undoing must put back."""
    demand(writer.by, "followup:create")
    seen = _customers(writer, planned)
    plain = [one for one in planned if _is_plain(one) and _customer(one) in seen]
    plain = _own(writer, plain)
    if not plain:
        return planned, {}
    departments = _departments(writer, plain)
    blank, rows = blank_row(FollowUp.__table__), list[Row]()
    for one in plain:
        row = blank | plain_row(one)
        row["at"] = row.get("at") or writer.now
        row["owner_id"] = row.get("owner_id") or writer.by.id
        row["owner_department_id"] = departments.get(row["owner_id"])
        rows.append(row | writer.stamps(row))
    keys = writer.insert_keyed(FollowUp.__table__, rows)
    for one, key in zip(plain, keys, strict=True):
        one.id, one.version = key, 0
    told = [
        row | {"id": key} | {name: one.values.get(name) for name in NEXT}
        for one, row, key in zip(plain, rows, keys, strict=True)
    ]
    moved = follow_up_rows.follow(Call(writer.session, writer.by, writer.now), told)
    done = set(plain)
    before = {one: was for one, was in zip(plain, moved, strict=True) if was}
    return [one for one in planned if one not in done], before


def _is_plain(one: Planned) -> bool:
    given = all(one.values.get(key) is not None for key in NEEDED)
    return given and one.values.get("stage_to_id") is None


def _customer(one: Planned) -> Any:
    return settled(one.values["customer_id"])


def _customers(writer: Writer, planned: list[Planned]) -> set[int]:
    """Return the customers that may be seen, are approved and need not be claimed first."""
    keys, found = {settled(one.values.get("customer_id")) for one in planned} - {None}, set[int]()
    sound = sa.select(Customer.id).where(Customer.approval == Approval.approved)
    if pool.claims(writer.by):
        sound = sound.where(Customer.owner_id.is_not(None))
    for part in chunks(sorted(keys)):
        query = sound.where(Customer.id.in_(part))
        found |= set(writer.session.scalars(query))
    return found


def _own(writer: Writer, planned: list[Planned]) -> list[Planned]:
    """Return those that name nothing of another customer; the form's rules refuse the others."""
    for key in belonging.HANGING:
        named = {one: settled(one.values[key]) for one in planned if one.values.get(key)}
        owner: dict[int, int | None] = {}
        for part in chunks(sorted(set(named.values()))):
            owner |= belonging.owners(writer.session, key, part)
        planned = [o for o in planned if o not in named or owner.get(named[o]) == _customer(o)]
    return planned


def _departments(writer: Writer, planned: list[Planned]) -> dict[int | None, int | None]:
    user = User.__table__
    owners = {settled(one.values.get("owner_id")) for one in planned} | {writer.by.id}
    found: dict[int | None, int | None] = {}
    for part in chunks(sorted(key for key in owners if key is not None)):
        query = sa.select(user.c.id, user.c.department_id).where(user.c.id.in_(part))
        found |= dict(writer.session.execute(query).all())
    return found
