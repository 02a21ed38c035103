"""What a decision brings about: the record's state, the follow-up row, the submitter's copy."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

import models as m
from services import contract, notices
from services.access import unscoped
from services.approval import change
from services.approval.snapshot import differences, shown
from services.numbers import ZONE
from services.records import department_of


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
        if request.action is m.FlowAction.change:
            change.apply(session, request, record, now=now)
        elif request.action is m.FlowAction.void:
            record.state = m.ContractState.void
        elif isinstance(record, m.Contract):
            contract.on_approved(session, record, now=now)
        session.flush()
        session.add(_follow_up(session, request, record, now))


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


INBOX = frozenset({"task", "transfer", "add_sign", "urge", "overdue", "escalation"})


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


def _follow_up(
    session: Session, request: m.ApprovalRequest, record: Any, now: dt.datetime
) -> m.FollowUp:
    """Return the one system row of a request (product.md: "synced into the follow-up records")."""
    links = {}
    if isinstance(record, m.Opportunity):
        links = {"opportunity_id": record.id}
    elif isinstance(record, m.Contract):
        links = {"contract_id": record.id, "opportunity_id": record.opportunity_id}
    return m.FollowUp(
        at=now,
        customer_id=request.customer_id,
        kind=m.FollowUpKind.system,
        origin=m.Origin.approval,
        request_id=request.id,
        content=_content(session, request, now),
        owner_id=request.submitted_by_id,
        owner_department_id=department_of(session, request.submitted_by_id),
        **links,
    )


def _content(session: Session, request: m.ApprovalRequest, now: dt.datetime) -> str:
    """Return the Chinese text of the row: who, when, which comment, and what was approved."""
    events = session.execute(
        sa.select(
            m.ApprovalEvent.decision, m.ApprovalEvent.comment, m.ApprovalEvent.at, m.User.name
        )
        .outerjoin(m.User, m.User.id == m.ApprovalEvent.actor_id)
        .where(m.ApprovalEvent.request_id == request.id)
        .order_by(m.ApprovalEvent.id)
    ).all()
    with force_locale("zh_Hans_CN"):
        head = [
            f"{name or ''} {at.astimezone(ZONE):%Y-%m-%d %H:%M} {decision}"
            + (f"（{comment}）" if comment else "")
            for decision, comment, at, name in events
        ]
        # Personal fields stay in the snapshot: the follow-up is read by more people.
        body = said_of(request.payload)
    del now
    return f"【审批通过】{request.title}\n" + "；".join(head) + "\n" + "；".join(body)


def said_of(payload: dict[str, Any]) -> list[str]:
    """Return the lines that tell what was approved: the content, or what changed."""
    if "old" in payload:
        return [
            f"{caption}：{'****' if hidden else old} → {'****' if hidden else new}"
            for caption, old, new, hidden in differences(payload)
        ]
    return [
        f"{caption}：{text}"
        for _section, pairs in shown(payload, masked=True)
        for caption, text in pairs
    ]


def copy_to_submitter(
    session: Session,
    request: m.ApprovalRequest,
    *,
    step: int,
    comment: str | None,
    by: int | None,
    now: dt.datetime,
) -> None:
    """Set the submitter's one copy of this request unread with the newest step and comment."""
    values = {
        "step": step,
        "steps": request.steps,
        "state": request.state,
        "actor_id": by,
        "comment": comment,
        "at": now,
        "read_at": None,
    }
    table = m.ApprovalCopy.__table__
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = build(table).values(
        request_id=request.id, user_id=request.submitted_by_id, **values
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.request_id, table.c.user_id], set_=values
        ),
        execution_options={"rule": "approval"},
    )
