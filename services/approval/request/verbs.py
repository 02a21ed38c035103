"""What people do without deciding: transfer, add a signature, urge, comment."""

import datetime as dt
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.delivery.notification import NoticeKind
from services.approval.flow import mentions, unfit
from services.approval.flow.barred import barred
from services.approval.flow.flow import step_of
from services.approval.flow.stand_ins import place
from services.approval.request.annotations import NOTHING, Beside, keep
from services.approval.request.effects import announce
from services.approval.request.events import note
from services.approval.request.request_lock import claim, find, lock, said
from services.approval.request.tasks import deadline, live
from services.core.errors import Invalid, NotVisible, Refused
from services.delivery.outcome import Verdict
from services.rights import gate
from services.rights.actor import demand
from services.rights.call import Call

URGE_PAUSE = dt.timedelta(minutes=15)


def transfer(call: Call, request_id: int, *, to: int, comment: str | None) -> ApprovalRequest:
    """Give one's task to somebody else. Raises Invalid on `to`, NotVisible, Refused."""
    demand(call.by, "task:decide")
    comment = said(comment)
    request = find(call.session, request_id)
    with gate.rule(call.session, "approval"):
        tasks = claim(call, request, seen=None, own=True)
        for task in tasks:
            task.decision = Decision.transfer
        call.session.flush()
        heir = holder_of(call, request, to, steps={task.step for task in tasks}, but=call.by.id)
        for task in tasks:
            succeed(call, request, task, heir, turn=True)
            note(
                call.session,
                request,
                Decision.transfer,
                step=task.step,
                by=call.by.id,
                behalf=task.on_behalf_of_id,
                target=heir[0],
                comment=comment,
                now=call.now,
            )
        words = Verdict("", call.by.name, comment)
        announce(
            call.session, request, [heir[0]], now=call.now, kind=NoticeKind.transfer, said=words
        )
    return request


def add_sign(
    call: Call, request_id: int, *, who: int, before: bool, comment: str | None
) -> ApprovalRequest:
    """Ask somebody else to sign, before or after oneself. Raises Invalid, NotVisible, Refused."""
    demand(call.by, "task:decide")
    comment = said(comment)
    request = find(call.session, request_id)
    with gate.rule(call.session, "approval"):
        task, *others = claim(call, request, seen=None, own=True)
        for one in (task, *others):
            one.state, one.decided_at = TaskState.open, None
        call.session.flush()
        holder, principal = holder_of(call, request, who, steps={task.step}, but=call.by.id)
        fresh = ApprovalTask(
            **_given(task, holder, principal, call.now),
            added_by_id=call.by.id,
            state=TaskState.open if before else TaskState.waiting,
            after_id=task.after_id if before else task.id,
            due_at=deadline(call.session, step_of(call.session, request, task.step), call.now)
            if before
            else None,
        )
        call.session.add(fresh)
        call.session.flush()
        if before:
            task.state, task.after_id, task.due_at = TaskState.waiting, fresh.id, None
        else:
            for other in live(call.session, request.id):
                if other.after_id == task.id and other.id != fresh.id:
                    other.after_id = fresh.id
        note(
            call.session,
            request,
            Decision.add_sign,
            step=task.step,
            by=call.by.id,
            behalf=task.on_behalf_of_id,
            target=holder,
            comment=comment,
            now=call.now,
        )
        told = [holder] if before else []
        words = Verdict("", call.by.name, comment)
        announce(call.session, request, told, now=call.now, kind=NoticeKind.add_sign, said=words)
    return request


def _given(
    task: ApprovalTask, holder: int, principal: int | None, now: dt.datetime
) -> dict[str, Any]:
    """Return what a task has of the one it comes from, and of whom it goes to."""
    return {
        "request_id": task.request_id,
        "step": task.step,
        "assignee_id": holder,
        "on_behalf_of_id": principal,
        "created_at": now,
    }


