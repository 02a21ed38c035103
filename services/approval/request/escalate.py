"""A task that was reminded of in vain goes to the superior: beside its person, or in his place."""

import datetime as dt

from sqlalchemy.orm import Session

from models.approval.flow import ApprovalStep, StepMode
from models.approval.request import ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.delivery.notification import NoticeKind
from services.approval.flow.approvers import admins, deciders, superiors
from services.approval.flow.barred import barred
from services.approval.flow.flow import step_of
from services.approval.flow.stand_ins import place
from services.approval.request.effects import announce
from services.approval.request.request_lock import lock, note
from services.approval.request.tasks import deadline, live
from services.core.errors import Refused


def escalate(session: Session, task_id: int, *, now: dt.datetime) -> int:
    """Settle one task that was reminded of in vain. Returns how many superiors were told."""
    task = session.get_one(ApprovalTask, task_id, populate_existing=True)
    request = session.get_one(ApprovalRequest, task.request_id, populate_existing=True)
    try:
        lock(session, request)
    except Refused:
        return 0  # decided meanwhile
    session.refresh(task)
    if task.state is not TaskState.open or task.escalated_at is not None:
        return 0
    step = step_of(session, request, task.step)
    task.escalated_at = now
    session.flush()
    people = _hand_up(session, request, task, step, now) if step.escalate else {}
    for person, principal in people.items():
        note(
            session,
            request,
            Decision.escalate,
            step=task.step,
            by=None,
            behalf=principal,
            target=person,
            now=now,
        )
    announce(session, request, people, now=now, kind=NoticeKind.escalation)
    session.flush()
    return len(people)


def _hand_up(
    session: Session,
    request: ApprovalRequest,
    task: ApprovalTask,
    step: ApprovalStep,
    now: dt.datetime,
) -> dict[int, int | None]:
    """Give superiors the task; return them (person → whose stand-in).

    Where one approval suffices they get it beside the late one; else one of them takes his place,
    so that the step needs as many approvals as before.
    """
    rest = live(session, request.id, task.step)
    behind = [other for other in rest if other.after_id == task.id]
    beside = step.mode is StepMode.any and task.added_by_id is None and not behind
    people = _above(session, request, task, now=now)
    held = {other.assignee_id for other in rest}
    if beside:  # whoever has it for another late one knows already
        people = {key: of for key, of in people.items() if key not in held}
    else:
        people = dict(list(people.items())[:1])
    until = deadline(session, step, now)
    for person, principal in people.items():
        if person in held:
            continue
        fresh = ApprovalTask(
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
            task.state, task.decided_at = TaskState.cancelled, now
            for other in behind:
                other.after_id = fresh.id
    return people


def _above(
    session: Session, request: ApprovalRequest, task: ApprovalTask, *, now: dt.datetime
) -> dict[int, int | None]:
    """Return who gets it (person → whose stand-in): the next able superior, else the admins."""
    never = barred(request) | {task.assignee_id}
    chain = superiors(session, task.on_behalf_of_id or task.assignee_id)
    able = deciders(session, chain) - never
    found = [person for person in chain if person in able][:1] or [
        person for person in admins(session) if person not in never
    ]
    return place(session, found, never, now=now)
