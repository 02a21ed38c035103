"""Which steps a submission goes through, and who may decide each of them."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models as m
from services.actor import ADMIN


def current_flow(session: Session, noun: str) -> m.ApprovalFlow:
    """Return the newest active flow of an entity."""
    flow = m.ApprovalFlow
    return session.scalars(
        sa.select(flow).where(flow.noun == noun, flow.active).order_by(flow.version.desc()).limit(1)
    ).one()


def open_tasks(session: Session, request: m.ApprovalRequest, *, now: dt.datetime) -> None:
    """Create the tasks of the request's current step; without an approver the admins get it."""
    step = session.scalars(
        sa.select(m.ApprovalStep).where(
            m.ApprovalStep.flow_id == request.flow_id, m.ApprovalStep.ordinal == request.step
        )
    ).one()
    barred = {request.submitted_by_id, request.last_editor_id}
    people = _approvers(session, step, request) - barred
    second = False
    if not people:
        admins = _with_role(session, ADMIN)
        people, second = admins - barred, not admins - barred
        people = people or admins  # the only admin submitted it: it waits for a second pair of eyes
    for person in sorted(people):
        session.add(
            m.ApprovalTask(
                request_id=request.id,
                step=request.step,
                assignee_id=person,
                created_at=now,
                needs_second=second,
            )
        )


def _approvers(session: Session, step: m.ApprovalStep, request: m.ApprovalRequest) -> set[int]:
    kind = step.approver_kind
    user, department = m.User.__table__, m.Department.__table__
    if kind is m.ApproverKind.role:
        role = session.get(m.Role, step.role_id) if step.role_id else None
        return _with_role(session, role.name) if role else set()
    if kind is m.ApproverKind.person:
        query: Any = sa.select(user.c.id).where(user.c.id == step.person_id, user.c.active)
    elif kind is m.ApproverKind.manager:
        boss = user.alias()
        query = (
            sa.select(boss.c.id)
            .select_from(sa.join(user, boss, boss.c.id == user.c.manager_id))
            .where(user.c.id == request.submitted_by_id, boss.c.active)
        )
    else:
        head = user.alias()
        query = (
            sa.select(head.c.id)
            .select_from(
                sa.join(user, department, department.c.id == user.c.department_id).join(
                    head, head.c.id == department.c.head_id
                )
            )
            .where(user.c.id == request.submitted_by_id, head.c.active)
        )
    return set(session.execute(query).scalars())


def _with_role(session: Session, name: str) -> set[int]:
    user, role, link = m.User.__table__, m.Role.__table__, m.user_role
    query = (
        sa.select(user.c.id)
        .select_from(
            sa.join(user, link, link.c.user_id == user.c.id).join(role, role.c.id == link.c.role_id)
        )
        .where(role.c.name == name, user.c.active)
    )
    return set(session.execute(query).scalars())
