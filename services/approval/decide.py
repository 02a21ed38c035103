"""Approve, reject, return, withdraw, take back: what moves a request.

Each is claimed with one compare-and-set statement, so two cannot both win, and writes one event.
"""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate
from services.actor import Actor, demand
from services.approval.beside import NOTHING, Beside, checked_remarks, keep, reason
from services.approval.claim import claim, find, record_of, refused, said
from services.approval.effects import announce, finish, tell_submitter
from services.approval.events import note
from services.approval.reassign import reassign_tasks_of
from services.approval.sets import REQUEST, copies
from services.approval.tasks import LIVE, cancel, hand_on, live, open_tasks
from services.errors import Invalid, NotVisible, Refused
from services.rules import APPROVAL

VERBS = {
    "approve": m.Decision.approve,
    "reject": m.Decision.reject,
    "give_back": m.Decision.give_back,
}
QUIET = tuple(  # events after which an approval can still be taken back
    m.Decision[name]
    for name in ("comment", "urge", "remind", "escalate", "no_approver", "reassign")
)


def decide(  # noqa: PLR0913 # what was seen and said is part of the law
    session: Session,
    request_id: int,
    *,
    seen: int,
    verb: str,
    comment: str | None,
    by: Actor,
    now: dt.datetime,
    to_step: int | None = None,
    beside: Beside = NOTHING,
) -> m.ApprovalRequest:
    """Approve, reject or return what was seen; a return goes to the submitter or to `to_step`.

    To say no a person gives a comment or remarks on single fields (`beside`). Raises
    Forbidden without the grant, NotVisible, Invalid on a missing comment or a step that was not
    passed, or Refused with one of the codes of REASONS; the edge then rolls back.
    """
    demand(by, "task:decide")
    request = find(session, request_id)
    remarks = checked_remarks(request, beside, verb=verb)
    comment = checked(verb, reason(request, comment, remarks))
    record = record_of(session, request)
    with gate.rule(session, "approval"):
        task = claim(session, request, seen=seen, by=by, now=now)
        step, decision = request.step, VERBS[verb]
        if to_step is not None and (verb != "give_back" or not 1 <= to_step < step):
            raise Invalid({"to_step": _("只能退回到已经过的步骤")})
        task.decision, request.last_comment = decision, comment
        event = note(
            session,
            request,
            decision,
            step=step,
            by=by.id,
            behalf=task.on_behalf_of_id,
            comment=comment,
            now=now,
        )
        keep(event, beside, remarks)
        session.flush()
        turn = _move(session, request, task, (verb, to_step), now)
        if request.state is not m.Approval.pending and record is not None:
            finish(session, request, record, now)
        session.flush()
        mine, state = REQUEST.c.id == request.id, request.state
        copies(session, mine, state=state, comment=comment, by=by.id, now=now, step=step)
        tell_submitter(session, request, decision, now=now)
        announce(session, request, turn, now=now)
    return request


def _move(
    session: Session,
    request: m.ApprovalRequest,
    task: m.ApprovalTask,
    where: tuple[str, int | None],
    now: dt.datetime,
) -> list[int]:
    """Bring the request where the decision sends it; return whose turn it is now."""
    verb, to_step = where
    if verb != "approve":
        cancel(live(session, request.id), now=now)
        if to_step is None:
            request.state, request.decided_at = m.Approval.rejected, now
            session.flush()
            return []
        request.step = to_step
    else:
        complete, turn = hand_on(session, request, task, now=now)
        if not complete:
            return turn
        if request.step >= request.steps:
            request.state, request.decided_at = m.Approval.approved, now
            session.flush()
            return []
        request.step += 1
    session.flush()
    return open_tasks(session, request, now=now)


def checked(verb: str, comment: str | None) -> str | None:
    """Return the comment of a decision. Raises Invalid: to say no a person gives a reason."""
    if verb not in VERBS:
        raise Invalid({"verb": _("不支持的操作")})
    if verb != "approve" and not (comment or "").strip():
        raise Invalid({"comment": _("驳回时必须填写意见")})
    return said(comment)


