"""What a decision brings about: the record's state, the follow-up row, the submitter's copy."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

import models as m
from services import contract
from services.approval.snapshot import shown
from services.numbers import ZONE
from services.records import department_of


def finish(session: Session, request: m.ApprovalRequest, record: Any, now: dt.datetime) -> None:
    """Move the record to where its request went; an approved one lands in the follow-ups."""
    record.approval = request.state
    if request.state in {m.Approval.approved, m.Approval.rejected}:
        record.decided_at = now
    if request.state is not m.Approval.approved:
        return
    if isinstance(record, m.Contract):
        contract.on_approved(session, record, now=now)
    session.flush()
    session.add(_follow_up(session, request, record, now))


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
        body = [
            f"{caption}：{text}"
            for _section, pairs in shown(request.payload, masked=True)
            for caption, text in pairs
        ]
    del now
    return f"【审批通过】{request.title}\n" + "；".join(head) + "\n" + "；".join(body)


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
