"""The ceiling: nobody gives what he does not hold, and nobody touches somebody above him.

The write gate asks here before each flush, whatever the door: form, inline edit, bulk edit, import
and its undo, hand-over. An administrator has no ceiling, nor has the operator at the command line;
but nobody, they included, takes the last active administrator away or changes his own roles.

What counts as held: the permissions of the roles (`x:edit` holds `x:edit_own`), the data scope,
and what that scope opens from where the person stands. Everybody sees his own records, so the
scope 本人 is never above anybody's.
"""

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.people.department import Department
from models.people.role import Role, Scope
from models.people.user import User, user_role
from services.core.errors import Forbidden
from services.rights import last_admin, visibility
from services.rights.actor import ADMIN, WIDTH, Actor
from services.rights.grants import CATALOGUE
from services.rights.visibility import PERSON, Company

LOGIN = frozenset({"email", "password", "fs_uniquifier", "active"})  # how a person gets in
STANDING = frozenset({"department_id", "manager_id"})  # where he stands
RIGHTS = frozenset({"permissions", "scope", "name"})
NAMED = 3  # what is beyond is named up to here


def guard(session: Session, by: Actor, rows: Sequence[Any], deleted: Collection[Any] = ()) -> None:
    """Ask of everything a flush writes. Raises Forbidden with what is beyond, Locked."""
    users = [row for row in rows if isinstance(row, User)]
    roles = [row for row in rows if isinstance(row, Role)]
    places = [row for row in rows if isinstance(row, Department)]
    if not (users or roles or places):
        return
    if not by.system:
        _not_oneself(by, users, roles)
    if not (by.system or by.is_admin):
        for user in users:
            _check_user(session, by, user, gone=user in deleted)
        for role in roles:
            _check_role(session, by, role, gone=role in deleted)
        _check_sight(session, by, users, roles, places)
    last_admin.keep(session, users, deleted)


def holds(by: Actor, permission: str) -> bool:
    """Tell whether an actor has a permission, or a wider one that includes it."""
    if by.system or by.is_admin or permission in by.permissions:
        return True
    if permission == "sensitive:own":
        return "sensitive:read" in by.permissions
    wide = permission.removesuffix("_own")
    return wide != permission and wide in by.permissions


def grantable(by: Actor, role: Role) -> bool:
    """Tell whether an actor may give a role as it stands: forms offer no other."""
    return by.system or by.is_admin or not _beyond(by, [role])


def touchable(session: Session, by: Actor, user: User) -> bool:
    """Tell whether an actor may change how a person gets in and what he may do."""
    if by.system or by.is_admin:
        return True
    return user.id != by.id and not _above(session, by, user.id)


def _not_oneself(by: Actor, users: list[User], roles: list[Role]) -> None:
    for user in users:
        if user.id is not None and user.id == by.id and visibility.changed(user, ["roles"]):
            raise Forbidden(_("不能修改自己的角色"), field="roles")
    for role in roles:
        if role.id is not None and role.name in by.roles and visibility.changed(role, RIGHTS):
            raise Forbidden(_("不能修改自己所属角色的权限"), field="permissions")


# -- rights ----------------------------------------------------------------------------------------


def _check_user(session: Session, by: Actor, user: User, *, gone: bool) -> None:
    given = _beyond(by, visibility.added(user, "roles"))
    if given:
        raise Forbidden(_("超出您自己的权限，不能授予：%(what)s", what=_list(given)), field="roles")
    if user.id is None or user.id == by.id:
        return
    touched = visibility.changed(user, (*LOGIN, *STANDING, "roles"))
    above = (gone or touched) and _above(session, by, user.id)
    if above:
        field = next((key for key in ("roles", *LOGIN, *STANDING) if key in touched), "")
        message = _(
            "「%(name)s」拥有您没有的权限（%(what)s），不能由您变更",
            name=user.name, what=_list(above),
        )  # fmt: skip
        raise Forbidden(message, field="" if field in {"password", "fs_uniquifier"} else field)


def _check_role(session: Session, by: Actor, role: Role, *, gone: bool) -> None:
    if not gone and not visibility.changed(role, RIGHTS):
        return
    beyond = [] if gone else _beyond(by, [role])
    if role.id is not None:
        table = Role.__table__
        query = sa.select(table.c.name, table.c.permissions, table.c.scope)
        beyond += _beyond(by, session.connection().execute(query.where(table.c.id == role.id)))
        held = sa.select(user_role.c.user_id).where(user_role.c.role_id == role.id)
        for key in session.connection().execute(held).scalars().all():
            beyond += _above(session, by, key)
    if beyond:
        message = _("超出您自己的权限，不能变更此角色：%(what)s", what=_list(beyond))
        raise Forbidden(message, field="permissions")


