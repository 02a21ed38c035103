"""Every round of a record with all its events: kept for ever, shown newest first."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

import models as m


def timeline(session: Session, record: Any) -> list[m.ApprovalRequest]:
    """Return the visible requests of a record with their events: one statement."""
    request, event = m.ApprovalRequest, m.ApprovalEvent
    return list(
        session.scalars(
            sa.select(request)
            .where(request.noun == record.__noun__, request.record_id == record.id)
            .outerjoin(request.events)
            .order_by(request.round.desc(), event.id)
            .options(contains_eager(request.events))
        ).unique()
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Remark:
    """What the last decision said: who, when, and the words."""

    name: str
    at: dt.datetime
    text: str


def remark(session: Session, record: Any) -> Remark | None:
    """Return why a rejected record came back, for the form it is mended in."""
    if record.approval is not m.Approval.rejected:
        return None
    request, user = m.ApprovalRequest, m.User
    row = session.execute(
        sa.select(user.name, request.decided_at, request.last_comment)
        .join(user, user.id == request.last_actor_id)
        .where(request.noun == record.__noun__, request.record_id == record.id)
        .order_by(request.id.desc())
        .limit(1)
    ).first()
    return Remark(row[0], row[1], row[2]) if row is not None and row[2] else None
