"""Whose records each person sees, by place in the company and data scope: the whole of it at once.

services/rights/row_scope.py says the same of one actor, in SQL. Here two states of the company are
compared, to tell what a change of roles, departments or superiors would open to whom
(services/rights/ceiling.py).
"""

import dataclasses
import functools
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.people.department import Department
from models.people.role import Role, Scope
from models.people.user import User, user_role
from services.rights.actor import WIDTH

Key = Hashable  # a person's or department's key; the row itself while it has none
Seen = frozenset[tuple[str, Key]]
PERSON, DEPARTMENT = "person", "department"


@dataclasses.dataclass(frozen=True, slots=True)
class PlaceInCompany:
    """Where a person stands; the scope is the widest of the roles."""

    department: Key | None
    superior: Key | None
    scope: Scope
    active: bool


@dataclasses.dataclass(frozen=True)
class Company:
    """People by key, and of each department what is above it and who is its head."""

    people: dict[Key, PlaceInCompany]
    above: dict[Key, Key | None]
    heads: dict[Key, Key | None]

    @functools.cached_property
    def _staff(self) -> dict[Key, set[Key]]:
        return _turned((key, place.superior) for key, place in self.people.items())

    @functools.cached_property
    def _members(self) -> dict[Key, set[Key]]:
        return _turned((key, place.department) for key, place in self.people.items())

    @functools.cached_property
    def _below(self) -> dict[Key, set[Key]]:
        return _turned(self.above.items())

    @functools.cached_property
    def _headed(self) -> dict[Key, set[Key]]:
        return _turned(self.heads.items())

    def seen_by(self, key: Key) -> Seen | None:
        """Return what a person sees beside his own, None for everything.

        Whoever heads a department counts as seeing it: its requests are put before him.
        """
        place = self.people.get(key)
        if place is None or not place.active:
            return frozenset()
        if place.scope is Scope.all:
            return None
        departments = set(self._headed.get(key, ()))
        if place.department is not None and place.scope is Scope.dept:
            departments.add(place.department)
        if place.department is not None and place.scope is Scope.dept_tree:
            departments |= _closure(self._below, place.department)
        people = _closure(self._staff, key)  # requests and audit of those below, whatever the scope
        people = people.union(*(self._members.get(one, ()) for one in departments)) - {key}
        found = {(PERSON, one) for one in people} | {(DEPARTMENT, one) for one in departments}
        return frozenset(found)


def company(connection: Connection) -> Company:
    """Read the company as the transaction finds it: three statements."""
    user, role, link, department = (
        User.__table__, Role.__table__, user_role, Department.__table__
    )  # fmt: skip
    held = sa.select(link.c.user_id, role.c.scope).join_from(link, role)
    scopes: dict[int, list[Scope]] = {}
    for key, scope in connection.execute(held):
        scopes.setdefault(key, []).append(scope)
    people = connection.execute(
        sa.select(user.c.id, user.c.department_id, user.c.manager_id, user.c.active)
    )
    places: dict[Key, PlaceInCompany] = {
        row.id: PlaceInCompany(
            row.department_id, row.manager_id, widest(scopes.get(row.id, ())), row.active
        )
        for row in people
    }
    rows = connection.execute(
        sa.select(department.c.id, department.c.parent_id, department.c.head_id)
    ).all()
    return Company(
        places, {row.id: row.parent_id for row in rows}, {row.id: row.head_id for row in rows}
    )


def changed(row: Any, keys: Iterable[str]) -> set[str]:
    """Return which attributes of a row differ from the database."""
    attributes = sa.inspect(row).attrs
    return {key for key in keys if attributes[key].history.has_changes()}


def added(row: Any, key: str) -> Sequence[Any]:
    """Return what an attribute of a row is about to become: one value, or the new ones of many."""
    found: Sequence[Any] = sa.inspect(row).attrs[key].history.added
    return found or ()


def after(
    connection: Connection,
    before: Company,
    rows: tuple[Sequence[User], Sequence[Role], Sequence[Department]],
) -> Company:
    """Return the company as it would stand once these rows are written."""
    users, roles, places = rows
    people, above, heads = dict(before.people), dict(before.above), dict(before.heads)
    for key, scope in _rescoped(connection, {r.id: r.scope for r in roles if r.id}).items():
        people[key] = dataclasses.replace(people[key], scope=scope)
    for user in users:
        own: Key = user.id or user
        scope = people[own].scope if own in people else Scope.self
        if changed(user, ["roles"]):
            scope = widest(role.scope for role in user.roles)
        active = user.active is not False
        people[own] = PlaceInCompany(user.department_id, user.manager_id, scope, active)
    for place in places:
        above[place.id or place], heads[place.id or place] = place.parent_id, place.head_id
    return Company(people, above, heads)


def _rescoped(connection: Connection, scopes: dict[int, Scope]) -> dict[int, Scope]:
    """Return the scope of everybody who has one of these roles, with these scopes of them."""
    role, link = Role.__table__, user_role
    holders = sa.select(link.c.user_id).where(link.c.role_id.in_(scopes))
    query = sa.select(link.c.user_id, role.c.id, role.c.scope).join_from(link, role)
    held: dict[int, list[Scope]] = {}
    for key, one, scope in connection.execute(query.where(link.c.user_id.in_(holders))):
        held.setdefault(key, []).append(scopes.get(one, scope))
    return {key: widest(found) for key, found in held.items()}


def widest(scopes: Iterable[Scope]) -> Scope:
    """Return the widest scope; of none the narrowest."""
    return max(scopes, key=WIDTH.index, default=Scope.self)


def _turned(pairs: Iterable[tuple[Key, Any]]) -> dict[Key, set[Key]]:
    found: dict[Key, set[Key]] = {}
    for key, up in pairs:
        if up is not None:
            found.setdefault(up, set()).add(key)
    return found


def _closure(below: dict[Key, set[Key]], root: Key) -> set[Key]:
    """Return the root and everything under it; ends on a loop too."""
    found, todo = {root}, [root]
    while todo:
        fresh = below.get(todo.pop(), set()) - found
        found |= fresh
        todo += fresh
    return found
