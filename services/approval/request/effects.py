"""What a decision brings about: the record's state, the follow-up row, the submitter's copy."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest, Decision
from models.core.mixins import Approval
from models.deals.contract import Contract
from models.delivery.notification import NoticeKind
from services.approval.request import change, set_effects
from services.deals import contract
from services.delivery import notices
from services.delivery.outcome import Verdict
from services.records.snapshot import differences, shown
from services.rights.access import unscoped
from services.rights.call import Call


def finish(session: Session, request: ApprovalRequest, record: Any, now: dt.datetime) -> None:
    """Do to the record what its request came to; an approved one lands in the follow-ups.

    A change or voiding that is not approved leaves the record as it is, to the byte.
    """
    if request.action is FlowAction.create:
        record.approval = request.state
        if request.state in {Approval.approved, Approval.rejected}:
            record.decided_at = now
    if request.state is not Approval.approved:
        return
    with unscoped(session, "approval"):
        change.check_files(session, request, record)
        if request.action is FlowAction.change:
            change.apply(session, request, record, now=now)
        elif request.action is FlowAction.void:
            contract.on_voided(session, record)
        elif isinstance(record, Contract):
            contract.on_approved(session, record, now=now)
        if request.summary is None:  # submitted before summaries were kept
            request.summary = summary(request.payload)
        session.flush()
        set_effects.follow_ups(session, set_effects.REQUEST.c.id == request.id, now=now)


def announce(
    session: Session,
    request: ApprovalRequest,
    people: Iterable[int],
    *,
    now: dt.datetime,
    kind: NoticeKind = NoticeKind.task,
) -> None:
    """Tell people that something about a request concerns them."""
    notices.tell_many(session, [notice(request, p, kind, now) for p in people], now=now)


INBOX = frozenset({"task", "transfer", "add_sign", "urge", "overdue", "escalation", "no_approver"})


def notice(
    request: ApprovalRequest, person: int, kind: NoticeKind, now: dt.datetime
) -> notices.Notice:
    """Return what one person is told; the instant makes each event a new one."""
    page = "inbox" if kind.name in INBOX else "request"
    key = f"{kind.name}:{request.id}:{request.step}:{now:%Y%m%d%H%M%S%f}"
    return notices.Notice(person, kind, request.title, f"/admin/{page}/?id={request.id}", key)


def tell_submitter(
    call: Call, request: ApprovalRequest, decision: Decision, said: tuple[int, str | None]
) -> None:
    """Tell the submitter how a step or the whole request was decided; `said`: step, comment."""
    step, comment = said
    word: object = request.state.caption
    if back := decision is Decision.give_back:
        word = _("已退回")
    elif request.state is Approval.pending:
        word = _("第 %(n)s 步已通过", n=step)
    which, told = set_effects.REQUEST.c.id == request.id, Verdict(word, call.by.name, comment)
    set_effects.tell_submitters(call.session, which, told, now=call.now, back=back)


def summary(payload: dict[str, Any]) -> str:
    """Return what a follow-up will tell of a payload, in Chinese, personal data masked."""
    with force_locale("zh_Hans_CN"):
        return "；".join(_said(payload))


def _said(payload: dict[str, Any]) -> list[str]:
    if "old" in payload:
        return [
            f"{caption}：{'****' if hidden else old} → {'****' if hidden else new}"
            for caption, old, new, hidden, _key in differences(payload)
        ]
    return [
        f"{caption}：{text}"
        for _section, pairs in shown(payload, masked=True)
        for caption, text, _key in pairs
    ]
