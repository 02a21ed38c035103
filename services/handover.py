"""移交: everything open of somebody who leaves, in one step (law 14 of product.md)."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import ownership
from services.actor import ADMIN, Actor, demand, load_actor, may
from services.errors import Forbidden, Invalid
from services.notices import tell


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """How much open work somebody has."""

    customers: int
    opportunities: int
    instalments: int
    plans: int
    tasks: int


def load_of(session: Session, user_id: int, *, by: Actor) -> Load:
    """Return what a hand-over would move, in one statement. Raises Forbidden."""
    _allowed(session, user_id, by)
    customer, deal = m.Customer.__table__, m.Opportunity.__table__
    plan, line, task = m.FollowUpPlan.__table__, m.PaymentPlan.__table__, m.ApprovalTask.__table__

    def count(table: Any, *where: Any) -> Any:
        return sa.select(sa.func.count(table.c.id)).where(*where).scalar_subquery()

    row = session.execute(
        sa.select(
            count(customer, customer.c.owner_id == user_id, customer.c.deleted_at.is_(None)),
            count(
                deal,
                deal.c.owner_id == user_id,
                deal.c.state == m.StageKind.open,
                deal.c.deleted_at.is_(None),
            ),
            count(line, line.c.owner_id == user_id, line.c.amount > ownership.settled_of(line)),
            count(
                plan,
                plan.c.owner_id == user_id,
                plan.c.done_at.is_(None),
                plan.c.deleted_at.is_(None),
            ),
            count(task, task.c.assignee_id == user_id, task.c.state == m.TaskState.open),
        )
    ).one()
    return Load(*row)


def hand_over(  # from whom, to whom, why
    session: Session, leaver_id: int, to_id: int, *, note: str | None, by: Actor, now: dt.datetime
) -> Load:
    """Move customers, open opportunities, open plan lines, follow-up plans and open tasks.

    Stages, links and history stay. Raises Forbidden, Invalid on `leaver_id` or `to_id`.
    """
    _allowed(session, leaver_id, by)
    target = ownership.active_user(session, to_id)
    if leaver_id == target:
        raise Invalid({"to_id": _("接收人不能是本人")})
    customers = ownership.hand_customers(session, leaver_id, target, note=note, by=by, now=now)
    moved = ownership.move_open_work(session, leaver_id, target)
    tasks = _tasks(session, leaver_id, target, now)
    session.expire_all()
    leaver = session.scalars(sa.select(m.User).where(m.User.id == leaver_id)).one()
    tell(
        session,
        user_id=target,
        kind=m.NoticeKind.handover,
        title=leaver.name,
        url="/admin/customer/",
        dedupe_key=f"handover:{leaver_id}:{now:%Y%m%d%H%M%S}",
        now=now,
    )
    return Load(customers, moved["opportunity"], moved["paymentplan"], moved["plan"], tasks)


def people(session: Session, *, by: Actor) -> list[m.User]:
    """Return whose work this person may hand over: everybody, or those of his departments."""
    demand(by, "customer:handover")
    query = sa.select(m.User).order_by(m.User.active.desc(), m.User.id)
    if by.scope is not m.Scope.all:
        mine = sa.or_(m.User.department_id.in_(by.departments), m.User.id.in_(by.team))
        query = query.where(mine)
    return list(session.scalars(query))


def _allowed(session: Session, leaver_id: int, by: Actor) -> None:
    if leaver_id not in {user.id for user in people(session, by=by)}:
        raise Forbidden(_("只能移交自己部门人员的工作"), field="leaver_id")


def _tasks(session: Session, leaver: int, target: int, now: dt.datetime) -> int:
    """Give open tasks on; what the receiver may not decide himself goes to the administrators."""
    task, request = m.ApprovalTask.__table__, m.ApprovalRequest.__table__
    rows = session.execute(
        sa.select(task, request.c.submitted_by_id, request.c.last_editor_id)
        .select_from(sa.join(task, request, request.c.id == task.c.request_id))
        .where(task.c.assignee_id == leaver, task.c.state == m.TaskState.open)
    ).all()
    may_decide = may(load_actor(session, target), "task:decide")
    for row in rows:
        barred = {row.submitted_by_id, row.last_editor_id, leaver}
        taken = _assignees(session, row.request_id, row.step)
        heirs = (
            [target] if may_decide and target not in barred else sorted(_admins(session) - barred)
        )
        fresh = [heir for heir in heirs if heir not in taken]
        keep = {c: getattr(row, c) for c in ("request_id", "step", "due_at", "needs_second")}
        if fresh:
            session.execute(
                sa.insert(task),
                [
                    keep | {"assignee_id": heir, "state": m.TaskState.open, "created_at": now}
                    for heir in fresh
                ],
                execution_options={"rule": "approval"},
            )
        if fresh or set(heirs) & taken:
            session.execute(
                sa.update(task).where(task.c.id == row.id).values(state=m.TaskState.cancelled),
                execution_options={"rule": "approval"},
            )
    return len(rows)


def _assignees(session: Session, request_id: int, step: int) -> set[int]:
    task = m.ApprovalTask.__table__
    query = sa.select(task.c.assignee_id).where(
        task.c.request_id == request_id, task.c.step == step
    )
    return set(session.execute(query).scalars())


def _admins(session: Session) -> set[int]:
    user, role, link = m.User.__table__, m.Role.__table__, m.user_role
    joined = sa.join(user, link, link.c.user_id == user.c.id).join(
        role, role.c.id == link.c.role_id
    )
    query = sa.select(user.c.id).select_from(joined).where(role.c.name == ADMIN, user.c.active)
    return set(session.execute(query).scalars())