def withdraw(
    session: Session, request_id: int, *, by: Actor, now: dt.datetime, undoing: bool = False
) -> m.ApprovalRequest:
    """Take a submission back while nobody approved a step. Raises NotVisible or Refused.

    Others than the submitter do that only when they undo the import it came with (`undoing`).
    """
    request = find(session, request_id)
    if request.submitted_by_id != by.id and not undoing:
        raise NotVisible
    record = record_of(session, request)
    if record is None:
        raise NotVisible
    table, task = m.ApprovalRequest.__table__, m.ApprovalTask.__table__
    acted = sa.exists().where(
        task.c.request_id == table.c.id, task.c.decision == m.Decision.approve
    )
    statement = (
        sa.update(table)
        .where(
            table.c.id == request.id,
            table.c.state == m.Approval.pending,
            table.c.submitted_by_id == request.submitted_by_id,
            ~acted,
        )
        .values(state=m.Approval.withdrawn, decided_at=now, last_actor_id=by.id)
    )
    with gate.rule(session, "approval"):
        found: Any = session.execute(statement, execution_options=APPROVAL)
        if found.rowcount != 1:
            raise Refused(_("已有人处理，不能撤回"), code="ALREADY_HANDLED")
        session.refresh(request)
        asked = live(session, request.id)
        cancel(asked, now=now)
        told = [t.assignee_id for t in asked if t.due_at is not None]
        announce(session, request, told, now=now, kind=m.NoticeKind.withdrawn)
        note(session, request, m.Decision.withdraw, step=request.step, by=by.id, now=now)
        session.flush()
        finish(session, request, record, now)
    return request


def take_back(
    session: Session, request_id: int, *, by: Actor, now: dt.datetime
) -> m.ApprovalRequest:
    """Undo one's own approval of a step before the next one acted. Raises NotVisible, Refused."""
    demand(by, "task:decide")
    request = find(session, request_id)
    table = m.ApprovalRequest.__table__
    with gate.rule(session, "approval"):
        found: Any = session.execute(
            sa.update(table)
            .where(table.c.id == request.id, table.c.state == m.Approval.pending)
            .values(last_actor_id=by.id),
            execution_options=APPROVAL,
        )
        if found.rowcount != 1:
            raise refused("ALREADY_HANDLED")
        session.refresh(request)
        last = session.scalar(
            sa.select(m.ApprovalEvent)
            .where(m.ApprovalEvent.request_id == request.id, m.ApprovalEvent.decision.not_in(QUIET))
            .order_by(m.ApprovalEvent.id.desc())
            .limit(1)
        )
        if last is None or last.actor_id != by.id or last.decision is not m.Decision.approve:
            raise Refused(_("下一位已处理，不能收回"), code="ALREADY_HANDLED")
        _reopen(session, request, last)
        note(session, request, m.Decision.take_back, step=last.step, by=by.id, now=now)
        request.last_comment = None
        session.flush()
        reassign_tasks_of(session, now=now)  # who is asked again may have left meanwhile
    return request


def _reopen(session: Session, request: m.ApprovalRequest, event: m.ApprovalEvent) -> None:
    """Put the tasks back as they were before an approval."""
    task = m.ApprovalTask
    tasks = session.scalars(
        sa.select(task)
        .where(task.request_id == request.id)
        .order_by(task.id)
        .execution_options(populate_existing=True)
    ).all()
    own = next(
        t
        for t in reversed(tasks)
        if t.assignee_id == event.actor_id
        and t.step == event.step
        and t.decision is m.Decision.approve
    )
    for other in tasks:
        if other.step != event.step and other.state in LIVE:
            other.state = m.TaskState.cancelled
        elif other.after_id == own.id and other.state is m.TaskState.open:
            other.state = m.TaskState.waiting
    done = {t.id for t in tasks if t.state is m.TaskState.done} - {own.id}
    for other in tasks:
        if (
            other.step == event.step
            and other.state is m.TaskState.cancelled
            and other.decided_at == own.decided_at
        ):
            free = other.after_id is None or other.after_id in done
            other.state = m.TaskState.open if free else m.TaskState.waiting
            other.decided_at = None
    own.state, own.decision, own.decided_at = m.TaskState.open, None, None
    request.step = event.step
    session.flush()


__all__ = ["VERBS", "checked", "decide", "take_back", "withdraw"]
