"""Approve, reject, return, withdraw, take back: what moves a request.

Each is claimed with one compare-and-set statement, so two cannot both win, and writes one event.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.delivery.notification import NoticeKind
from services.approval.flow import fills
from services.approval.flow.flow import step_of
from services.approval.flow.forks import block, follows, next_in_lane
from services.approval.request.annotations import NOTHING, Beside, checked_remarks, keep, reason
from services.approval.request.effects import announce, finish, summary, tell_submitter
from services.approval.request.events import note
from services.approval.request.reassign import reassign_tasks_of
from services.approval.request.request_lock import claim, find, record_of, refused, said
from services.approval.request.set_effects import REQUEST, copies
from services.approval.request.tasks import LIVE, cancel, hand_on, live, open_block, open_lane
from services.core.errors import Invalid, NotVisible, Refused
from services.delivery.outcome import Verdict
from services.rights import gate
from services.rights.actor import demand
from services.rights.call import Call
from services.rights.rules import APPROVAL

VERBS = {"approve": Decision.approve, "reject": Decision.reject, "give_back": Decision.give_back}
QUIET = tuple(  # events after which an approval can still be taken back
    Decision[name] for name in ("comment", "urge", "remind", "escalate", "no_approver", "reassign")
)


def decide(
    call: Call,
    request_id: int,
    *,
    seen: int,
    verb: str,
    comment: str | None,
    beside: Beside = NOTHING,
) -> ApprovalRequest:
    """Approve, reject or return what was seen; a return goes to the submitter or to a step passed.

    To say no a person gives a comment or remarks on single fields (`beside`). Raises
    Forbidden without the grant, NotVisible, Invalid on a missing comment or a step that was not
    passed, or Refused with one of the codes of REASONS; the edge then rolls back.
    """
    demand(call.by, "task:decide")
    request = find(call.session, request_id)
    remarks = checked_remarks(request, beside, verb=verb)
    comment = checked(verb, reason(request, comment, remarks))
    record = record_of(call.session, request)
    with gate.rule(call.session, "approval"):
        tasks = claim(call, request, seen=seen)
        decision, to_step = VERBS[verb], beside.to_step
        if to_step is not None and (verb != "give_back" or not 1 <= to_step < request.step):
            raise Invalid({"to_step": _("只能退回到已经过的步骤")})
        request.last_comment = comment
        for task in tasks:
            task.decision = decision
        if verb == "approve" and record is not None:
            remarks = _filled(call, request, record, tasks, beside)
        kept = [_said(call, request, task, comment) for task in tasks]
        keep(kept[0], beside, remarks)
        if to_step is not None:
            kept[0].to_step = block(request.lanes, to_step)[0]
        call.session.flush()
        turn = _move(call.session, request, tasks, (verb, to_step), call.now)
        if request.state is not Approval.pending and record is not None:
            finish(call.session, request, record, call.now)
        call.session.flush()
        step, state = tasks[0].step, request.state
        mine = REQUEST.c.id == request.id
        copies(
            call.session, mine, state=state, comment=comment, by=call.by.id, now=call.now, step=step
        )
        tell_submitter(call, request, decision, (step, comment))
        announce(call.session, request, dict.fromkeys(turn), now=call.now)
    return request


def _filled(
    call: Call, request: ApprovalRequest, record: Any, tasks: list[ApprovalTask], beside: Beside
) -> dict[str, str]:
    """Put in what the approver filled; return it by field. Raises Invalid beside the fields."""
    steps = [step_of(call.session, request, task.step) for task in tasks]
    told = fills.fill(call, request, record, steps, beside.filled)
    if told:
        request.summary = summary(request.payload)
    return told


def _said(
    call: Call, request: ApprovalRequest, task: ApprovalTask, comment: str | None
) -> ApprovalEvent:
    """Write the event of a decided task."""
    return note(
        call.session,
        request,
        task.decision or Decision.comment,
        step=task.step,
        by=call.by.id,
        behalf=task.on_behalf_of_id,
        comment=comment,
        now=call.now,
    )


def _move(
    session: Session,
    request: ApprovalRequest,
    tasks: list[ApprovalTask],
    where: tuple[str, int | None],
    now: dt.datetime,
) -> list[int]:
    """Bring the request where the decision sends it; return whose turn it is now."""
    verb, to_step = where
    if verb == "approve":
        return _go_on(session, request, tasks, now)
    cancel(live(session, request.id), now=now)
    if to_step is None:
        request.state, request.decided_at = Approval.rejected, now
        session.flush()
        return []
    request.step = block(request.lanes, to_step)[0]
    session.flush()
    return open_block(session, request, now=now) or []


def _go_on(
    session: Session, request: ApprovalRequest, tasks: list[ApprovalTask], now: dt.datetime
) -> list[int]:
    """Open what comes after approved tasks of one person; return whose turn it is now.

    Branches that run at once join here: what stands behind them waits for all.
    """
    turn: list[int] = []
    for task in tasks:
        complete, others = hand_on(session, request, task, now=now)
        after = next_in_lane(request.lanes, task.step) if complete else None
        opened = None if after is None else open_lane(session, request, after, now=now)
        turn += [*others, *(opened or ())]
    return turn if live(session, request.id) else _next_block(session, request, now)


def _next_block(session: Session, request: ApprovalRequest, now: dt.datetime) -> list[int]:
    """Open the next step; one that people who agreed already fulfil is passed at once."""
    while (last := block(request.lanes, request.step)[-1]) < request.steps:
        request.step = last + 1
        session.flush()
        turn = open_block(session, request, now=now)
        if turn is not None:
            return turn
    request.state, request.decided_at = Approval.approved, now
    session.flush()
    return []


def checked(verb: str, comment: str | None) -> str | None:
    """Return the comment of a decision. Raises Invalid: to say no a person gives a reason."""
    if verb not in VERBS:
        raise Invalid({"verb": _("链接已失效，请从菜单重新进入")})
    if verb != "approve" and not (comment or "").strip():
        raise Invalid({"comment": _("驳回时必须填写意见")})
    return said(comment)


def acted_on(request: Any) -> sa.ColumnElement[bool]:
    """Return the clause "somebody approved a step", since it was last sent back to a step.

    `request`: the table.
    """
    task, event = ApprovalTask.__table__, ApprovalEvent.__table__
    back = sa.select(sa.func.max(event.c.at)).where(
        event.c.request_id == request.c.id, event.c.decision == Decision.give_back
    )
    last = back.correlate(request).scalar_subquery()
    return sa.exists().where(
        task.c.request_id == request.c.id,
        task.c.decision == Decision.approve,
        sa.or_(last.is_(None), task.c.decided_at > last),
    )


def withdraw(call: Call, request_id: int, *, undoing: bool = False) -> ApprovalRequest:
    """Take a submission back while nobody approved a step. Raises NotVisible or Refused.

    Others than the submitter do that only when they undo the import it came with (`undoing`).
    """
    request = find(call.session, request_id)
    if request.submitted_by_id != call.by.id and not undoing:
        raise NotVisible
    record = record_of(call.session, request)
    if record is None:
        raise NotVisible
    table = ApprovalRequest.__table__
    statement = (
        sa.update(table)
        .where(
            table.c.id == request.id,
            table.c.state == Approval.pending,
            table.c.submitted_by_id == request.submitted_by_id,
            ~acted_on(table),
        )
        .values(state=Approval.withdrawn, decided_at=call.now, last_actor_id=call.by.id)
    )
    with gate.rule(call.session, "approval"):
        found: Any = call.session.execute(statement, execution_options=APPROVAL)
        if found.rowcount != 1:
            raise Refused(_("审批人已处理，不能撤回；可请审批人驳回"), code="ALREADY_HANDLED")
        call.session.refresh(request)
        asked = live(call.session, request.id)
        cancel(asked, now=call.now)
        told = [t.assignee_id for t in asked if t.due_at is not None]
        by = Verdict("", call.by.name)
        announce(call.session, request, told, now=call.now, kind=NoticeKind.withdrawn, said=by)
        note(
            call.session, request, Decision.withdraw, step=request.step, by=call.by.id, now=call.now
        )
        call.session.flush()
        finish(call.session, request, record, call.now)
    return request


def take_back(call: Call, request_id: int) -> ApprovalRequest:
    """Undo one's own approval of a step before the next one acted. Raises NotVisible, Refused."""
    demand(call.by, "task:decide")
    request = find(call.session, request_id)
    table = ApprovalRequest.__table__
    with gate.rule(call.session, "approval"):
        found: Any = call.session.execute(
            sa.update(table)
            .where(table.c.id == request.id, table.c.state == Approval.pending)
            .values(last_actor_id=call.by.id),
            execution_options=APPROVAL,
        )
        if found.rowcount != 1:
            raise refused("ALREADY_HANDLED")
        call.session.refresh(request)
        last = call.session.scalar(_said_last(request))
        if last is None or last.actor_id != call.by.id or last.decision is not Decision.approve:
            raise Refused(_("下一审批人已处理，不能撤销"), code="ALREADY_HANDLED")
        _take_out(call.session, request, last, _reopen(call.session, request, last))
        note(call.session, request, Decision.take_back, step=last.step, by=call.by.id, now=call.now)
        request.last_comment = None
        call.session.flush()
        reassign_tasks_of(call.session, now=call.now)  # who is asked again may have left meanwhile
    return request


