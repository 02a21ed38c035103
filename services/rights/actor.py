"""Who acts: identity, grants and data scope, loaded once a request."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.core.cached import cached
from models.people.department import Department
from models.people.role import Role, Scope
from models.people.user import User, user_role
from services.core.errors import Forbidden
from services.rights.pending_counts import waiting_for_person

ADMIN = "admin"
WIDTH = list(Scope)  # from narrow to wide, in the order of the enum


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """A person with his grants; `SYSTEM` for the command line and the worker.

    `departments` are the ids his scope covers (dept, dept_tree), `team` the ids of himself and
    the people below him, at any depth; `below` the same without himself. `waiting` counts what lay
    before him when the request began (services/rights/pending_counts.py): the side bar of every
    page asks for it.
    `few` tells the read gate which shape of its rule is cheaper for him
    (services/rights/row_scope.py).
    """

    id: int | None
    name: str = ""
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    scope: Scope = Scope.self
    department_id: int | None = None
    departments: frozenset[int] = frozenset()
    team: frozenset[int] = frozenset()
    waiting: Mapping[str, int] = dataclasses.field(default_factory=dict, compare=False)
    system: bool = False
    few: Callable[[], bool] = dataclasses.field(default=lambda: False, compare=False)

    @property
    def below(self) -> frozenset[int]:
        """Return the ids of the people below this one."""
        return self.team - {self.id}

    @property
    def is_admin(self) -> bool:
        """Tell whether the role 管理员 is among the roles."""
        return ADMIN in self.roles


SYSTEM = Actor(None, "system", scope=Scope.all, system=True)


def may(actor: Actor | None, permission: str) -> bool:
    """Answer `noun:verb` from the grants; nobody and unknown permissions get a no."""
    if actor is None:
        return False
    return actor.system or permission in actor.permissions


def demand(actor: Actor | None, permission: str) -> Actor:
    """Return the actor when he has the grant; raise Forbidden otherwise."""
    if actor is None or not may(actor, permission):
        raise Forbidden
    return actor


def load_actor(session: Session, user_id: int) -> Actor | None:
    """Return the actor of an active person, None when there is no such one.

    One of the named system queries: it runs before the session has an actor.
    """
    rows = session.execute(_everything(), {"me": user_id}).all()
    mine = [row for row in rows if row.kind == "role"]
    if not mine:
        return None
    me, roles = mine[0], [row for row in mine if row.role]
    scope = max((r.scope for r in roles), key=WIDTH.index, default=Scope.self)
    tree = {row.key for row in rows if row.kind == "department"}
    return Actor(
        id=user_id,
        name=me.name,
        roles=frozenset(r.role for r in roles),
        permissions=frozenset(p for r in roles for p in r.permissions),
        scope=scope,
        department_id=me.key,
        departments=frozenset(
            {Scope.dept: {me.key} - {None}, Scope.dept_tree: tree}.get(scope, ())
        ),
        team=frozenset(row.key for row in rows if row.kind == "team"),
        waiting={row.name: row.key for row in rows if row.kind == "waiting"},
    )


@cached  # every request asks it: putting it together takes longer than the answer
def _everything() -> Any:
    """Return one statement for every request: (kind, key, name, role, scope, permissions).

    A row a role with the department as key, then the keys of people and of departments below, then
    what waits with its number as key.
    """
    person = sa.bindparam("me", type_=sa.Integer())
    user, role, department = User.__table__, Role.__table__, Department.__table__
    roles = (
        sa.select(
            sa.literal("role").label("kind"),
            user.c.department_id.label("key"),
            user.c.name,
            role.c.name.label("role"),
            role.c.scope,
            role.c.permissions,
        )
        .outerjoin_from(user, user_role, user_role.c.user_id == user.c.id)
        .outerjoin(role, role.c.id == user_role.c.role_id)
        .where(user.c.id == person, user.c.active.is_(True))
    )
    own = sa.select(user.c.department_id.label("id")).where(
        user.c.id == person, user.c.department_id.is_not(None)
    )
    me = sa.select(user.c.id).where(user.c.id == person)
    trees = (("team", user, "manager_id", me), ("department", department, "parent_id", own))
    waiting = (
        sa.select(sa.literal("waiting"), count, sa.literal(name), *_blank("role scope permissions"))
        for name, count in waiting_for_person(person).items()
    )
    whole = roles.union_all(*(_below(*tree) for tree in trees), *waiting)
    return whole.execution_options(system="login")  # the read gate need not walk through it


def _below(kind: str, table: Any, up: str, root: Any) -> Any:
    """Return root and everything under it; UNION (not ALL) ends even on a loop."""
    tree = root.cte(f"{kind}_tree", recursive=True)
    tree = tree.union(sa.select(table.c.id).join(tree, table.c[up] == tree.c.id))
    blank = _blank("name role scope permissions")
    return sa.select(sa.literal(kind).label("kind"), tree.c.id.label("key"), *blank)


def _blank(names: str) -> list[Any]:
    return [sa.null().label(name) for name in names.split()]
