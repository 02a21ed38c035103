"""An administrator or manager helps a request on: gives a task to somebody else, urges, ends it.

He decides nothing by it: who is barred from deciding stays barred, whoever names him.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.request import ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.delivery.notification import NoticeKind
from models.people.user import User
from services.approval.flow import unfit
from services.approval.request.effects import announce, finish, tell_submitter
from services.approval.request.events import note
from services.approval.request.request_lock import find, lock, record_of, said
from services.approval.request.tasks import LIVE, cancel, live
from services.approval.request.verbs import holder_of, press, succeed
from services.core.errors import Forbidden, Invalid
from services.delivery.outcome import Verdict
from services.rights import gate
from services.rights.actor import Actor, demand, may
from services.rights.call import Call

RIGHT = "request:overview"


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """Whose task goes to whom, by key."""

    holder: int
    to: int


def allowed(actor: Actor, request: ApprovalRequest) -> bool:
    """Tell whether somebody may help a request on that he sees: not his own, which he withdraws."""
    own = request.submitted_by_id == actor.id
    return request.state is Approval.pending and may(actor, RIGHT) and not own


def holders(session: Session, request: ApprovalRequest) -> list[tuple[int, str]]:
    """Return (key, name) of everybody who has a live task in the current step; one statement."""
    task, user = ApprovalTask.__table__, User.__table__
    query = (
        sa.select(user.c.id, user.c.name)
        .join(task, task.c.assignee_id == user.c.id)
        .where(task.c.request_id == request.id, task.c.state.in_(LIVE))
        .order_by(task.c.id)
    )
    return list(dict.fromkeys((row.id, row.name) for row in session.execute(query)))


def give(call: Call, request_id: int, move: Move, comment: str | None) -> ApprovalRequest:
    """Give a holder's task of the current step to somebody who may decide.

    Raises Forbidden, NotVisible, Refused, and Invalid on `holder` or `to`.
    """
    request, words = begin(call, request_id), said(comment)
    with gate.rule(call.session, "approval"):
        lock(call.session, request)
        held = [t for t in live(call.session, request.id) if t.assignee_id == move.holder]
        if not held:
            raise Invalid({"holder": _idle(call.session, move.holder)})
        turn = any(t.state is TaskState.open for t in held)
        heir = holder_of(call, request, move.to, steps={t.step for t in held})
        for task in held:
            _hand(call, request, task, heir, words)
        told = [heir[0]] if turn else []  # who waits is told when it is his turn
        by = Verdict("", call.by.name, words)
        announce(call.session, request, told, now=call.now, kind=NoticeKind.transfer, said=by)
    return request


def _idle(session: Session, holder: int) -> Any:
    name = unfit.name_of(session, holder)
    if name is None:
        return unfit.UNKNOWN
    return _("%(who)s 在当前步骤没有待办，请刷新后重试", who=name)


def _hand(
    call: Call,
    request: ApprovalRequest,
    task: ApprovalTask,
    heir: tuple[int, int | None],
    words: str | None,
) -> None:
    """Give one task of a holder to the heir (who, whose stand-in), with its event."""
    turn, holder = task.state is TaskState.open, task.assignee_id
    cancel([task], now=call.now)
    succeed(call, request, task, heir, turn=turn)
    note(
        call.session,
        request,
        Decision.transfer,
        step=task.step,
        by=call.by.id,
        behalf=holder,
        target=heir[0],
        comment=words,
        now=call.now,
    )


def urge(call: Call, request_id: int) -> ApprovalRequest:
    """Remind whose turn it is, once in 15 minutes. Raises Forbidden, NotVisible, Refused."""
    return press(call, begin(call, request_id))


def end(call: Call, request_id: int, reason: str | None) -> ApprovalRequest:
    """End a request undecided, with a reason: its record is as if it had been withdrawn.

    Raises Forbidden, NotVisible, Refused, and Invalid on `comment`.
    """
    request, words = begin(call, request_id), said(reason, needed=True)
    record = record_of(call.session, request)
    with gate.rule(call.session, "approval"):
        lock(call.session, request)
        asked = live(call.session, request.id)
        cancel(asked, now=call.now)
        request.state, request.decided_at = Approval.withdrawn, call.now
        request.last_actor_id, request.last_comment = call.by.id, words
        note(
            call.session,
            request,
            Decision.terminate,
            step=request.step,
            by=call.by.id,
            comment=words,
            now=call.now,
        )
        call.session.flush()
        if record is not None:
            finish(call.session, request, record, call.now)
        call.session.flush()
        told = [t.assignee_id for t in asked if t.due_at is not None]
        by = Verdict(_("已终止"), call.by.name, words)
        announce(call.session, request, told, now=call.now, kind=NoticeKind.withdrawn, said=by)
        tell_submitter(call, request, Decision.terminate, (request.step, words))
    return request


def begin(call: Call, request_id: int) -> ApprovalRequest:
    """Return a request that the actor may help on. Raises Forbidden, NotVisible."""
    demand(call.by, RIGHT)
    request = find(call.session, request_id)
    not_own(call, request)
    return request


def not_own(call: Call, request: ApprovalRequest) -> None:
    """Raise Forbidden for the actor's own submission."""
    if request.submitted_by_id == call.by.id:
        raise Forbidden(_("自己提交的审批单请撤回，或请他人处理"))