def _beyond(by: Actor, roles: Iterable[Any]) -> list[Any]:
    """Return what of these roles the actor does not hold, in words."""
    found: list[Any] = []
    for role in roles:
        if role.name == ADMIN:
            found.append(_("管理员"))
        if role.scope is not None and WIDTH.index(role.scope) > WIDTH.index(by.scope):
            found.append(_("数据范围「%(scope)s」", scope=role.scope.caption))
        lacking = [p for p in role.permissions or () if not holds(by, p)]
        found += [CATALOGUE.get(p, p) for p in lacking]
    return found


def _above(session: Session, by: Actor, key: int) -> list[Any]:
    """Return what a person holds, as the database has it, that the actor does not, in words."""
    role, link = Role.__table__, user_role
    query = (
        sa.select(role.c.name, role.c.permissions, role.c.scope)
        .join_from(link, role, link.c.role_id == role.c.id)
        .where(link.c.user_id == key)
    )
    found = _beyond(by, session.connection().execute(query))
    if found or by.scope is Scope.all:
        return found
    company = visibility.company(session.connection())
    place = company.people.get(key)
    if place is None:
        return []
    company.people[key] = dataclasses.replace(place, active=True)  # he may be about to come back
    seen = company.seen_by(key)
    return _told(session, (seen or frozenset()) - _own(company, by))


# -- sight -----------------------------------------------------------------------------------------


def _own(company: Company, by: Actor) -> visibility.Seen:
    """Return what the actor sees, himself included."""
    return (company.seen_by(by.id) or frozenset()) | {(PERSON, by.id)}


def _check_sight(
    session: Session, by: Actor, users: list[User], roles: list[Role], places: list[Any]
) -> None:
    """Refuse a change that opens to anybody what the actor does not see himself."""
    if by.scope is Scope.all or not _moves(users, roles, places):
        return
    before = visibility.company(session.connection())
    after = visibility.after(session.connection(), before, (users, roles, places))
    known = {(PERSON, key) for key in before.people}
    known |= {(visibility.DEPARTMENT, key) for key in before.above}
    mine = _own(before, by)
    for key in after.people:
        had, has = before.seen_by(key), after.seen_by(key)
        if had is None:
            continue
        opened = frozenset(known - had if has is None else (has - had) & known)
        if opened - mine:
            message = _(
                "会让「%(name)s」看到您自己看不到的数据：%(what)s",
                name=_name(session, key), what=_list(_told(session, opened - mine)),
            )  # fmt: skip
            raise Forbidden(message, field=_field(users, roles, places))


def _moves(users: list[User], roles: list[Role], places: list[Any]) -> bool:
    return any(
        (
            any(visibility.changed(user, (*STANDING, "active", "roles")) for user in users),
            any(visibility.changed(role, ["scope"]) for role in roles),
            any(visibility.changed(place, ["parent_id", "head_id"]) for place in places),
        )
    )


def _field(users: list[User], roles: list[Role], places: list[Any]) -> str:
    keys = ("department_id", "manager_id", "roles", "active")
    tried = ((users, keys), (roles, ("scope",)), (places, ("parent_id", "head_id")))
    return next(
        (
            key
            for rows, names in tried
            for key in names
            for row in rows
            if visibility.changed(row, [key])
        ),
        "",
    )


# -- words -----------------------------------------------------------------------------------------


def _told(session: Session, seen: visibility.Seen) -> list[Any]:
    """Return departments and people in words, departments first."""
    found = []
    for kind, model in ((visibility.DEPARTMENT, Department), (PERSON, User)):
        keys = [key for one, key in seen if one == kind and isinstance(key, int)]
        table = model.__table__
        query = sa.select(table.c.name).where(table.c.id.in_(sorted(keys))).order_by(table.c.id)
        found += list(session.connection().execute(query).scalars()) if keys else []
    return found


def _name(session: Session, key: Any) -> str:
    if isinstance(key, User):
        return key.name
    table = User.__table__
    return str(
        session.connection().execute(sa.select(table.c.name).where(table.c.id == key)).scalar()
    )


def _list(words: Sequence[Any]) -> str:
    told = list(dict.fromkeys(map(str, words)))
    shown = "、".join(told[:NAMED])
    return str(_("%(some)s 等 %(n)s 项", some=shown, n=len(told))) if len(told) > NAMED else shown
