"""What a decision brings about: the record's state, the follow-up row, the submitter's copy."""

import datetime as dt
from collections.abc import Iterable, Sequence
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
        (row,) = follow_up_rows(session, [request], now=now)
        session.add(m.FollowUp(**{k: v for k, v in row.items() if k != "row_version"}))


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


def follow_up_rows(
    session: Session, requests: Sequence[m.ApprovalRequest], *, now: dt.datetime
) -> list[dict[str, Any]]:
    """Return the one system row of each request ("synced into the follow-up records").

    Two statements, however many there are.
    """
    user = m.User.__table__
    with force_locale("zh_Hans_CN"):
        heads = _heads(session, [r.id for r in requests])
        people = {r.submitted_by_id for r in requests}
        places: dict[int, int | None] = dict(
            session.execute(
                sa.select(user.c.id, user.c.department_id).where(user.c.id.in_(people))
            ).all()
        )
        stamps = {"created_at": now, "updated_at": now, "row_version": 1}
        return [
            {
                "at": now,
                "customer_id": r.customer_id,
                "opportunity_id": _opportunity_of(r),
                "contract_id": r.record_id if r.noun == "contract" else None,
                "kind": m.FollowUpKind.system,
                "origin": m.Origin.approval,
                "request_id": r.id,
                "content": "\n".join(
                    [
                        f"【审批通过】{r.title}",
                        "；".join(heads[r.id]),
                        "；".join(said_of(r.payload)),
                    ]
                ),
                "owner_id": r.submitted_by_id,
                "owner_department_id": places.get(r.submitted_by_id or 0),
                **stamps,
            }
            for r in requests
        ]


def _heads(session: Session, requests: list[int]) -> dict[int, list[str]]:
    """Return request → its events as texts."""
    event, user = m.ApprovalEvent.__table__, m.User.__table__
    behalf = user.alias()
    heads: dict[int, list[str]] = {key: [] for key in requests}
    for row in session.execute(
        sa.select(
            event.c["request_id", "decision", "comment", "at"],
            user.c.name,
            behalf.c.name.label("behalf"),
        )
        .outerjoin_from(event, user, user.c.id == event.c.actor_id)
        .outerjoin(behalf, behalf.c.id == event.c.on_behalf_of_id)
        .where(event.c.request_id.in_(requests))
        .order_by(event.c.id)
    ):
        heads[row.request_id].append(_event_text(row))
    return heads


def _opportunity_of(request: m.ApprovalRequest) -> int | None:
    if request.noun == "opportunity":
        return request.record_id
    found: int | None = request.payload["values"].get("opportunity_id")
    return found


def _event_text(row: Any) -> str:
    who = f"{row.name or ''}（代 {row.behalf}）" if row.behalf else row.name or ""
    said = f"（{row.comment}）" if row.comment else ""
    return f"{who} {row.at.astimezone(ZONE):%Y-%m-%d %H:%M} {row.decision}{said}"


def said_of(payload: dict[str, Any]) -> list[str]:
    """Return the lines that tell what was approved: the content, or what changed."""
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


def copy_many(  # noqa: PLR0913 # what a copy says
    session: Session,
    requests: Sequence[m.ApprovalRequest],
    *,
    state: m.Approval,
    comment: str | None,
    by: int | None,
    now: dt.datetime,
    step: int | None = None,
) -> None:
    """Set each submitter's one copy of a request unread with the newest step and comment.

    One statement; `step` is the one that was decided where the request has moved on.
    """
    table = m.ApprovalCopy.__table__
    rows = [
        {
            "request_id": r.id,
            "user_id": r.submitted_by_id,
            "step": step or r.step,
            "steps": r.steps,
            "state": state,
            "actor_id": by,
            "comment": comment,
            "at": now,
            "read_at": None,
        }
        for r in requests
        if r.submitted_by_id is not None
    ]
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = build(table).values(rows)
    fresh = statement.excluded
    keys = ("step", "steps", "state", "actor_id", "comment", "at", "read_at")
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.request_id, table.c.user_id],
            set_={key: fresh[key] for key in keys},
        ),
        execution_options={"rule": "approval"},
    )
