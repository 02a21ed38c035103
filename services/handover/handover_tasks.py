"""The open approval tasks of a leaver: given on, and given back while nobody acted on them."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.people.role import Role
from models.people.user import User, user_role
from services.approval.flow.barred import barred
from services.approval.flow.stand_ins import place
from services.approval.request.reassign import reassign_tasks_of
from services.rights.access import actor_of
from services.rights.actor import ADMIN, load_actor, may
from services.rights.rules import APPROVAL

LIVE = (TaskState.open, TaskState.waiting)
Given = list[list[Any]]  # [[task, [new tasks]]]


def give_on(session: Session, keys: list[int], target: int, now: dt.datetime) -> Given:
    """Give open tasks on; what the receiver may not decide himself goes to the administrators.

    Whoever waited for a task waits for the one that takes its place.
    """
    task, request = ApprovalTask.__table__, ApprovalRequest.__table__
    rows = session.execute(
        sa.select(task, request.c.submitted_by_id, request.c.last_editor_id)
        .select_from(sa.join(task, request, request.c.id == task.c.request_id))
        .where(task.c.id.in_(keys), task.c.state == TaskState.open)
        .order_by(task.c.id)
    ).all()
    able = may(load_actor(session, target), "task:decide")
    given: Given = []
    for row in rows:
        never = barred(row) | {row.assignee_id}
        admins = sorted(_admins(session) - never)
        heirs = place(session, [target] if able and target not in never else admins, never, now=now)
        taken = _live(session, row.request_id, row.step)
        if not heirs:
            continue  # nobody may take it: it stays, and is told as overdue
        _set(session, [row.id], TaskState.cancelled)
        fresh = [_opened(session, row, one, now) for one in heirs.items() if one[0] not in taken]
        first = next(iter(heirs))
        next_one = fresh[0] if fresh else taken[first]
        follow = sa.update(task).where(task.c.after_id == row.id, task.c.state.in_(LIVE))
        session.execute(follow.values(after_id=next_one), execution_options=APPROVAL)
        _note(session, row, first, now)
        given.append([row.id, fresh])
    return given


def give_back(session: Session, given: Given, now: dt.datetime) -> int:
    """Reopen the tasks whose successors are all still open; return how many."""
    task = ApprovalTask.__table__
    done = 0
    for key, fresh in given:
        row = session.execute(sa.select(task).where(task.c.id == key)).one()
        query = sa.select(task.c.id).where(task.c.id.in_(fresh), task.c.state == TaskState.open)
        untouched = set(session.execute(query).scalars()) == set(fresh)
        if (
            not fresh
            or not untouched
            or row.assignee_id in _live(session, row.request_id, row.step)
        ):
            continue
        _set(session, fresh, TaskState.cancelled)
        _set(session, [key], TaskState.open)
        follow = sa.update(task).where(task.c.after_id.in_(fresh), task.c.state.in_(LIVE))
        session.execute(follow.values(after_id=key), execution_options=APPROVAL)
        done += 1
    if done:
        reassign_tasks_of(session, now=now)  # who is asked again may not decide any more
    return done


def _opened(session: Session, row: Any, heir: tuple[int, int | None], now: dt.datetime) -> int:
    task = ApprovalTask.__table__
    kept = ("request_id", "step", "due_at", "needs_second", "added_by_id")
    values = {key: getattr(row, key) for key in kept}
    values |= {"assignee_id": heir[0], "on_behalf_of_id": heir[1]}
    values |= {"state": TaskState.open, "created_at": now}
    made = session.execute(
        sa.insert(task).values(values).returning(task.c.id), execution_options=APPROVAL
    )
    return int(made.scalar_one())


def _set(session: Session, keys: list[int], state: TaskState) -> None:
    task = ApprovalTask.__table__
    session.execute(
        sa.update(task).where(task.c.id.in_(keys)).values(state=state), execution_options=APPROVAL
    )


def _note(session: Session, row: Any, heir: int, now: dt.datetime) -> None:
    """Write the event: a hand-over is a transfer somebody else made."""
    by = actor_of(session)
    event = {
        "request_id": row.request_id,
        "step": row.step,
        "decision": Decision.transfer,
        "actor_id": by.id if by else None,
        "target_id": heir,
        "comment": _("离职移交"),
        "at": now,
    }
    session.execute(sa.insert(ApprovalEvent.__table__).values(event), execution_options=APPROVAL)


def _live(session: Session, request_id: int, step: int) -> dict[int, int]:
    """Return assignee → live task of a step."""
    task = ApprovalTask.__table__
    query = sa.select(task.c.assignee_id, task.c.id).where(
        task.c.request_id == request_id, task.c.step == step, task.c.state.in_(LIVE)
    )
    return dict(session.execute(query).all())


def _admins(session: Session) -> set[int]:
    user, role, link = User.__table__, Role.__table__, user_role
    joined = sa.join(user, link, link.c.user_id == user.c.id).join(
        role, role.c.id == link.c.role_id
    )
    query = sa.select(user.c.id).select_from(joined).where(role.c.name == ADMIN, user.c.active)
    return set(session.execute(query).scalars())
