"""The tasks of a step: opened for its approvers, handed on in order, closed when it is done."""

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models as m
from services.approval.approvers import admins, approvers, stand_ins
from services.approval.flow import step_of
from services.settings import get_setting
from services.worktime import due_after

LIVE = (m.TaskState.open, m.TaskState.waiting)
RULE = {"rule": "approval"}


def open_tasks(session: Session, request: m.ApprovalRequest, *, now: dt.datetime) -> list[int]:
    """Create the tasks of the request's current step; return whose turn it is.

    Without an approver the admins get it. The submitter and the last editor are never asked, not
    as stand-ins either; where nobody else is left the only admin's task waits for a second person.
    """
    step = step_of(session, request)
    barred = {request.submitted_by_id, request.last_editor_id}
    named = approvers(session, step, request.submitted_by_id, request.chosen)
    people = [key for key in named if key not in barred]
    second = False
    if not people:
        known = admins(session)
        people = [key for key in known if key not in barred]
        second, people = not people, people or known
    instead = {} if second else stand_ins(session, people, now=now)
    places: dict[int, int | None] = {}
    for key in people:
        other = instead.get(key)
        usable = other is not None and other not in barred
        places.setdefault(other if usable and other else key, key if usable else None)
    made = [
        m.ApprovalTask(
            request_id=request.id,
            step=request.step,
            assignee_id=person,
            on_behalf_of_id=principal,
            created_at=now,
            needs_second=second,
        )
        for person, principal in places.items()
    ]
    return _start(session, step, made, now=now)


def _start(
    session: Session, step: m.ApprovalStep, made: list[m.ApprovalTask], *, now: dt.datetime
) -> list[int]:
    """Open them all, or in turn only the first; the others wait each for the one before."""
    until = deadline(session, step, now)
    in_turn = step.mode is m.StepMode.turn
    before: m.ApprovalTask | None = None
    for task in made:
        waits = in_turn and before is not None
        task.state = m.TaskState.waiting if waits else m.TaskState.open
        task.after_id = before.id if waits and before else None
        task.due_at = None if waits else until
        session.add(task)
        if in_turn:
            session.flush()
        before = task
    session.flush()
    return [task.assignee_id for task in made if task.state is m.TaskState.open]


def deadline(session: Session, step: m.ApprovalStep, now: dt.datetime) -> dt.datetime:
    """Return when a task that opens now is due."""
    return due_after(session, now, step.due_hours or get_setting(session, "approval.due_hours"))


def live(session: Session, request_id: int) -> list[m.ApprovalTask]:
    """Return the tasks that are open or wait their turn, as they are in the database now."""
    task = m.ApprovalTask
    return list(
        session.scalars(
            sa.select(task)
            .where(task.request_id == request_id, task.state.in_(LIVE))
            .order_by(task.id)
            .execution_options(populate_existing=True)
        )
    )


def hand_on(
    session: Session, request: m.ApprovalRequest, task: m.ApprovalTask, *, now: dt.datetime
) -> tuple[bool, list[int]]:
    """Go on after an approved task: (the step is complete, whose turn it is now).

    Any: the others' tasks end with the first approval of one of the step's own approvers. Whoever
    was added after him, or comes next in turn, still has to agree.
    """
    step = step_of(session, request)
    rest = live(session, request.id)
    if step.mode is m.StepMode.any and task.added_by_id is None:
        kept = _behind(rest, task.id)
        cancel(rest, but=kept, now=now)
        rest = [t for t in rest if t.id in kept]
    until = deadline(session, step, now)
    turn = [t for t in rest if t.after_id == task.id and t.state is m.TaskState.waiting]
    for follower in turn:
        follower.state, follower.due_at = m.TaskState.open, until
    session.flush()
    return not rest, [t.assignee_id for t in turn]


def _behind(tasks: list[m.ApprovalTask], first: int) -> set[int]:
    """Return the keys of the tasks that wait, directly or not, for one."""
    found: set[int] = set()
    grown = {first}
    while grown:
        grown = {t.id for t in tasks if t.after_id in grown} - found
        found |= grown
    return found


def cancel(tasks: Iterable[m.ApprovalTask], *, but: Iterable[int] = (), now: dt.datetime) -> None:
    """End tasks undecided; the time tells which decision ended them."""
    kept = set(but)
    for task in tasks:
        if task.id not in kept:
            task.state, task.decided_at = m.TaskState.cancelled, now