def _said_last(request: ApprovalRequest) -> sa.Select[ApprovalEvent]:
    """Select what somebody did last, without agreements that a rule of the flow noted for him."""
    event, task = ApprovalEvent, ApprovalTask.__table__
    noted = sa.exists().where(
        task.c.request_id == event.request_id,
        task.c.step == event.step,
        task.c.assignee_id == event.actor_id,
        task.c.decided_at == event.at,
        task.c.due_at.is_(None),
    )
    said = (event.request_id == request.id, event.decision.not_in(QUIET), ~noted)
    return sa.select(event).where(*said).order_by(event.id.desc()).limit(1)


def _take_out(
    session: Session, request: ApprovalRequest, last: ApprovalEvent, own: list[ApprovalTask]
) -> None:
    """Undo what an approval filled: the first of its events tells it, of several branches too."""
    event = ApprovalEvent
    same = (event.request_id == request.id, event.actor_id == last.actor_id, event.at == last.at)
    query = sa.select(event.remarks).where(*same, event.step.in_([task.step for task in own]))
    filled = [remarks for remarks in session.scalars(query.order_by(event.id)) if remarks]
    if filled:
        fills.take_out(request, filled[-1])
        request.summary = summary(request.payload)


def _reopen(session: Session, request: ApprovalRequest, event: ApprovalEvent) -> list[ApprovalTask]:
    """Put the tasks back as they were before an approval; return those it had decided.

    One in each of several branches that ran at once.
    """
    task = ApprovalTask
    tasks = session.scalars(
        sa.select(task)
        .where(task.request_id == request.id)
        .order_by(task.id)
        .execution_options(populate_existing=True)
    ).all()
    own = _own(request, tasks, event)
    for other in tasks:
        behind = any(follows(request.lanes, other.step, one.step) for one in own)
        if behind and (other.state in LIVE or _is_noted(other)):
            other.state, other.decision, other.decided_at = TaskState.cancelled, None, None
    for one in own:
        _restore([other for other in tasks if other.step == one.step], one)
    request.step = block(request.lanes, event.step)[0]
    session.flush()
    return own


