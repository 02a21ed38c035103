"""Who decides a step: found by role, name, rank or choice.

Only people who may decide are asked: a task for somebody without the grant would never move.
"""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from models.approval.flow import ApprovalFlow, ApprovalStep, ApproverKind, StepMode
from models.people.department import Department
from models.people.role import Role
from models.people.user import User, user_role
from services.rights.actor import ADMIN

RIGHT = "task:decide"
HIGHEST = 9  # ranks above a person


def approvers(
    session: Session, step: ApprovalStep, submitter: int | None, chosen: Any
) -> list[int]:
    """Return the ids of a step's approvers in the order they are named; maybe none."""
    found = FINDERS[step.approver_kind](session, step, submitter, chosen)
    able = deciders(session, found)
    return [key for key in dict.fromkeys(found) if key in able]


def readers(session: Session, step: ApprovalStep, submitter: int | None) -> list[int]:
    """Return the active people whom a step gives a copy; they need not be able to decide."""
    found, user = FINDERS[step.approver_kind](session, step, submitter, None), User.__table__
    query = sa.select(user.c.id).where(user.c.id.in_(found), user.c.active).order_by(user.c.id)
    return list(session.execute(query).scalars())


def deciders(session: Session, among: Iterable[int] | None = None) -> set[int]:
    """Return the ids of active people who may decide on approval tasks."""
    return holding(session, RIGHT, among)


def holding(session: Session, right: str, among: Iterable[int] | None = None) -> set[int]:
    """Return the ids of active people with a grant."""
    role = Role.__table__
    able = [
        key
        for key, granted in session.execute(sa.select(role.c.id, role.c.permissions))
        if right in granted
    ]
    return set(_with_roles(session, able, among))


def steps_without_approvers(session: Session) -> list[ApprovalStep]:
    """Return the steps of flows in force for which nobody can decide: two statements.

    Steps of a role or of named people; who is above a submitter or chosen by him is told when he
    submits. An open end goes to the administrators, who should know before.
    """
    user, role, link = User.__table__, Role.__table__, user_role
    given = session.execute(
        sa.select(link.c.user_id, link.c.role_id, role.c.permissions)
        .join_from(link, role, role.c.id == link.c.role_id)
        .join(user, user.c.id == link.c.user_id)
        .where(user.c.active)
    ).all()
    able = {row.user_id for row in given if RIGHT in row.permissions}
    filled = {row.role_id for row in given if row.user_id in able}
    steps = session.scalars(
        sa.select(ApprovalStep)
        .join(ApprovalStep.flow)
        .where(ApprovalFlow.active, ApprovalStep.mode != StepMode.cc)
        .options(contains_eager(ApprovalStep.flow))
        .order_by(ApprovalStep.flow_id, ApprovalStep.ordinal)
    )
    return [
        step
        for step in steps
        if (step.approver_kind is ApproverKind.role and step.role_id not in filled)
        or (step.approver_kind is ApproverKind.person and able.isdisjoint(step.people))
    ]


def admins(session: Session) -> list[int]:
    """Return the ids of the administrators."""
    role = Role.__table__
    keys = session.execute(sa.select(role.c.id).where(role.c.name == ADMIN)).scalars().all()
    return _with_roles(session, keys)


def superiors(session: Session, person: int | None) -> list[int]:
    """Return the superiors of a person, the nearest first; a circle ends where it closes."""
    user = User.__table__
    found: list[int] = []
    while len(found) < HIGHEST:
        above = session.execute(
            sa.select(user.c.manager_id).where(user.c.id == (found[-1] if found else person))
        ).scalar()
        if above is None or above == person or above in found:
            break
        found.append(above)
    return found


def superior(session: Session, person: int | None, level: int = 1) -> int | None:
    """Return the superior so many ranks above a person; the highest one where none is."""
    found = superiors(session, person)[:level]
    return found[-1] if found else None


def _with_roles(
    session: Session, roles: Iterable[int], among: Iterable[int] | None = None
) -> list[int]:
    user, link = User.__table__, user_role
    query = (
        sa.select(user.c.id)
        .select_from(sa.join(user, link, link.c.user_id == user.c.id))
        .where(link.c.role_id.in_(list(roles)), user.c.active)
        .order_by(user.c.id)
    )
    if among is not None:
        query = query.where(user.c.id.in_(list(among)))
    return list(dict.fromkeys(session.execute(query).scalars()))


def _by_role(session: Session, step: ApprovalStep, _submitter: Any, _chosen: Any) -> list[int]:
    return _with_roles(session, [step.role_id]) if step.role_id else []


def _named(_session: Session, step: ApprovalStep, _submitter: Any, _chosen: Any) -> list[int]:
    return list(step.people)


def _manager(session: Session, _step: Any, submitter: int | None, _chosen: Any) -> list[int]:
    found = superior(session, submitter)
    return [] if found is None else [found]


def _superior(session: Session, step: Any, submitter: int | None, _chosen: Any) -> list[int]:
    found = superior(session, submitter, step.level)
    return [] if found is None else [found]


def heads(session: Session, person: int | None) -> list[int]:
    """Return the heads of a person's department and of those above it, the nearest first."""
    user, table = User.__table__, Department.__table__
    place = session.execute(sa.select(user.c.department_id).where(user.c.id == person)).scalar()
    found: list[int] = []
    seen: set[int] = set()
    while place is not None and place not in seen and len(seen) < HIGHEST:
        seen.add(place)
        query = sa.select(table.c.head_id, table.c.parent_id).where(table.c.id == place)
        head, place = session.execute(query).one()
        found += [] if head is None or head in found else [head]
    return found


def _head(session: Session, _step: Any, submitter: int | None, _chosen: Any) -> list[int]:
    """Return the nearest head who may decide and is not the submitter himself."""
    found = heads(session, submitter)
    able = deciders(session, found) - {submitter}
    return [key for key in found if key in able][:1]


def _chosen(_session: Session, _step: Any, _submitter: Any, chosen: Any) -> list[int]:
    return list(chosen or ())


FINDERS: dict[ApproverKind, Callable[..., list[int]]] = {
    ApproverKind.role: _by_role,
    ApproverKind.person: _named,
    ApproverKind.manager: _manager,
    ApproverKind.superior: _superior,
    ApproverKind.head: _head,
    ApproverKind.chosen: _chosen,
}
