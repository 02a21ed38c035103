"""What a decision brings about: the record's state, the follow-up row, the submitter's copy."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from flask_babel import force_locale
from sqlalchemy.orm import Session

import models as m
from services import contract, notices
from services.access import unscoped
from services.approval import change, sets
from services.approval.snapshot import differences, shown


def finish(session: Session, request: m.ApprovalRequest, record: Any, now: dt.datetime) -> None:
    """Do to the record what its request came to; an approved one lands in the follow-ups.

    A change or voiding that is not approved leaves the record as it is, to the byte.
    """
    if request.action is m.FlowAction.create:
        record.approval = request.state
        if request.state in {m.Approval.approved, m.Approval.rejected}:
            record.decided_at = now
    if request.state is not m.Approval.approved:
        return
    with unscoped(session, "approval"):
        change.check_files(session, request, record)
        if request.action is m.FlowAction.change:
            change.apply(session, request, record, now=now)
        elif request.action is m.FlowAction.void:
            contract.on_voided(session, record)
        elif isinstance(record, m.Contract):
            contract.on_approved(session, record, now=now)
        if request.summary is None:  # submitted before summaries were kept
            request.summary = summary(request.payload)
        session.flush()
        sets.follow_ups(session, sets.REQUEST.c.id == request.id, now=now)


def announce(
    session: Session,
    request: m.ApprovalRequest,
    people: Iterable[int],
    *,
    now: dt.datetime,
    kind: m.NoticeKind = m.NoticeKind.task,
) -> None:
    """Tell people that something about a request concerns them."""
    notices.tell_many(session, [notice(request, p, kind, now) for p in people], now=now)


INBOX = frozenset({"task", "transfer", "add_sign", "urge", "overdue", "escalation", "no_approver"})


def notice(
    request: m.ApprovalRequest, person: int, kind: m.NoticeKind, now: dt.datetime
) -> notices.Notice:
    """Return what one person is told; the instant makes each event a new one."""
    page = "inbox" if kind.name in INBOX else "request"
    key = f"{kind.name}:{request.id}:{request.step}:{now:%Y%m%d%H%M%S%f}"
    return notices.Notice(person, kind, request.title, f"/admin/{page}/?id={request.id}", key)


def tell_submitter(
    session: Session, request: m.ApprovalRequest, decision: m.Decision, *, now: dt.datetime
) -> None:
    """Tell the submitter how a step or the whole request was decided."""
    if request.submitted_by_id is not None:
        back = decision is m.Decision.give_back
        kind = m.NoticeKind.returned if back else m.NoticeKind.decision
        announce(session, request, [request.submitted_by_id], now=now, kind=kind)


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