def _is_noted(task: ApprovalTask) -> bool:
    """Tell whether a rule of the flow took the step as agreed to: the task was never due."""
    return task.state is TaskState.done and task.due_at is None


def _own(
    request: ApprovalRequest, tasks: Sequence[ApprovalTask], event: ApprovalEvent
) -> list[ApprovalTask]:
    """Return the tasks that one approval decided: the last of its person in each branch."""
    fork = block(request.lanes, event.step)
    found: dict[tuple[int, ...], ApprovalTask] = {}
    for task in reversed(tasks):
        his = task.assignee_id == event.actor_id and task.decision is Decision.approve
        if his and not _is_noted(task) and task.step in fork and task.decided_at == event.at:
            lane = request.lanes[task.step - 1] if request.lanes else None
            found.setdefault(tuple(lane or ()), task)
    return list(found.values())


def _restore(tasks: Sequence[ApprovalTask], own: ApprovalTask) -> None:
    """Open a task of a step again, with what its approval had ended or opened."""
    done = {t.id for t in tasks if t.state is TaskState.done} - {own.id}
    for other in tasks:
        if other.after_id == own.id and other.state is TaskState.open:
            other.state = TaskState.waiting
        elif other.state is TaskState.cancelled and other.decided_at == own.decided_at:
            free = other.after_id is None or other.after_id in done
            other.state = TaskState.open if free else TaskState.waiting
            other.decided_at = None
    own.state, own.decision, own.decided_at = TaskState.open, None, None


__all__ = ["VERBS", "acted_on", "checked", "decide", "take_back", "withdraw"]
