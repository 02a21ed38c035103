"""Approve, reject, withdraw: each one compare-and-set statement, so two cannot both win."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate
from services.actor import Actor, demand
from services.approval.effects import copy_to_submitter, finish
from services.approval.flow import open_tasks
from services.approval.snapshot import REVIEWED
from services.errors import Invalid, NotVisible, Refused

COMMENT_LENGTH = 500
VERBS = {"approve": m.Decision.approve, "reject": m.Decision.reject}
REASONS: dict[str, Any] = {
    "ALREADY_HANDLED": _("已被他人处理"),
    "WITHDRAWN": _("提交人已撤回"),
    "CONTENT_CHANGED": _("内容已变化，请重新查看后再审批"),
    "OWN_RECORD": _("不能审批自己提交或最后修改的记录"),
    "NOT_ASSIGNEE": _("不是您的待办"),
}


def decide(  # noqa: PLR0913 # what was seen and said is part of the law
    session: Session,
    request_id: int,
    *,
    seen: int,
    verb: str,
    comment: str | None,
    by: Actor,
    now: dt.datetime,
) -> m.ApprovalRequest:
    """Approve or reject what was seen.

    Raises Forbidden without the grant, NotVisible, Invalid on a missing comment, or Refused with
    one of the codes of REASONS; then nothing was written.
    """
    demand(by, "task:decide")
    comment = _comment(verb, comment)
    request = session.scalar(
        sa.select(m.ApprovalRequest)
        .where(m.ApprovalRequest.id == request_id)
        .execution_options(populate_existing=True)
    )
    if request is None:
        raise NotVisible
    record = (
        session.scalar(
            sa.select(REVIEWED[request.noun]).where(REVIEWED[request.noun].id == request.record_id)
        )
        if request.noun in REVIEWED
        else None
    )
    step = request.step
    with gate.rule(session, "approval"):
        if not _compare_and_set(session, request, seen, (verb, comment), by, now):
            raise _why_not(session, request_id, seen, by)
        session.refresh(request)
        _close_tasks(session, request, step, verb, by, now)
        session.add(
            m.ApprovalEvent(
                request_id=request.id,
                step=step,
                decision=VERBS[verb],
                actor_id=by.id,
                comment=comment,
                at=now,
            )
        )
        session.flush()
        if request.state is m.Approval.pending:
            open_tasks(session, request, now=now)
        elif record is not None:
            finish(session, request, record, now)
        copy_to_submitter(session, request, step=step, comment=comment, by=by.id, now=now)
    return request


def _comment(verb: str, comment: str | None) -> str | None:
    text = (comment or "").strip() or None
    if verb not in VERBS:
        raise Invalid({"verb": _("不支持的操作")})
    if verb == "reject" and text is None:
        raise Invalid({"comment": _("驳回时必须填写意见")})
    if text is not None and (len(text) > COMMENT_LENGTH or "\x00" in text):
        raise Invalid({"comment": _("意见最多 %(n)s 个字符", n=COMMENT_LENGTH)})
    return text


def _compare_and_set(  # private to this module
    session: Session,
    request: m.ApprovalRequest,
    seen: int,
    said: tuple[str, str | None],
    by: Actor,
    now: dt.datetime,
) -> bool:
    table, task = m.ApprovalRequest.__table__, m.ApprovalTask.__table__
    verb, comment = said
    onward = verb == "approve" and request.step < request.steps
    target = m.Approval.rejected if verb == "reject" else m.Approval.approved
    mine = sa.exists().where(
        task.c.request_id == table.c.id,
        task.c.step == table.c.step,
        task.c.assignee_id == by.id,
        task.c.state == m.TaskState.open,
    )
    values = {"last_actor_id": by.id, "last_comment": comment}
    values |= {"step": request.step + 1} if onward else {"state": target, "decided_at": now}
    statement = (
        sa.update(table)
        .where(
            table.c.id == request.id,
            table.c.state == m.Approval.pending,
            table.c.step == request.step,
            table.c.seen_version == seen,
            table.c.submitted_by_id != by.id,
            sa.or_(table.c.last_editor_id.is_(None), table.c.last_editor_id != by.id),
            mine,
        )
        .values(values)
    )
    found: Any = session.execute(statement, execution_options={"rule": "approval"})
    return bool(found.rowcount == 1)


def _why_not(session: Session, request_id: int, seen: int, by: Actor) -> Refused:
    """Tell apart why the compare-and-set matched nothing, from the row as it is now."""
    request, task = m.ApprovalRequest.__table__, m.ApprovalTask.__table__
    row = session.execute(sa.select(request).where(request.c.id == request_id)).one()
    mine = session.execute(
        sa.select(task.c.id).where(
            task.c.request_id == request_id,
            task.c.assignee_id == by.id,
            task.c.step == row.step,
            task.c.state == m.TaskState.open,
        )
    ).first()
    if by.id in {row.submitted_by_id, row.last_editor_id}:
        code = "OWN_RECORD"
    elif row.state is m.Approval.withdrawn:
        code = "WITHDRAWN"
    elif row.state is not m.Approval.pending:
        code = "ALREADY_HANDLED"
    elif row.seen_version != seen:
        code = "CONTENT_CHANGED"
    else:
        code = "ALREADY_HANDLED" if mine else "NOT_ASSIGNEE"
    return Refused(REASONS[code], code=code)


def _close_tasks(  # private to this module
    session: Session, request: m.ApprovalRequest, step: int, verb: str, by: Actor, now: dt.datetime
) -> None:
    task = m.ApprovalTask.__table__
    open_ones = sa.update(task).where(
        task.c.request_id == request.id, task.c.step == step, task.c.state == m.TaskState.open
    )
    done = open_ones.where(task.c.assignee_id == by.id).values(
        state=m.TaskState.done, decision=VERBS[verb], decided_at=now
    )
    for statement in (done, open_ones.values(state=m.TaskState.cancelled)):
        session.execute(statement, execution_options={"rule": "approval"})
    session.expire(request, ["tasks"])


def withdraw(
    session: Session, request_id: int, *, by: Actor, now: dt.datetime
) -> m.ApprovalRequest:
    """Take a submission back while nobody acted on it. Raises NotVisible or Refused."""
    request = session.scalar(sa.select(m.ApprovalRequest).where(m.ApprovalRequest.id == request_id))
    if request is None or request.submitted_by_id != by.id or request.noun not in REVIEWED:
        raise NotVisible
    model = REVIEWED[request.noun]
    record = session.scalars(sa.select(model).where(model.id == request.record_id)).one()
    table, task = m.ApprovalRequest.__table__, m.ApprovalTask.__table__
    acted = sa.exists().where(task.c.request_id == table.c.id, task.c.state == m.TaskState.done)
    statement = (
        sa.update(table)
        .where(
            table.c.id == request.id,
            table.c.state == m.Approval.pending,
            table.c.submitted_by_id == by.id,
            ~acted,
        )
        .values(state=m.Approval.withdrawn, decided_at=now, last_actor_id=by.id)
    )
    with gate.rule(session, "approval"):
        found: Any = session.execute(statement, execution_options={"rule": "approval"})
        if found.rowcount != 1:
            raise Refused(_("已有人处理，不能撤回"), code="ALREADY_HANDLED")
        session.refresh(request)
        session.execute(
            sa.update(task)
            .where(task.c.request_id == request.id, task.c.state == m.TaskState.open)
            .values(state=m.TaskState.cancelled),
            execution_options={"rule": "approval"},
        )
        session.add(
            m.ApprovalEvent(
                request_id=request.id,
                step=request.step,
                decision=m.Decision.withdraw,
                actor_id=by.id,
                at=now,
            )
        )
        finish(session, request, record, now)
    return request
