"""Taking a request in hand: one compare-and-set statement decides who may move it, and locks it."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from services.approval.flow.barred import barred, is_open_to
from services.approval.request.events import note
from services.core.errors import Invalid, NotVisible, Refused
from services.records.snapshot import REVIEWED
from services.rights.access import unscoped
from services.rights.actor import Actor
from services.rights.call import Call
from services.rights.rules import APPROVAL

COMMENT_LENGTH = 500
REASONS: dict[str, Any] = {
    "ALREADY_HANDLED": _("已被他人处理"),
    "WITHDRAWN": _("提交人已撤回"),
    "CONTENT_CHANGED": _("内容已变化，请重新查看后再审批"),
    "OWN_RECORD": _("不能审批自己提交或最后修改的记录"),
    "NOT_ASSIGNEE": _("这项审批不在您的待办中，可能已转交或处理"),
}


def refused(code: str) -> Refused:
    """Return the refusal of one of REASONS."""
    return Refused(REASONS[code], code=code)


def said(comment: str | None, *, needed: bool = False) -> str | None:
    """Return a comment without blanks around it. Raises Invalid."""
    text = (comment or "").strip() or None
    if needed and text is None:
        raise Invalid({"comment": _("请填写意见")})
    if text is not None and (len(text) > COMMENT_LENGTH or "\x00" in text):
        raise Invalid({"comment": _("意见最多 %(n)s 个字符", n=COMMENT_LENGTH)})
    return text


def find(session: Session, request_id: int) -> ApprovalRequest:
    """Return a request the actor may see, as it is now. Raises NotVisible."""
    request = session.scalar(
        sa.select(ApprovalRequest)
        .where(ApprovalRequest.id == request_id)
        .execution_options(populate_existing=True)
    )
    if request is None:
        raise NotVisible
    return request


def record_of(session: Session, request: ApprovalRequest) -> Any:
    """Return the record of a request, None for an import's.

    An assignee decides on what he saw in the request, also where the record is out of his scope.
    """
    model = REVIEWED.get(request.noun)
    if model is None:
        return None
    with unscoped(session, "approval"):
        return session.scalar(sa.select(model).where(model.id == request.record_id))


def claim(
    call: Call, request: ApprovalRequest, *, seen: int | None, own: bool = False
) -> list[ApprovalTask]:
    """Lock a pending request for its assignee; return his open tasks, marked as decided.

    One, or in branches that run at once one of each: who is asked twice says it once.

    `seen` is the version he saw (None: nothing is approved by what follows); `own` lets the
    submitter act, for verbs that decide nothing. Raises Refused with a code of REASONS; what was
    written then goes with the roll-back. The caller sets the tasks' decision.
    """
    table, task = ApprovalRequest.__table__, ApprovalTask.__table__
    mine = sa.and_(
        task.c.request_id == request.id,
        task.c.assignee_id == call.by.id,
        task.c.state == TaskState.open,
    )
    where = [
        table.c.id == request.id,
        table.c.state == Approval.pending,
        table.c.step == request.step,
        sa.exists().where(mine),
    ]
    if seen is not None:
        where.append(table.c.seen_version == seen)
    if not own:
        where.append(is_open_to(table, call.by.id))
    statement = sa.update(table).where(*where).values(last_actor_id=call.by.id)
    found: Any = call.session.execute(statement, execution_options=APPROVAL)
    if found.rowcount != 1:
        raise _why_not(call.session, request.id, seen, call.by, own=own)
    # Locked now; a second window of the same person finds his task done.
    query = sa.select(ApprovalTask).where(mine).order_by(task.c.step)
    held = list(call.session.scalars(query.execution_options(populate_existing=True)))
    if not held:
        raise refused("ALREADY_HANDLED")
    call.session.refresh(request)
    for one in held:
        one.state, one.decided_at = TaskState.done, call.now
    return held


def lock(session: Session, request: ApprovalRequest) -> None:
    """Lock a pending request for a verb that moves nothing. Raises Refused."""
    table = ApprovalRequest.__table__
    found: Any = session.execute(
        sa.update(table)
        .where(table.c.id == request.id, table.c.state == Approval.pending)
        .values(step=table.c.step),
        execution_options=APPROVAL,
    )
    if found.rowcount != 1:
        raise refused("ALREADY_HANDLED")
    session.refresh(request)


def _why_not(
    session: Session, request_id: int, seen: int | None, by: Actor, *, own: bool
) -> Refused:
    """Tell apart why the compare-and-set matched nothing, from the row as it is now."""
    request, task = ApprovalRequest.__table__, ApprovalTask.__table__
    row = session.execute(sa.select(request).where(request.c.id == request_id)).one()
    mine = session.execute(
        sa.select(task.c.id).where(
            task.c.request_id == request_id,
            task.c.assignee_id == by.id,
            task.c.state == TaskState.open,
        )
    ).first()
    return refused(why(row, mine=mine is not None, seen=seen, by=None if own else by))


def why(row: Any, *, mine: bool, seen: int | None, by: Actor | None) -> str:
    """Return the reason code of a request that could not be claimed."""
    if by is not None and by.id in barred(row):
        return "OWN_RECORD"
    if row.state is Approval.withdrawn:
        return "WITHDRAWN"
    if row.state is not Approval.pending:
        return "ALREADY_HANDLED"
    if seen is not None and row.seen_version != seen:
        return "CONTENT_CHANGED"
    return "ALREADY_HANDLED" if mine else "NOT_ASSIGNEE"


__all__ = ["REASONS", "claim", "find", "lock", "note", "record_of", "refused", "said", "why"]
