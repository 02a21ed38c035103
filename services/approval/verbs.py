"""What people do without deciding: transfer, add a signature, urge, comment."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate
from services.actor import Actor, demand
from services.approval.approvers import deciders
from services.approval.beside import NOTHING, Beside, keep
from services.approval.claim import claim, find, lock, refused, said
from services.approval.effects import announce
from services.approval.events import note
from services.approval.flow import step_of
from services.approval.stand_ins import place
from services.approval.tasks import deadline, live
from services.errors import Invalid, NotVisible, Refused

URGE_PAUSE = dt.timedelta(minutes=15)


def transfer(
    session: Session, request_id: int, *, to: int, comment: str | None, by: Actor, now: dt.datetime
) -> m.ApprovalRequest:
    """Give one's task to somebody else. Raises Invalid on `to`, NotVisible, Refused."""
    demand(by, "task:decide")
    comment = said(comment)
    request = find(session, request_id)
    with gate.rule(session, "approval"):
        task = claim(session, request, seen=None, by=by, now=now, own=True)
        task.decision = m.Decision.transfer
        session.flush()
        holder, principal = _holder(session, request, to, by, now)
        fresh = m.ApprovalTask(
            **_given(task, holder, principal, now),
            after_id=task.after_id,
            added_by_id=task.added_by_id,
            due_at=deadline(session, step_of(session, request), now),
        )
        session.add(fresh)
        session.flush()
        for other in live(session, request.id):
            if other.after_id == task.id:
                other.after_id = fresh.id
        note(
            session,
            request,
            m.Decision.transfer,
            step=task.step,
            by=by.id,
            behalf=task.on_behalf_of_id,
            target=holder,
            comment=comment,
            now=now,
        )
        announce(session, request, [holder], now=now, kind=m.NoticeKind.transfer)
    return request


def add_sign(  # noqa: PLR0913 # who signs where is the verb
    session: Session,
    request_id: int,
    *,
    who: int,
    before: bool,
    comment: str | None,
    by: Actor,
    now: dt.datetime,
) -> m.ApprovalRequest:
    """Ask somebody else to sign, before or after oneself. Raises Invalid, NotVisible, Refused."""
    demand(by, "task:decide")
    comment = said(comment)
    request = find(session, request_id)
    with gate.rule(session, "approval"):
        task = claim(session, request, seen=None, by=by, now=now, own=True)
        task.state, task.decided_at = m.TaskState.open, None
        session.flush()
        holder, principal = _holder(session, request, who, by, now)
        fresh = m.ApprovalTask(
            **_given(task, holder, principal, now),
            added_by_id=by.id,
            state=m.TaskState.open if before else m.TaskState.waiting,
            after_id=task.after_id if before else task.id,
            due_at=deadline(session, step_of(session, request), now) if before else None,
        )
        session.add(fresh)
        session.flush()
        if before:
            task.state, task.after_id, task.due_at = m.TaskState.waiting, fresh.id, None
        else:
            for other in live(session, request.id):
                if other.after_id == task.id and other.id != fresh.id:
                    other.after_id = fresh.id
        note(
            session,
            request,
            m.Decision.add_sign,
            step=task.step,
            by=by.id,
            behalf=task.on_behalf_of_id,
            target=holder,
            comment=comment,
            now=now,
        )
        told = [holder] if before else []
        announce(session, request, told, now=now, kind=m.NoticeKind.add_sign)
    return request


def _given(
    task: m.ApprovalTask, holder: int, principal: int | None, now: dt.datetime
) -> dict[str, Any]:
    """Return what a task has of the one it comes from, and of whom it goes to."""
    return {
        "request_id": task.request_id,
        "step": task.step,
        "assignee_id": holder,
        "on_behalf_of_id": principal,
        "created_at": now,
    }


def _holder(
    session: Session, request: m.ApprovalRequest, who: int, by: Actor, now: dt.datetime
) -> tuple[int, int | None]:
    """Return who gets a task of the request that is meant for somebody, and for whom he stands in.

    Raises where that person may not get it: no way leads round self-approval, by a stand-in either.
    """
    barred = {request.submitted_by_id, request.last_editor_id}
    if who in barred:
        raise refused("OWN_RECORD")
    if who == by.id or who not in deciders(session, [who]):
        raise Invalid({"to": _("请选择另一位有审批权限的人员")})
    holder, principal = next(iter(place(session, [who], barred, now=now).items()))
    if holder == by.id:
        raise Invalid({"to": _("此人正委托您代为审批，请另选他人")})
    if any(t.assignee_id == holder and t.step == request.step for t in live(session, request.id)):
        busy = (
            _("此人在当前步骤已有待办")
            if principal is None
            else _("此人的代理人在当前步骤已有待办")
        )
        raise Invalid({"to": busy})
    return holder, principal


def urge(session: Session, request_id: int, *, by: Actor, now: dt.datetime) -> m.ApprovalRequest:
    """Remind whose turn it is, once in 15 minutes. Raises NotVisible, Refused (TOO_SOON)."""
    request = find(session, request_id)
    if request.submitted_by_id != by.id:
        raise NotVisible
    with gate.rule(session, "approval"):
        lock(session, request)
        event = m.ApprovalEvent
        recent = session.scalar(
            sa.select(event.id)
            .where(
                event.request_id == request.id,
                event.decision == m.Decision.urge,
                event.at > now - URGE_PAUSE,
            )
            .limit(1)
        )
        if recent is not None:
            raise Refused(_("15 分钟内已催办过，请稍后再试"), code="TOO_SOON")
        note(session, request, m.Decision.urge, step=request.step, by=by.id, now=now)
        waiting = [t.assignee_id for t in live(session, request.id) if t.state is m.TaskState.open]
        announce(session, request, waiting, now=now, kind=m.NoticeKind.urge)
    return request


def comment(
    session: Session,
    request_id: int,
    *,
    text: str,
    by: Actor,
    now: dt.datetime,
    beside: Beside = NOTHING,
) -> m.ApprovalRequest:
    """Say something on a request one may see, or give files. Raises NotVisible, Invalid."""
    demand(by, "request:read")
    words = said(text, needed=not beside.files)
    request = find(session, request_id)
    with gate.rule(session, "approval"):
        event = note(
            session,
            request,
            m.Decision.comment,
            step=request.step,
            by=by.id,
            comment=words,
            now=now,
        )
        keep(event, beside)
        others = {request.submitted_by_id} | {
            t.assignee_id for t in live(session, request.id) if t.state is m.TaskState.open
        }
        announce(
            session,
            request,
            sorted(p for p in others if p and p != by.id),
            now=now,
            kind=m.NoticeKind.comment,
        )
    return request