def succeed(
    call: Call,
    request: ApprovalRequest,
    task: ApprovalTask,
    heir: tuple[int, int | None],
    *,
    turn: bool,
) -> None:
    """Open a task in another's place for (holder, for whom he stands in); who waited waits for it.

    `turn`: it is the holder's turn now, else he waits as the other did.
    """
    step = step_of(call.session, request, task.step)
    until = deadline(call.session, step, call.now) if turn else None
    fresh = ApprovalTask(
        **_given(task, *heir, call.now),
        state=TaskState.open if turn else TaskState.waiting,
        after_id=task.after_id,
        added_by_id=task.added_by_id,
        due_at=until,
    )
    call.session.add(fresh)
    call.session.flush()
    for other in live(call.session, request.id):
        if other.after_id == task.id:
            other.after_id = fresh.id


def holder_of(
    call: Call,
    request: ApprovalRequest,
    who: int,
    *,
    steps: Collection[int],
    but: int | None = None,
) -> tuple[int, int | None]:
    """Return who gets the tasks of steps meant for somebody, and for whom he stands in.

    `but` is who gives it away. Raises where that person may not get it: no way leads round
    self-approval, by a stand-in either.
    """
    never = barred(request)
    own = request.submitted_by_id
    if wrong := unfit.why(call.session, who, submitter=own, never=never, but=but):
        raise Invalid({"to": wrong})
    holder, principal = next(iter(place(call.session, [who], never, now=call.now).items()))
    held = live(call.session, request.id)
    busy = any(t.assignee_id == holder and t.step in steps for t in held)
    if busy or holder == but:
        raise Invalid({"to": _taken(call, who, holder, but)})
    return holder, principal


def _taken(call: Call, who: int, holder: int, but: int | None) -> Any:
    """Return why the holder that somebody leads to cannot get another task."""
    names = {"who": unfit.name_of(call.session, who)}
    if holder == but:
        return _("%(who)s 正委托您代为审批，请另选他人", **names)
    if holder == who:
        return _("%(who)s 在当前步骤已有待办，请另选他人", **names)
    names["other"] = unfit.name_of(call.session, holder)
    return _("%(who)s 委托 %(other)s 代为审批，而 %(other)s 在当前步骤已有待办", **names)


def urge(call: Call, request_id: int) -> ApprovalRequest:
    """Remind whose turn it is, once in 15 minutes. Raises NotVisible, Refused (TOO_SOON)."""
    request = find(call.session, request_id)
    if request.submitted_by_id != call.by.id:
        raise NotVisible
    return press(call, request)


def press(call: Call, request: ApprovalRequest) -> ApprovalRequest:
    """Remind the holders of a request, whoever asks, once in 15 minutes. Raises Refused."""
    with gate.rule(call.session, "approval"):
        lock(call.session, request)
        event = ApprovalEvent
        recent = call.session.scalar(
            sa.select(event.id)
            .where(
                event.request_id == request.id,
                event.decision == Decision.urge,
                event.at > call.now - URGE_PAUSE,
            )
            .limit(1)
        )
        if recent is not None:
            raise Refused(_("15 分钟内已催办过，请稍后再试"), code="TOO_SOON")
        note(call.session, request, Decision.urge, step=request.step, by=call.by.id, now=call.now)
        waiting = [
            t.assignee_id for t in live(call.session, request.id) if t.state is TaskState.open
        ]
        words = Verdict("", call.by.name)
        announce(call.session, request, waiting, now=call.now, kind=NoticeKind.urge, said=words)
    return request


def comment(
    call: Call, request_id: int, *, text: str, beside: Beside = NOTHING
) -> mentions.Mentions:
    """Say something on a request one may see, or give files. Raises NotVisible, Invalid.

    Returns whom it names.
    """
    demand(call.by, "request:read")
    words = said(text, needed=not beside.files)
    request = find(call.session, request_id)
    with gate.rule(call.session, "approval"):
        event = note(
            *(call.session, request, Decision.comment),
            step=request.step,
            by=call.by.id,
            comment=words,
            now=call.now,
        )
        keep(event, beside)
        named = mentions.read(call.session, request, words)
        others = {request.submitted_by_id, *named.told} | {
            t.assignee_id for t in live(call.session, request.id) if t.state is TaskState.open
        }
        announce(
            call.session,
            request,
            sorted(p for p in others if p and p != call.by.id),
            now=call.now,
            kind=NoticeKind.comment,
            said=Verdict("", call.by.name, words),
        )
    return named
