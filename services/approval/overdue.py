"""What a step's time brings about: a reminder, later the superior; each once, with its event.

Every run may come twice or late: a task is marked by the statement that finds it unmarked.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models as m
from services.approval.approvers import admins, deciders, superiors
from services.approval.claim import lock, note
from services.approval.effects import announce
from services.approval.tasks import RULE, deadline, live, place
from services.errors import Refused
from services.notices import Notice, tell_many
from services.settings import get_setting
from services.worktime import WorkCalendar, calendar

MOST = 5000
MOST_ESCALATED = 200  # a run; the rest waits for the next one

Steps = dict[tuple[int, int], m.ApprovalStep]


def tell_overdue(session: Session, *, now: dt.datetime) -> int:
    """Remind assignees whose step is past its time, later hand it up. Returns how many were told.

    A task without a time of its own has `approval.due_hours` working hours from its opening.
    """
    rows = _late(session, now)
    if not rows:
        return 0
    times, hours = calendar(session), get_setting(session, "approval.due_hours")
    steps = _steps(session, {row.flow_id for row in rows})
    due = {row.id: row.due_at or times.add(row.created_at, hours) for row in rows}
    late = [row for row in rows if due[row.id] < now]
    told = _remind(session, [row for row in late if row.reminded_at is None], now)
    ripe = [
        (row, step)
        for row in late
        if row.escalated_at is None
        and (step := steps.get(_place_of(row))) is not None
        and _ripe(step, times, due[row.id], hours) < now
    ]
    for row, step in ripe[:MOST_ESCALATED]:
        told += _escalate(session, row, step, now)
    return told


def _late(session: Session, now: dt.datetime) -> list[Any]:
    """Return what is past its time and not settled, what nobody was told of first."""
    task, request = m.ApprovalTask, m.ApprovalRequest
    return list(
        session.execute(
            sa.select(
                task.id,
                task.request_id,
                task.step,
                task.assignee_id,
                task.on_behalf_of_id,
                task.created_at,
                task.due_at,
                task.reminded_at,
                task.escalated_at,
                request.flow_id,
                request.route,
                request.title,
            )
            .join(request, request.id == task.request_id)
            .where(task.state == m.TaskState.open, request.state == m.Approval.pending)
            .where(sa.or_(task.due_at.is_(None), task.due_at < now))
            .where(sa.or_(task.reminded_at.is_(None), task.escalated_at.is_(None)))
            .order_by(task.reminded_at.is_not(None), task.request_id, task.id)
            .limit(MOST)
        ).all()
    )


def _steps(session: Session, flows: Iterable[int | None]) -> Steps:
    step = m.ApprovalStep
    found = session.scalars(sa.select(step).where(step.flow_id.in_([f for f in flows if f])))
    return {(one.flow_id, one.ordinal): one for one in found}


def _place_of(row: Any) -> tuple[int, int]:
    return row.flow_id, row.route[row.step - 1] if row.route else row.step


def _ripe(step: m.ApprovalStep, times: WorkCalendar, due: dt.datetime, hours: int) -> dt.datetime:
    """Return when a task that was due goes to the superior."""
    return times.add(due, step.escalate_hours or step.due_hours or hours)


def _remind(session: Session, rows: list[Any], now: dt.datetime) -> int:
    """Mark, note and tell in three statements, however many there are."""
    if not rows:
        return 0
    task = m.ApprovalTask.__table__
    marked = set(
        session.execute(
            sa.update(task)
            .where(
                task.c.id.in_([row.id for row in rows]),
                task.c.state == m.TaskState.open,
                task.c.reminded_at.is_(None),
            )
            .values(reminded_at=now)
            .returning(task.c.id),
            execution_options=RULE,
        ).scalars()
    )
    won = [row for row in rows if row.id in marked]
    if not won:
        return 0
    session.execute(
        sa.insert(m.ApprovalEvent.__table__),
        [
            {
                "request_id": row.request_id,
                "step": row.step,
                "decision": m.Decision.remind,
                "target_id": row.assignee_id,
                "at": now,
            }
            for row in won
        ],
        execution_options=RULE,
    )
    return tell_many(session, [_reminder(row) for row in won], now=now)


def _reminder(row: Any) -> Notice:
    url = f"/admin/inbox/?id={row.request_id}"
    return Notice(row.assignee_id, m.NoticeKind.overdue, row.title, url, f"overdue:{row.id}")


def _escalate(session: Session, row: Any, step: m.ApprovalStep, now: dt.datetime) -> int:
    """Settle one task that was reminded of in vain. Returns how many superiors were told."""
    request = session.get_one(m.ApprovalRequest, row.request_id, populate_existing=True)
    try:
        lock(session, request)
    except Refused:
        return 0  # decided meanwhile
    task = session.get_one(m.ApprovalTask, row.id, populate_existing=True)
    if task.state is not m.TaskState.open or task.escalated_at is not None:
        return 0
    task.escalated_at = now
    session.flush()
    people = _hand_up(session, request, task, step, now) if step.escalate else {}
    for person, principal in people.items():
        note(
            session,
            request,
            m.Decision.escalate,
            step=task.step,
            by=None,
            behalf=principal,
            target=person,
            now=now,
        )
    announce(session, request, people, now=now, kind=m.NoticeKind.escalation)
    session.flush()
    return len(people)


def _hand_up(
    session: Session,
    request: m.ApprovalRequest,
    task: m.ApprovalTask,
    step: m.ApprovalStep,
    now: dt.datetime,
) -> dict[int, int | None]:
    """Give superiors the task; return them (person → whose stand-in).

    Where one approval suffices they get it beside the late one; else one of them takes his place,
    so that the step needs as many approvals as before. Who has a task in it already is only told.
    """
    rest = live(session, request.id)
    behind = [other for other in rest if other.after_id == task.id]
    beside = step.mode is m.StepMode.any and task.added_by_id is None and not behind
    people = _above(session, request, task, now=now)
    people = people if beside else dict(list(people.items())[:1])
    held = {other.assignee_id for other in rest}
    until = deadline(session, step, now)
    for person, principal in people.items():
        if person in held:
            continue
        fresh = m.ApprovalTask(
            request_id=request.id,
            step=task.step,
            assignee_id=person,
            on_behalf_of_id=principal,
            after_id=task.after_id,
            added_by_id=task.added_by_id,
            created_at=now,
            due_at=until,
        )
        session.add(fresh)
        session.flush()
        if not beside:
            task.state, task.decided_at = m.TaskState.cancelled, now
            for other in behind:
                other.after_id = fresh.id
    return people


def _above(
    session: Session, request: m.ApprovalRequest, task: m.ApprovalTask, *, now: dt.datetime
) -> dict[int, int | None]:
    """Return who gets it (person → whose stand-in): the next able superior, else the admins."""
    barred = {request.submitted_by_id, request.last_editor_id, task.assignee_id}
    chain = superiors(session, task.on_behalf_of_id or task.assignee_id)
    able = deciders(session, chain) - barred
    found = [person for person in chain if person in able][:1] or [
        person for person in admins(session) if person not in barred
    ]
    return place(session, found, barred, now=now)
