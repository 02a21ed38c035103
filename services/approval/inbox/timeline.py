"""Every round of a record with all its events: kept for ever, shown newest first."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.file import ApprovalFile
from models.approval.flow import FlowAction
from models.approval.request import ApprovalCopy, ApprovalEvent, ApprovalRequest, Decision
from models.core.mixins import Approval
from models.people.user import User
from services.approval.request.annotations import captioned
from services.approval.request.events import told
from services.rights.access import actor_of, unscoped, visible_to

BEHALF, TARGET = User.__table__.alias("behalf"), User.__table__.alias("target")
NO = (Decision.reject, Decision.give_back)


@dataclasses.dataclass(slots=True)
class Event:
    """What happened once. `remarks` are (caption, text), `files` are (id, name, bytes).

    `step` is its place on the request's way, `to_step` the place a return went to.
    """

    decision: Decision
    at: dt.datetime
    comment: str | None
    actor: str | None
    on_behalf_of: str | None
    target: str | None
    remarks: list[tuple[Any, str]]
    step: int = 0
    to_step: int | None = None
    files: list[tuple[int, str, int]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class RequestRound:
    """One request of a record; `remarks` are those its last no put beside fields, by key.

    `opens`: the reader sees the request by itself, with the content that was submitted; `picked`
    are the names of those whom the submitter had copied.
    """

    id: int
    round: int
    state: Approval
    action: FlowAction
    last_comment: str | None
    submitted_by_id: int | None
    opens: bool
    events: list[Event] = dataclasses.field(default_factory=list)
    remarks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    picked: str = ""

    @property
    def ended(self) -> Event | None:
        """Return how it was ended by who leads others, None where it was not."""
        last = self.events[-1] if self.events else None
        return last if last is not None and last.decision is Decision.terminate else None


def timeline(session: Session, record: Any) -> list[RequestRound]:
    """Return every round of a record the actor sees, also those he does not see by themselves.

    Sight of a record is sight of all that was said of it (product.md, laws 5 and 13).
    """
    with unscoped(session, "approval"):
        return rounds(session, record.__noun__, record.id)


def rounds(session: Session, noun: str, record_id: int | None) -> list[RequestRound]:
    """Return the visible rounds of a record, newest first, with names and files: one statement."""
    found: dict[int, RequestRound] = {}
    events: dict[int, Event] = {}
    for row in session.execute(_rows(session, noun, record_id)):
        key = row.round_id
        if key not in found:
            said = (row.last_comment, row.submitted_by_id, row.opens)
            found[key] = RequestRound(key, row.round, row.state, row.action, *said)
            found[key].picked = row.picked or ""
        if row.event_id is not None and row.event_id not in events:
            events[row.event_id] = _event(noun, row)
            found[key].events.append(events[row.event_id])
            if row.decision in NO:
                found[key].remarks = row.remarks or {}
        if row.file_id is not None:
            events[row.event_id].files.append((row.file_id, row.name, row.size))
    return list(found.values())


def _rows(session: Session, noun: str, record_id: int | None) -> Any:
    """Events and files stand on Core tables: they are seen exactly when the request is."""
    request, event = ApprovalRequest, ApprovalEvent.__table__
    user, file = User.__table__, ApprovalFile.__table__
    copy, reader = ApprovalCopy.__table__, User.__table__.alias("reader")
    picked = (
        sa.select(sa.func.aggregate_strings(reader.c.name, "、"))
        .join(copy, copy.c.user_id == reader.c.id)
        .where(copy.c.request_id == request.id, copy.c.chosen)
        .scalar_subquery()
    )
    return (
        sa.select(
            request.id.label("round_id"),
            request.round,
            request.state,
            request.action,
            request.last_comment,
            request.submitted_by_id,
            visible_to(actor_of(session), request).label("opens"),
            event.c.id.label("event_id"),
            *event.c["decision", "comment", "remarks", "at", "step", "to_step"],
            picked.label("picked"),
            user.c.name.label("actor"),
            BEHALF.c.name.label("on_behalf_of"),
            TARGET.c.name.label("target"),
            file.c.id.label("file_id"),
            *file.c["name", "size"],
        )
        .outerjoin(event, event.c.request_id == request.id)
        .outerjoin(user, user.c.id == event.c.actor_id)
        .outerjoin(BEHALF, BEHALF.c.id == event.c.on_behalf_of_id)
        .outerjoin(TARGET, TARGET.c.id == event.c.target_id)
        .outerjoin(file, file.c.event_id == event.c.id)
        .where(request.noun == noun, request.record_id == record_id)
        .order_by(request.round.desc(), event.c.id, file.c.id)
    )


def _event(noun: str, row: Any) -> Event:
    names = (row.actor, row.on_behalf_of, row.target)
    remarks = list(captioned(noun, row.remarks))
    return Event(row.decision, row.at, told(row.comment), *names, remarks, row.step, row.to_step)


@dataclasses.dataclass(frozen=True, slots=True)
class Remark:
    """What the last no said: who, when, the words, and those beside single fields by key."""

    name: str
    at: dt.datetime
    text: str
    fields: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Where a record stands: is a request of it open, and why did the last one come back."""

    open: bool = False
    remark: Remark | None = None


def standing(session: Session, record: Any) -> Standing:
    """Return what the form of a record has to know of its newest request: one statement.

    An open one holds the record also where the actor does not see it; what was said he only gets
    from a request he sees.
    """
    request, user, event = ApprovalRequest, User, ApprovalEvent.__table__
    seen = sa.case((visible_to(actor_of(session), request), 1), else_=0)
    row = session.execute(
        sa.select(
            user.name,
            request.state,
            request.decided_at,
            request.last_comment,
            event.c.remarks,
            seen.label("seen"),
        )
        .outerjoin(user, user.id == request.last_actor_id)
        .outerjoin(event, sa.and_(event.c.request_id == request.id, event.c.decision.in_(NO)))
        .where(request.noun == record.__noun__, request.record_id == record.id)
        .order_by(request.id.desc(), event.c.id.desc())
        .limit(1),
        execution_options={"system": "approval"},
    ).first()
    if row is None:
        return Standing()
    back = row.state is Approval.rejected and row.last_comment and row.seen
    said = (row.name or "", row.decided_at, row.last_comment, row.remarks or {})
    return Standing(row.state is Approval.pending, Remark(*said) if back else None)
